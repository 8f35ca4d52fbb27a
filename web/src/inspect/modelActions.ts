/** What a person can do with a model file. */

import { fetchLoaders, type Loader } from '../api/models';
import type { ModelFile } from '../api/types';
import { addKind, setInput } from '../canvas/commands';
import { canvasCentre } from '../canvas/view';
import { currentKinds } from '../graph/kinds';
import { t } from '../i18n/i18n';
import { copyText } from './clipboard';
import type { MenuItem } from '../panels/menu';
import { showToast } from '../panels/toasts';

/** Words in any order, in the name or the family. */
export function filtered(models: readonly ModelFile[], kind: string, words: string): readonly ModelFile[] {
	const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
	return models.filter((model) => {
		const text = `${model.name} ${model.family}`.toLowerCase();
		return (kind === '' || model.kind === kind) && wanted.every((word) => text.includes(word));
	});
}

/** Kinds that have files, and how many. */
export function kindsOf(models: readonly ModelFile[]): readonly (readonly [string, number])[] {
	const counts = new Map<string, number>();
	for (const { kind } of models) {
		counts.set(kind, (counts.get(kind) ?? 0) + 1);
	}
	return [...counts].toSorted(([a], [b]) => a.localeCompare(b));
}

/** Puts the node that loads a file on the canvas; the name is copied where no node does. Null: which do is not known yet. */
export async function loadOnCanvas(model: ModelFile, loaders: readonly Loader[] | null): Promise<void> {
	const [loader] = loaders ?? (await fetchLoaders()).get(model.kind) ?? [];
	if (loader === undefined) {
		await copyName(model);
	} else {
		place(model, loader);
	}
}

export function modelMenu(model: ModelFile, loaders: readonly Loader[] | null): readonly MenuItem[] {
	return [
		...(loaders ?? []).map((loader) => ({
			text: t('inspect.models.add', { kind: currentKinds().get(loader.kind)?.title ?? loader.kind }),
			act: () => place(model, loader),
		})),
		{ text: t('inspect.models.copyTip'), act: () => void copyName(model) },
	];
}

/** Embeddings are named in prompts; all else by its file. */
export async function copyName({ kind, name }: ModelFile): Promise<void> {
	const text = kind === 'embeddings' ? `embedding:${name.replace(/\.[^.]+$/, '')}` : name;
	await copyText(text);
	showToast('info', t('inspect.copied', { text }));
}

function place(model: ModelFile, loader: Loader): void {
	const id = addKind(loader.kind, canvasCentre(), null);
	if (id !== null) {
		setInput(id, loader.input, model.name);
		showToast('info', t('inspect.models.added', { name: model.name }));
	}
}
