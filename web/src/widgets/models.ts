/** What the server knows of model files, asked for when a list of them is first opened. */

import { create } from 'zustand';
import { fetchModels } from '../api/http';
import type { ModelFile } from '../api/types';
import { useKinds } from '../graph/kinds';
import type { Json } from '../json';
import { tell } from '../run/submit';
import type { PromptNames } from './completion';

const MODEL = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i;
const UNITS = ['B', 'kB', 'MB', 'GB'] as const;

interface Models {
	/** Null until it was asked for. */
	readonly files: readonly ModelFile[] | null;
}

export const useModels = create<Models>()(() => ({ files: null }));

/** Asks once, and anew after the lists of files were read anew. */
export async function needModels(): Promise<void> {
	if (useModels.getState().files === null) {
		useModels.setState({ files: [] });
		await tell(async () => useModels.setState({ files: await fetchModels() }));
	}
}

interface Named extends PromptNames {
	readonly asked: boolean;
}

const NO_NAMES: Named = { embeddings: [], loras: [], asked: false };

/** What prompts may name. */
export const usePromptNames = create<Named>()(() => NO_NAMES);

/** Asks once, and anew after the lists of files were read anew. */
export async function needPromptNames(): Promise<void> {
	if (!usePromptNames.getState().asked) {
		usePromptNames.setState({ asked: true });
		await tell(async () => {
			const [embeddings, loras] = await Promise.all([fetchModels('embeddings'), fetchModels('loras')]);
			usePromptNames.setState({ embeddings: embeddings.map(nameOf), loras: loras.map(nameOf) });
		});
	}
}

// An edit inside of a subgraph makes its kind anew, but no files.
useKinds.subscribe(({ server }, before) => {
	if (server !== before.server) {
		useModels.setState({ files: null });
		usePromptNames.setState(NO_NAMES);
	}
});

export function looksLikeModels(choices: readonly Json[]): boolean {
	return choices.some((choice) => typeof choice === 'string' && MODEL.test(choice));
}

/** The files that these choices name: those of the kind of folder that has most of them, since names repeat. */
export function filesOf(choices: readonly string[], files: readonly ModelFile[]): ReadonlyMap<string, ModelFile> {
	const wanted = new Set(choices);
	const byKind = new Map<string, Map<string, ModelFile>>();
	for (const file of files.filter(({ name }) => wanted.has(name))) {
		byKind.set(file.kind, (byKind.get(file.kind) ?? new Map<string, ModelFile>()).set(file.name, file));
	}
	return [...byKind.values()].sort((one, other) => other.size - one.size)[0] ?? new Map<string, ModelFile>();
}

function nameOf(file: ModelFile): string {
	return file.name;
}

export function sizeText(bytes: number): string {
	const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
	const amount = bytes / 1000 ** power;
	return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power] ?? ''}`;
}
