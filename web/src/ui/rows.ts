/** Which rows of a long list are drawn, and what is told of those that are not. */

/** In pixels. */
export const ROW_HEIGHT = 27;
/** What is drawn changes by so many rows at a time, and there are as many beyond either edge. */
const STEP = 20;

/** What of a list can be seen, in steps: another one only after some scrolling. */
export interface View {
	readonly first: number;
	readonly last: number;
}

export const TOP: View = { first: 0, last: 1 };

/** Of a list that is scrolled down by `top` and shows `height`, both in pixels. */
export function viewOf(top: number, height: number): View {
	return { first: Math.floor(top / ROW_HEIGHT / STEP), last: Math.ceil((top + height) / ROW_HEIGHT / STEP) };
}

/** The rows to draw, from the top: those in view with some beyond, and the active one wherever it is. */
export function drawnRows(count: number, { first, last }: View, active: number): readonly number[] {
	const from = Math.max(0, (first - 1) * STEP);
	const to = Math.min(count, (last + 1) * STEP);
	const rows = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
	if (active >= count || (active >= from && active < to)) {
		return rows;
	}
	return active < from ? [active, ...rows] : [...rows, active];
}

export interface Place {
	/** From 1, among those under the same row. */
	readonly at: number;
	readonly of: number;
}

/** Where each row of a tree stands among those that are under the same row. */
export function placesOf(rows: readonly { readonly level: number }[]): readonly Place[] {
	const groups = rows.map(() => 0);
	const at = rows.map(() => 0);
	const sizes: number[] = [];
	const open: number[] = [];
	rows.forEach(({ level }, index) => {
		open.length = Math.min(open.length, level);
		while (open.length < level) {
			open.push(sizes.push(0) - 1);
		}
		const group = open[level - 1] ?? 0;
		sizes[group] = (sizes[group] ?? 0) + 1;
		groups[index] = group;
		at[index] = sizes[group] ?? 0;
	});
	return groups.map((group, index) => ({ at: at[index] ?? 0, of: sizes[group] ?? 0 }));
}
