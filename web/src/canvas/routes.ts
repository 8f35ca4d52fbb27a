/** The path of a link: a plain curve where that is free, else along a lane above or below the nodes in its way. */

export interface Box {
	readonly left: number;
	readonly top: number;
	readonly right: number;
	readonly bottom: number;
}

export interface Run {
	readonly fromX: number;
	readonly fromY: number;
	readonly toX: number;
	readonly toY: number;
	/** Sets links apart that would choose the same lane. */
	readonly track: number;
}

/** A level stretch between two columns of nodes. */
export interface Lane {
	readonly y: number;
	readonly left: number;
	readonly right: number;
}

const CLEARANCE = 9;
const TRACK_STEP = 7;
const TRACKS = 3;
const SAMPLES = 16;
const ATTEMPTS = 4;
/** Room a curve needs beside a node to change its height. */
const TURN = 22;

export function findLane(run: Run, boxes: readonly Box[]): Lane | null {
	// A node that does not leave room to turn on both sides cannot be gone round.
	const between = boxes.filter((box) => box.left > run.fromX + TURN && box.right < run.toX - TURN);
	const around = new Set(between.filter((box) => crosses(run.fromX, run.fromY, run.toX, run.toY, box)));
	let lane: Lane | null = null;
	for (let attempt = 0; attempt < ATTEMPTS && around.size > 0; attempt += 1) {
		lane = laneAround(run, [...around], between);
		const hit = lane === null ? [] : between.filter((box) => !around.has(box) && turnsCross(run, lane, box));
		if (hit.length === 0) {
			break;
		}
		hit.forEach((box) => around.add(box));
	}
	return lane;
}

function laneAround(run: Run, around: readonly Box[], between: readonly Box[]): Lane | null {
	const left = Math.min(...around.map((box) => box.left)) - CLEARANCE;
	const right = Math.max(...around.map((box) => box.right)) + CLEARANCE;
	const shift = CLEARANCE + (run.track % TRACKS) * TRACK_STEP;
	const inside = between.filter((box) => box.right > left && box.left < right);
	const free = inside
		.flatMap((box) => [box.top - shift, box.bottom + shift])
		.filter((y) => inside.every((box) => y < box.top - CLEARANCE / 2 || y > box.bottom + CLEARANCE / 2));
	const detour = (y: number): number => Math.abs(y - run.fromY) + Math.abs(y - run.toY);
	const y = free.sort((a, b) => detour(a) - detour(b))[0];
	return y === undefined ? null : { y, left, right };
}

function turnsCross(run: Run, lane: Lane | null, box: Box): boolean {
	return (
		lane !== null &&
		(crosses(run.fromX, run.fromY, lane.left, lane.y, box) || crosses(lane.right, lane.y, run.toX, run.toY, box))
	);
}

export function linkPath(run: Omit<Run, 'track'>, lane: Lane | null): string {
	const { fromX, fromY, toX, toY } = run;
	if (lane === null) {
		return `M${fromX},${fromY} ${curve(fromX, fromY, toX, toY)}`;
	}
	const { y, left, right } = lane;
	return `M${fromX},${fromY} ${curve(fromX, fromY, left, y)} L${right},${y} ${curve(right, y, toX, toY)}`;
}

/** Through points on the way, level at each of them. */
export function pathThrough(spots: readonly { readonly x: number; readonly y: number }[]): string {
	const [first, ...rest] = spots;
	if (first === undefined) {
		return '';
	}
	const curves = rest.map((spot, index) => {
		const from = spots[index] ?? first;
		return curve(from.x, from.y, spot.x, spot.y);
	});
	return `M${first.x},${first.y} ${curves.join(' ')}`;
}

function curve(fromX: number, fromY: number, toX: number, toY: number): string {
	const reach = handleLength(fromX, toX);
	return `C${fromX + reach},${fromY} ${toX - reach},${toY} ${toX},${toY}`;
}

export function handleLength(fromX: number, toX: number): number {
	const distance = toX - fromX;
	return distance >= 0 ? distance / 2 : 12 * Math.sqrt(-distance);
}

function crosses(fromX: number, fromY: number, toX: number, toY: number, box: Box): boolean {
	const reach = handleLength(fromX, toX);
	for (let step = 1; step < SAMPLES; step += 1) {
		const t = step / SAMPLES;
		const x = cubic(t, fromX, fromX + reach, toX - reach, toX);
		const y = cubic(t, fromY, fromY, toY, toY);
		if (x > box.left && x < box.right && y > box.top && y < box.bottom) {
			return true;
		}
	}
	return false;
}

function cubic(t: number, a: number, b: number, c: number, d: number): number {
	const s = 1 - t;
	return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
}
