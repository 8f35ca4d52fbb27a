/** Files that are dropped on a node or pasted become the value of an input that takes them. */

import { fetchKinds, uploadFile } from '../api/http';
import { addKind, infoOf, setInput } from '../canvas/commands';
import { selectedNodes } from '../canvas/flow';
import { lastPointer } from '../canvas/view';
import { currentKinds, useKinds } from '../graph/kinds';
import { canvasWatch, currentGraph } from '../graph/store';
import { nodeOf, type InputInfo, type NodeId } from '../graph/types';
import { t } from '../i18n/i18n';
import { tell } from '../run/submit';
import { fileInput, takes, uploadOf } from '../widgets/uploads';
import { showToast } from './toasts';

/** Uploads a file for the graph on the canvas; if another one is there by then, that stays as it is. */
export async function uploadFor(file: File, use: (name: string) => void): Promise<void> {
	const isThere = canvasWatch();
	const name = await uploadFile(file);
	if (isThere()) {
		use(name);
	} else {
		showToast('info', t('open.elsewhere', { name }));
	}
}

/** Uploads a file for an input of a node that takes it; false if there is none. */
export async function giveFile(id: NodeId, file: File): Promise<boolean> {
	const node = nodeOf(currentGraph(), id);
	const isFree = (name: string): boolean => !('link' in (node?.inputs[name] ?? {}));
	const input = fileInput(infoOf(node)?.inputs ?? [], isFree, file);
	if (input === undefined) {
		return false;
	}
	await tell(() => uploadFor(file, (name) => setInput(id, input.name, name)));
	await readFilesAnew();
	return true;
}

/** A picture for a new node, at the pointer. */
export async function addPicture(file: File): Promise<void> {
	const kind = [...currentKinds().values()].find((info) => info.inputs.some(takesPicture));
	const input = kind?.inputs.find(takesPicture);
	if (kind === undefined || input === undefined) {
		showToast('error', t('open.noLoader'));
		return;
	}
	const at = lastPointer();
	await uploadFor(file, (name) => {
		const id = addKind(kind.kind, at, null);
		if (id !== null) {
			setInput(id, input.name, name);
		}
	});
	await readFilesAnew();
}

/** A picture from the clipboard: for the selected node, or for a new one if that takes none. */
export async function pastePicture(file: File): Promise<void> {
	const ids = selectedNodes();
	const [id] = ids.size === 1 ? ids : [];
	if (id === undefined || !(await giveFile(id, file))) {
		await tell(() => addPicture(file));
	}
}

/** The picture in the clipboard, if the browser lets us look; for the menu, where no paste event tells of it. */
export async function clipboardPicture(): Promise<File | null> {
	for (const item of await navigator.clipboard.read()) {
		const type = item.types.find((candidate) => candidate.startsWith('image/'));
		if (type !== undefined) {
			return new File([await item.getType(type)], `pasted.${type.slice(6)}`, { type });
		}
	}
	return null;
}

/** The lists of files to choose from, with a new one. */
export async function readFilesAnew(): Promise<void> {
	await tell(async () => useKinds.getState().set(await fetchKinds()));
}

function takesPicture(input: InputInfo): boolean {
	const kind = uploadOf(input);
	return kind === 'image' && takes(kind, { name: '', type: 'image/png' });
}
