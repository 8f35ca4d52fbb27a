/** Kinds as a tree of their categories, whose names have slashes between levels. */

import { categoryOrder } from '../graph/kinds';
import type { KindInfo } from '../graph/types';
import type { TreeRow } from '../ui/Tree';

export interface PaletteRow extends TreeRow {
	/** Null for a category. */
	readonly info: KindInfo | null;
	/** How many kinds a category has, those of the categories in it too. */
	readonly count: number;
}

interface Branch {
	readonly id: string;
	readonly branches: Map<string, Branch>;
	readonly kinds: KindInfo[];
	count: number;
}

/** The rows that can be seen: what is in the categories of `open`, or everything where that is null. */
export function categoryRows(kinds: readonly KindInfo[], open: ReadonlySet<string> | null, other: string): PaletteRow[] {
	const root: Branch = { id: '', branches: new Map(), kinds: [], count: 0 };
	for (const info of kinds) {
		let branch = root;
		for (const name of (info.category || other).split('/')) {
			const next: Branch = branch.branches.get(name) ?? {
				id: `${branch.id}/${name}`,
				branches: new Map(),
				kinds: [],
				count: 0,
			};
			branch.branches.set(name, next);
			branch = next;
			branch.count += 1;
		}
		branch.kinds.push(info);
	}
	return rowsOf(root, 1, open);
}

function rowsOf(branch: Branch, level: number, open: ReadonlySet<string> | null): PaletteRow[] {
	// What was searched for stands in the order in which it was found.
	const found = open === null;
	const branches = [...branch.branches].sort(([a], [b]) => (found ? 0 : categoryOrder(a, b)));
	const kinds = [...branch.kinds].sort((a, b) => (found ? 0 : a.title.localeCompare(b.title)));
	return [
		...branches.flatMap(([label, inner]): PaletteRow[] => {
			const isOpen = open === null || open.has(inner.id);
			const row = { id: inner.id, level, open: isOpen, label, info: null, count: inner.count };
			return [row, ...(isOpen ? rowsOf(inner, level + 1, open) : [])];
		}),
		...kinds.map((info): PaletteRow => ({ id: info.kind, level, label: info.title, info, count: 0 })),
	];
}
