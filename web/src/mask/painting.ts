/** A mask while it is worked on: what is painted is drawn, and can be taken back step by step. */

import {
	clearAll,
	cutOut,
	drawStroke,
	fillFrom,
	invertAll,
	isEmpty,
	joinAreas,
	putBack,
	softenAll,
	wholeOf,
	type Area,
	type Brush,
	type Raster,
	type Spot,
	type StrokeTool,
} from './raster';

interface Change {
	readonly area: Area;
	readonly before: Uint8ClampedArray;
	readonly after: Uint8ClampedArray;
}

interface Stroke {
	readonly tool: StrokeTool;
	readonly brush: Brush;
	readonly before: Raster;
	last: Spot;
	area: Area | null;
}

export class Painting {
	private done: Change[] = [];
	private undone: Change[] = [];
	private stroke: Stroke | null = null;

	/** `draw` shows a part that has changed; `changed` hears of every step. */
	constructor(
		readonly raster: Raster,
		private readonly draw: (area: Area) => void,
		private readonly changed: () => void,
	) {}

	get canUndo(): boolean {
		return this.done.length > 0;
	}

	get canRedo(): boolean {
		return this.undone.length > 0;
	}

	get isChanged(): boolean {
		return this.done.length > 0;
	}

	begin(tool: StrokeTool, brush: Brush, at: Spot): void {
		this.end();
		const { raster } = this;
		this.stroke = { tool, brush, before: { ...raster, data: raster.data.slice() }, last: at, area: null };
		this.extend(at);
	}

	extend(to: Spot): void {
		const { stroke } = this;
		if (stroke !== null) {
			const area = drawStroke(this.raster, stroke.last, to, stroke.brush, stroke.tool);
			stroke.last = to;
			if (!isEmpty(area)) {
				stroke.area = joinAreas(stroke.area, area);
				this.draw(area);
			}
		}
	}

	end(): void {
		const { stroke } = this;
		this.stroke = null;
		if (stroke?.area != null) {
			this.note(stroke.area, cutOut(stroke.before, stroke.area));
		}
	}

	/** As if the stroke had never begun. */
	abandon(): void {
		const { stroke } = this;
		this.stroke = null;
		if (stroke?.area != null) {
			putBack(this.raster, stroke.area, cutOut(stroke.before, stroke.area));
			this.draw(stroke.area);
		}
	}

	fill(at: Spot): void {
		this.apply((raster) => fillFrom(raster, at));
	}

	invert(): void {
		this.apply(invertAll);
	}

	clear(): void {
		this.apply(clearAll);
	}

	soften(radius: number): void {
		this.apply((raster) => softenAll(raster, radius));
	}

	undo(): void {
		this.end();
		this.turn(this.done, this.undone, ({ before }) => before);
	}

	redo(): void {
		this.turn(this.undone, this.done, ({ after }) => after);
	}

	private turn(from: Change[], to: Change[], part: (change: Change) => Uint8ClampedArray): void {
		const change = from.pop();
		if (change !== undefined) {
			putBack(this.raster, change.area, part(change));
			to.push(change);
			this.draw(change.area);
			this.changed();
		}
	}

	private apply(action: (raster: Raster) => Area): void {
		this.end();
		const before = { ...this.raster, data: this.raster.data.slice() };
		const area = action(this.raster);
		if (!isEmpty(area)) {
			this.draw(area);
			this.note(area, cutOut(before, area));
		}
	}

	private note(area: Area, before: Uint8ClampedArray): void {
		this.done.push({ area, before, after: cutOut(this.raster, area) });
		this.undone = [];
		this.changed();
	}
}

/** Shows parts of a mask on a canvas of its size: a colour where it is masked. */
export function drawingOn(canvas: HTMLCanvasElement, raster: Raster, colour: () => readonly [number, number, number]) {
	const context = canvas.getContext('2d');
	return (area: Area = wholeOf(raster)): void => {
		const [width, height] = [area.right - area.left, area.bottom - area.top];
		const image = new ImageData(width, height);
		const [red, green, blue] = colour();
		cutOut(raster, area).forEach((value, index) => {
			image.data[index * 4] = red;
			image.data[index * 4 + 1] = green;
			image.data[index * 4 + 2] = blue;
			image.data[index * 4 + 3] = value;
		});
		context?.putImageData(image, area.left, area.top);
	};
}
