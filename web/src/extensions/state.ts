/** Which extensions there are, and how they fare. */

import { create } from 'zustand';
import type { Extension } from '../api/packs';

export interface ExtensionState {
	readonly told: Extension;
	/** `foreign`: its scripts are for another front end. */
	readonly state: 'loading' | 'loaded' | 'failed' | 'foreign';
	/** What went wrong, with the stack of it. */
	readonly error: string;
}

interface Extensions {
	readonly extensions: readonly ExtensionState[];
	/** Why the server did not tell of any. */
	readonly failure: string;
}

export const useExtensions = create<Extensions>()(() => ({ extensions: [], failure: '' }));

export function note(name: string, change: Pick<ExtensionState, 'state'> & Partial<ExtensionState>): void {
	useExtensions.setState(({ extensions }) => ({
		extensions: extensions.map((one) => (one.told.name === name ? { ...one, ...change } : one)),
	}));
}
