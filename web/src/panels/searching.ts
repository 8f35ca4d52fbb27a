import { create } from 'zustand';
import type { LooseEnd } from '../canvas/commands';
import type { Point } from '../canvas/view';

interface SearchStore {
	/** Where on the screen the chosen node will stand; null while the palette is closed. */
	readonly at: Point | null;
	/** The link waiting for a node. */
	readonly end: LooseEnd | null;
}

export const useSearch = create<SearchStore>()(() => ({ at: null, end: null }));

export function openSearch(at: Point, end: LooseEnd | null): void {
	useSearch.setState({ at, end });
}

export function closeSearch(): void {
	useSearch.setState({ at: null, end: null });
}
