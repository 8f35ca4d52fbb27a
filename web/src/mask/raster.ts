/** A mask as numbers: painted, erased, softened, filled. Every change tells what part of it is another. */

export interface Raster {
	readonly width: number;
	readonly height: number;
	/** By rows; 255 is masked. */
	readonly data: Uint8ClampedArray;
}

/** Whole pixels; `right` and `bottom` are the first ones outside. */
export interface Area {
	readonly left: number;
	readonly top: number;
	readonly right: number;
	readonly bottom: number;
}

export interface Spot {
	readonly x: number;
	readonly y: number;
}

export interface Brush {
	/** In pixels of the picture. */
	readonly radius: number;
	/** From 0, fading from the middle on, to 1, with a sharp edge. */
	readonly hardness: number;
}

export type StrokeTool = 'brush' | 'erase' | 'soften';

const HALF = 128;
/** How much of the way to its blurred self one touch takes a pixel. */
const SOFTENING = 0.5;

export function emptyRaster(width: number, height: number): Raster {
	return { width, height, data: new Uint8ClampedArray(width * height) };
}

export function wholeOf({ width, height }: Raster): Area {
	return { left: 0, top: 0, right: width, bottom: height };
}

export function isEmpty({ left, top, right, bottom }: Area): boolean {
	return left >= right || top >= bottom;
}

export function joinAreas(one: Area | null, other: Area): Area {
	return one === null || isEmpty(one)
		? other
		: {
				left: Math.min(one.left, other.left),
				top: Math.min(one.top, other.top),
				right: Math.max(one.right, other.right),
				bottom: Math.max(one.bottom, other.bottom),
			};
}

/** Draws a straight piece of a stroke. What a stroke covers twice is not covered more. */
export function drawStroke(raster: Raster, from: Spot, to: Spot, brush: Brush, tool: StrokeTool): Area {
	const area = around(raster, from, to, brush.radius + 1);
	const { data, width } = raster;
	const blurred = tool === 'soften' ? blurredArea(raster, area, Math.max(1, Math.round(brush.radius / 5))) : null;
	const cover = covering(from, to, brush);
	for (let y = area.top; y < area.bottom; y += 1) {
		for (let x = area.left; x < area.right; x += 1) {
			const covered = cover(x + 0.5, y + 0.5);
			const at = y * width + x;
			const before = data[at] ?? 0;
			if (covered <= 0) {
				continue;
			}
			if (blurred !== null) {
				const soft = blurred[(y - area.top) * (area.right - area.left) + x - area.left] ?? 0;
				data[at] = before + (soft - before) * covered * SOFTENING;
			} else {
				data[at] = tool === 'brush' ? Math.max(before, covered * 255) : Math.min(before, (1 - covered) * 255);
			}
		}
	}
	return area;
}

/** Masks all that can be reached from here without crossing what is masked already; or unmasks what hangs together. */
export function fillFrom(raster: Raster, { x, y }: Spot): Area {
	const { data, width, height } = raster;
	const start = Math.floor(y) * width + Math.floor(x);
	const masked = (data[start] ?? 0) >= HALF;
	const value = masked ? 0 : 255;
	let area: Area = { left: width, top: height, right: 0, bottom: 0 };
	const inside = (at: number): boolean => ((data[at] ?? 0) >= HALF) === masked;
	const waiting = [start];
	for (let seed = waiting.pop(); seed !== undefined; seed = waiting.pop()) {
		if (!inside(seed)) {
			continue;
		}
		const row = Math.floor(seed / width) * width;
		let [left, right] = [seed, seed + 1];
		while (left > row && inside(left - 1)) {
			left -= 1;
		}
		while (right < row + width && inside(right)) {
			right += 1;
		}
		data.fill(value, left, right);
		const top = row / width;
		area = joinAreas(area, { left: left - row, top, right: right - row, bottom: top + 1 });
		for (const other of [-width, width]) {
			for (let at = left + other; at < right + other; at += 1) {
				// One seed per run of pixels in the row above and below.
				if (at >= 0 && at < data.length && inside(at) && (at === left + other || !inside(at - 1))) {
					waiting.push(at);
				}
			}
		}
	}
	return area;
}

export function invertAll(raster: Raster): Area {
	const { data } = raster;
	for (let at = 0; at < data.length; at += 1) {
		data[at] = 255 - (data[at] ?? 0);
	}
	return wholeOf(raster);
}

export function clearAll(raster: Raster): Area {
	raster.data.fill(0);
	return wholeOf(raster);
}

export function softenAll(raster: Raster, radius: number): Area {
	const area = wholeOf(raster);
	raster.data.set(blurredArea(raster, area, radius));
	return area;
}

/** A copy of a part, by rows. */
export function cutOut(raster: Raster, { left, top, right, bottom }: Area): Uint8ClampedArray {
	const width = right - left;
	const part = new Uint8ClampedArray(width * (bottom - top));
	for (let y = top; y < bottom; y += 1) {
		const from = y * raster.width + left;
		part.set(raster.data.subarray(from, from + width), (y - top) * width);
	}
	return part;
}

export function putBack(raster: Raster, { left, top, right, bottom }: Area, part: Uint8ClampedArray): void {
	const width = right - left;
	for (let y = top; y < bottom; y += 1) {
		raster.data.set(part.subarray((y - top) * width, (y - top + 1) * width), y * raster.width + left);
	}
}

/** How much of a pixel a brush covers on its way, from 0 to 1. */
function covering(from: Spot, to: Spot, { radius, hardness }: Brush): (x: number, y: number) => number {
	const [dx, dy] = [to.x - from.x, to.y - from.y];
	const length = dx * dx + dy * dy;
	const fade = Math.max(1, radius * (1 - hardness));
	return (x, y) => {
		const along = length === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / length;
		const part = along < 0 ? 0 : along > 1 ? 1 : along;
		const distance = Math.hypot(x - from.x - part * dx, y - from.y - part * dy);
		const inside = (radius + 0.5 - distance) / fade;
		const cut = inside < 0 ? 0 : inside > 1 ? 1 : inside;
		return cut * cut * (3 - 2 * cut);
	};
}

function around({ width, height }: Raster, from: Spot, to: Spot, margin: number): Area {
	return {
		left: Math.max(0, Math.floor(Math.min(from.x, to.x) - margin)),
		top: Math.max(0, Math.floor(Math.min(from.y, to.y) - margin)),
		right: Math.min(width, Math.ceil(Math.max(from.x, to.x) + margin)),
		bottom: Math.min(height, Math.ceil(Math.max(from.y, to.y) + margin)),
	};
}

/** A part, blurred with what is around it: two means over squares, which is close to a Gaussian. */
function blurredArea(raster: Raster, area: Area, radius: number): Uint8ClampedArray {
	const margin = 2 * radius;
	const wide: Area = {
		left: Math.max(0, area.left - margin),
		top: Math.max(0, area.top - margin),
		right: Math.min(raster.width, area.right + margin),
		bottom: Math.min(raster.height, area.bottom + margin),
	};
	const [width, height] = [wide.right - wide.left, wide.bottom - wide.top];
	const values = Float32Array.from(cutOut(raster, wide));
	for (let pass = 0; pass < 2; pass += 1) {
		for (let y = 0; y < height; y += 1) {
			meanAlong(values, y * width, 1, width, radius);
		}
		for (let x = 0; x < width; x += 1) {
			meanAlong(values, x, width, height, radius);
		}
	}
	const blurred = { width, height, data: Uint8ClampedArray.from(values, Math.round) };
	const [left, top] = [area.left - wide.left, area.top - wide.top];
	return cutOut(blurred, { left, top, right: left + area.right - area.left, bottom: top + area.bottom - area.top });
}

/** A running mean over one row or column; at the ends, over what is there. */
function meanAlong(values: Float32Array, start: number, step: number, count: number, radius: number): void {
	const line = new Float32Array(count);
	let [sum, size] = [0, 0];
	for (let at = 0; at < Math.min(radius, count); at += 1) {
		sum += values[start + at * step] ?? 0;
		size += 1;
	}
	for (let at = 0; at < count; at += 1) {
		if (at + radius < count) {
			sum += values[start + (at + radius) * step] ?? 0;
			size += 1;
		}
		if (at - radius - 1 >= 0) {
			sum -= values[start + (at - radius - 1) * step] ?? 0;
			size -= 1;
		}
		line[at] = sum / size;
	}
	line.forEach((mean, at) => {
		values[start + at * step] = mean;
	});
}
