/** Workflows in and out of the editor: files, pictures and the server's own. */

import { convertWorkflow, fetchFile, fetchWorkflows } from '../api/http';
import { fetchStored } from '../api/library';
import type { WorkflowEntry } from '../api/types';
import { emptyDoc, type Doc } from '../graph/doc';
import { DocumentError, readDoc, writeDoc } from '../graph/document';
import { currentKinds } from '../graph/kinds';
import { isEditorForm, readAny, readJson } from '../graph/open';
import { embeddedWorkflow } from '../graph/picture';
import { currentDoc } from '../graph/store';
import type { NodeId } from '../graph/types';
import { writeJson } from '../json';
import { tell } from '../run/submit';
import { openTab, type Origin } from '../tabs/tabs';
import { addPicture, giveFile } from './pictures';
import { showToast } from './toasts';
import { t } from '../i18n/i18n';

/** A node that files are dropped on takes the first that it can as its value; all others are opened. */
export async function dropFiles(files: readonly File[], node: NodeId | null): Promise<void> {
	const taken = node === null ? undefined : await firstGiven(node, files);
	for (const file of files) {
		if (file !== taken) {
			await openFile(file);
		}
	}
}

/** A workflow, a picture that carries one, or a picture to load with a node. */
export async function openFile(file: File): Promise<void> {
	if (!file.type.startsWith('image/')) {
		await attempt(async () => readForeign(await file.text()));
		return;
	}
	const content = await file.arrayBuffer();
	if (embeddedWorkflow(content) !== null) {
		await attempt(() => readPicture(content));
	} else {
		await tell(() => addPicture(file));
	}
}

export async function openFromPicture(url: string): Promise<void> {
	await attempt(async () => readPicture(await fetchFile(url)));
}

async function readPicture(content: ArrayBuffer): Promise<Doc> {
	const text = embeddedWorkflow(content);
	if (text === null) {
		throw new DocumentError(t('open.noneInPicture'));
	}
	return readForeign(text);
}

/** Text in any form; the server reads what ComfyUI's editor saves, and says what it had to guess. */
async function readForeign(text: string): Promise<Doc> {
	const value = readJson(text);
	if (!isEditorForm(value)) {
		return readAny(value, currentKinds());
	}
	const { document, warnings } = await convertWorkflow(value);
	for (const warning of warnings) {
		showToast('info', warning);
	}
	return readDoc(document, currentKinds());
}

export async function openFromServer(name: string): Promise<void> {
	await tell(async () => {
		const { document, etag } = await fetchStored(name);
		await attempt(() => Promise.resolve(readAny(document, currentKinds())), { name, etag });
	});
}

/** Opens text in any form. */
export async function openText(read: () => Promise<string>): Promise<void> {
	await attempt(async () => readForeign(await read()));
}

export function openNew(): void {
	openTab(emptyDoc());
}

/** Asks for a file to open. */
export function chooseFile(): void {
	document.querySelector<HTMLInputElement>('[data-testid=workflow-file]')?.click();
}

export function saveFile(): void {
	const doc = currentDoc();
	const url = URL.createObjectURL(
		new Blob([`${writeJson(writeDoc(doc), '\t')}\n`], { type: 'application/json' }),
	);
	const link = document.createElement('a');
	link.href = url;
	link.download = `${fileName(doc.root.title)}.json`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function listWorkflows(): Promise<readonly WorkflowEntry[]> {
	let entries: readonly WorkflowEntry[] = [];
	await tell(async () => {
		entries = await fetchWorkflows();
	});
	return entries;
}

function fileName(title: string): string {
	return (
		title
			.toLowerCase()
			.replace(/[^\p{L}\p{N}]+/gu, '_')
			.replace(/^_+|_+$/g, '') || 'workflow'
	);
}

async function firstGiven(node: NodeId, files: readonly File[]): Promise<File | undefined> {
	for (const file of files) {
		if (await giveFile(node, file)) {
			return file;
		}
	}
	return undefined;
}

async function attempt(read: () => Promise<Doc>, origin: Origin = {}): Promise<void> {
	await tell(async () => {
		try {
			openTab(await read(), origin);
		} catch (error) {
			if (!(error instanceof DocumentError)) {
				throw error;
			}
			showToast('error', error.message);
		}
	});
}
