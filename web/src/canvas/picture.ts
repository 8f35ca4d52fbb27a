/** Draws a graph seen from afar: boxes in the colours of their nodes, with titles where these can be read, and links. */

import type { NodeLook } from './nodelooks';
import type { FlowNode } from './flow';
import { handleLength } from './routes';
import type { Point } from './view';

/** The part of the graph that is seen: where its origin is on the canvas, in pixels, and how large things are. */
export interface Sight extends Point {
	readonly zoom: number;
	readonly width: number;
	readonly height: number;
	/** Pixels of the screen to one of the page. */
	readonly ratio: number;
}

/** One link, by all points that it leads through. */
export interface Line {
	readonly colour: string;
	readonly spots: readonly Point[];
}

/** Colours as a canvas understands them. */
export interface Paints {
	readonly box: (look: NodeLook) => string;
	readonly text: string;
	readonly selected: string;
	readonly family: string;
}

const LINE_WIDTH = 4;
const LINE_OPACITY = 0.6;
const FAINT = 0.55;
const OUTLINE = 6;
const CORNER = 10;
const FONT_SIZE = 30;
const LINE_HEIGHT = 33;
const PADDING = { x: 18, y: 8 };
/** Of titles broken into lines, so that each is measured once. */
const broken = new Map<string, readonly string[]>();
const MOST_BROKEN = 4000;

export interface Shown {
	readonly nodes: readonly FlowNode[];
	readonly lines: readonly Line[];
	readonly look: (id: string) => NodeLook | null;
	/** Whether a title could be read. */
	readonly titles: boolean;
}

export function draw(context: CanvasRenderingContext2D, sight: Sight, shown: Shown, paints: Paints): void {
	const { zoom, ratio } = sight;
	context.setTransform(1, 0, 0, 1, 0, 0);
	context.clearRect(0, 0, context.canvas.width, context.canvas.height);
	context.setTransform(zoom * ratio, 0, 0, zoom * ratio, sight.x * ratio, sight.y * ratio);
	drawLines(context, sight, shown.lines);
	context.globalAlpha = 1;
	context.textAlign = 'center';
	context.textBaseline = 'middle';
	context.font = `700 ${FONT_SIZE}px ${paints.family}`;
	const inside = insideOf(sight);
	for (const node of shown.nodes) {
		const { position, measured, selected } = node;
		const { width = 0, height = 0 } = measured ?? {};
		const look = node.type === 'graph' && inside(position.x, position.y, width, height) ? shown.look(node.id) : null;
		if (look === null) {
			continue;
		}
		context.globalAlpha = look.faint ? FAINT : 1;
		context.fillStyle = paints.box(look);
		if (shown.titles) {
			context.beginPath();
			context.roundRect(position.x, position.y, width, height, CORNER);
			context.fill();
			context.fillStyle = paints.text;
			drawTitle(context, look.title, position, width, height);
		} else {
			context.fillRect(position.x, position.y, width, height);
		}
		if (selected === true) {
			context.strokeStyle = paints.selected;
			context.lineWidth = Math.max(OUTLINE, 1 / zoom);
			const out = context.lineWidth / 2;
			context.strokeRect(position.x - out, position.y - out, width + 2 * out, height + 2 * out);
		}
	}
}

/** One stroke for each colour: that is faster than one for each link. */
function drawLines(context: CanvasRenderingContext2D, sight: Sight, lines: readonly Line[]): void {
	const inside = insideOf(sight);
	const byColour = new Map<string, Line[]>();
	for (const line of lines) {
		const [xs, ys] = [line.spots.map(({ x }) => x), line.spots.map(({ y }) => y)];
		const [left, top] = [Math.min(...xs), Math.min(...ys)];
		if (inside(left, top, Math.max(...xs) - left, Math.max(...ys) - top)) {
			const same = byColour.get(line.colour);
			if (same === undefined) {
				byColour.set(line.colour, [line]);
			} else {
				same.push(line);
			}
		}
	}
	context.globalAlpha = LINE_OPACITY;
	context.lineWidth = Math.max(LINE_WIDTH, 1.1 / sight.zoom);
	for (const [colour, same] of byColour) {
		context.strokeStyle = colour;
		context.beginPath();
		for (const { spots } of same) {
			trace(context, spots);
		}
		context.stroke();
	}
}

function trace(context: CanvasRenderingContext2D, [first, ...rest]: readonly Point[]): void {
	if (first === undefined) {
		return;
	}
	context.moveTo(first.x, first.y);
	let from = first;
	for (const to of rest) {
		const reach = handleLength(from.x, to.x);
		context.bezierCurveTo(from.x + reach, from.y, to.x - reach, to.y, to.x, to.y);
		from = to;
	}
}

function insideOf({ x, y, zoom, width, height }: Sight): (left: number, top: number, wide: number, high: number) => boolean {
	const [left, top, right, bottom] = [-x / zoom, -y / zoom, (width - x) / zoom, (height - y) / zoom];
	return (itsLeft, itsTop, wide, high) =>
		itsLeft < right && itsTop < bottom && itsLeft + wide > left && itsTop + high > top;
}

function drawTitle(context: CanvasRenderingContext2D, title: string, at: Point, width: number, height: number): void {
	const most = Math.max(1, Math.floor((height - 2 * PADDING.y) / LINE_HEIGHT));
	const lines = linesOf(context, title, width - 2 * PADDING.x).slice(0, most);
	const top = at.y + height / 2 - ((lines.length - 1) * LINE_HEIGHT) / 2;
	lines.forEach((line, index) => context.fillText(line, at.x + width / 2, top + index * LINE_HEIGHT));
}

function linesOf(context: CanvasRenderingContext2D, title: string, width: number): readonly string[] {
	const key = `${width} ${context.font} ${title}`;
	const known = broken.get(key);
	if (known !== undefined) {
		return known;
	}
	const lines = breakLines(title, (text) => context.measureText(text).width <= width);
	if (broken.size >= MOST_BROKEN) {
		broken.clear();
	}
	broken.set(key, lines);
	return lines;
}

/** Between words where that does, within one that is too long alone. */
export function breakLines(title: string, fits: (text: string) => boolean): readonly string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of title.split(/\s+/).filter(Boolean)) {
		const longer = line === '' ? word : `${line} ${word}`;
		if (fits(longer)) {
			line = longer;
			continue;
		}
		if (line !== '') {
			lines.push(line);
			line = '';
		}
		for (const letter of word) {
			if (line !== '' && !fits(line + letter)) {
				lines.push(line);
				line = '';
			}
			line += letter;
		}
	}
	return line === '' ? lines : [...lines, line];
}
