/** Boxes in line with each other, or with equal gaps. */

export interface Boxed {
	readonly id: string;
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

export type Alignment = 'left' | 'right' | 'top' | 'bottom' | 'centre' | 'middle';
export type Direction = 'across' | 'down';
type Places = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

/** Where the boxes go so that these edges, or their centres, stand in one line. */
export function aligned(boxes: readonly Boxed[], how: Alignment): Places {
	const left = Math.min(...boxes.map(({ x }) => x));
	const right = Math.max(...boxes.map(({ x, width }) => x + width));
	const top = Math.min(...boxes.map(({ y }) => y));
	const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
	const place = ({ x, y, width, height }: Boxed): { x: number; y: number } => {
		switch (how) {
			case 'left':
				return { x: left, y };
			case 'right':
				return { x: right - width, y };
			case 'top':
				return { x, y: top };
			case 'bottom':
				return { x, y: bottom - height };
			case 'centre':
				return { x: Math.round((left + right - width) / 2), y };
			case 'middle':
				return { x, y: Math.round((top + bottom - height) / 2) };
		}
	};
	return new Map(boxes.map((box) => [box.id, place(box)]));
}

const LEAST_GAP = 24;

/** Where the boxes between the first and the last go so that all gaps are equal. Fewer than three stay. */
export function distributed(boxes: readonly Boxed[], direction: Direction): Places {
	if (boxes.length < 3) {
		return new Map();
	}
	const [at, size] = direction === 'across' ? (['x', 'width'] as const) : (['y', 'height'] as const);
	const sorted = [...boxes].sort((a, b) => a[at] - b[at]);
	const [first, last] = [sorted[0]!, sorted.at(-1)!];
	const filled = sorted.reduce((sum, box) => sum + box[size], 0);
	const room = (last[at] + last[size] - first[at] - filled) / (sorted.length - 1);
	// Boxes that have no room between the first and the last are spread out from the first.
	const gap = room < 0 ? LEAST_GAP : room;
	let next = first[at];
	return new Map(
		sorted.map((box) => {
			const place = { x: box.x, y: box.y, [at]: Math.round(next) };
			next += box[size] + gap;
			return [box.id, place] as const;
		}),
	);
}

export interface Guided {
	/** How far what is dragged has to go to be in line. */
	readonly dx: number;
	readonly dy: number;
	/** The lines that it is in then. */
	readonly x: number | null;
	readonly y: number | null;
}

/** The nearest lines, no further away than `reach`, that edges and centres of others give to what is dragged. */
export function guides(moving: Omit<Boxed, 'id'>, others: readonly Omit<Boxed, 'id'>[], reach: number): Guided {
	const across = nearest(spans(moving, 'x', 'width'), others.flatMap((other) => [spans(other, 'x', 'width')]), reach);
	const down = nearest(spans(moving, 'y', 'height'), others.flatMap((other) => [spans(other, 'y', 'height')]), reach);
	return { dx: across?.away ?? 0, dy: down?.away ?? 0, x: across?.line ?? null, y: down?.line ?? null };
}

interface Span {
	readonly start: number;
	readonly middle: number;
	readonly end: number;
}

function spans(box: Omit<Boxed, 'id'>, at: 'x' | 'y', size: 'width' | 'height'): Span {
	return { start: box[at], middle: box[at] + box[size] / 2, end: box[at] + box[size] };
}

/** Edges meet edges, middles meet middles. */
function nearest(mine: Span, others: readonly Span[], reach: number): { away: number; line: number } | null {
	let best: { away: number; line: number } | null = null;
	const consider = (line: number, from: number): void => {
		const away = line - from;
		if (Math.abs(away) < (best === null ? reach : Math.abs(best.away))) {
			best = { away, line };
		}
	};
	for (const { start, middle, end } of others) {
		consider(start, mine.start);
		consider(end, mine.end);
		consider(middle, mine.middle);
		consider(end, mine.start);
		consider(start, mine.end);
	}
	return best;
}
