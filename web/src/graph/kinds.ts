/** The kinds of nodes there are: those that the server offers, and the subgraphs of the document. */

import { create } from 'zustand';
import { useGraph } from './store';
import { withSubgraphKinds } from './subgraphs';
import { NO_KINDS, type KindInfo, type Kinds } from './types';

interface KindStore {
	readonly server: Kinds;
	readonly kinds: Kinds;
	readonly set: (server: Kinds) => void;
}

export const useKinds = create<KindStore>()((set) => ({
	server: NO_KINDS,
	kinds: NO_KINDS,
	set: (server) => set({ server, kinds: withSubgraphKinds(server, useGraph.getState().doc.subgraphs) }),
}));

// The document's own kinds are there before anybody draws or edits it.
useGraph.subscribe((state, before) => {
	if (state.doc.subgraphs !== before.doc.subgraphs) {
		useKinds.setState(({ server }) => ({ kinds: withSubgraphKinds(server, state.doc.subgraphs) }));
	}
});

export function currentKinds(): Kinds {
	return useKinds.getState().kinds;
}

export function useKind(kind: string): KindInfo | undefined {
	return useKinds((state) => state.kinds.get(kind));
}

/** By name; those whose names begin with an underscore, such as `_for_testing`, are nobody's first choice and come last. */
export function categoryOrder(a: string, b: string): number {
	return Number(a.startsWith('_')) - Number(b.startsWith('_')) || a.localeCompare(b);
}
