/** The node kinds the server offers. */

import { create } from 'zustand';
import { NO_KINDS, type KindInfo, type Kinds } from './types';

interface KindStore {
	readonly kinds: Kinds;
	readonly set: (kinds: Kinds) => void;
}

export const useKinds = create<KindStore>()((set) => ({
	kinds: NO_KINDS,
	set: (kinds) => set({ kinds }),
}));

export function currentKinds(): Kinds {
	return useKinds.getState().kinds;
}

export function useKind(kind: string): KindInfo | undefined {
	return useKinds((state) => state.kinds.get(kind));
}
