/** What the document on the canvas asks for and is not here: kinds of nodes, model files. Told anew by each check. */

import { create } from 'zustand';
import type { MissingModel, MissingPack } from '../api/types';
import type { Doc } from '../graph/doc';
import type { Kinds } from '../graph/types';
import { missingFiles, missingKinds, type MissingKind, type Use } from './replace';

export interface LostModel {
	readonly name: string;
	/** Where it belongs; empty if the file does not say. */
	readonly folder: string;
	readonly url: string;
	/** Another file of this name is here. */
	readonly differs: boolean;
	readonly uses: readonly Use[];
}

interface Missing {
	readonly kinds: readonly MissingKind[];
	readonly models: readonly LostModel[];
	/** Somebody has read of it and does not want to again, in this document. */
	readonly hidden: boolean;
	readonly session: number;
}

export const useMissing = create<Missing>()(() => ({ kinds: [], models: [], hidden: false, session: 0 }));

export function noteMissing(doc: Doc, kinds: Kinds, packs: readonly MissingPack[], models: readonly MissingModel[]): void {
	const files = missingFiles(doc, kinds);
	const named = models.map((model) => ({ ...model, uses: files.get(model.name) ?? [] }));
	const told = new Set(models.map(({ name }) => name));
	const others = [...files].flatMap(([name, uses]) => (told.has(name) ? [] : [{ name, folder: '', url: '', differs: false, uses }]));
	const { session } = doc.root;
	useMissing.setState((state) => ({
		kinds: missingKinds(doc, kinds).map((one) => ({ ...one, pack: packs.find(({ kind }) => kind === one.kind)?.pack ?? '' })),
		models: [...named, ...others],
		hidden: state.hidden && state.session === session,
		session,
	}));
}
