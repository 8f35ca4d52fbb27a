import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readKinds } from '../src/api/declarations';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { useKinds } from '../src/graph/kinds';
import { currentGraph, useGraph } from '../src/graph/store';
import { t } from '../src/i18n/i18n';
import { dropFiles } from '../src/panels/files';
import { addPicture, giveFile } from '../src/panels/pictures';
import { useToasts } from '../src/panels/toasts';
import { activeTab, closeTab, openTab, switchTab, useTabs } from '../src/tabs/tabs';

vi.hoisted(() => {
	const localStorage = { getItem: () => null, setItem: () => undefined };
	Object.defineProperty(globalThis, 'localStorage', { value: localStorage });
});

const INFO = { LoadImage: { input: { required: { image: [['old.png'], { image_upload: true }] } }, output: ['IMAGE'] } };
const KINDS = readKinds(INFO);
const NODES = { load: { kind: 'LoadImage', inputs: { image: 'old.png' } } };
const LAYOUT = { load: { x: 0, y: 0 } };
const DOC = docOf(readDocument({ lumengraph: 2, nodes: NODES, layout: LAYOUT }, KINDS));
const picture = (name: string): File => new File(['no workflow'], name, { type: 'image/png' });
const workflow = (title: string): File => new File([JSON.stringify({ lumengraph: 2, title, nodes: NODES })], `${title}.json`);
const image = (id = 'load') => currentGraph().nodes[id]?.inputs.image;
const said = (): string[] => useToasts.getState().toasts.map(({ text }) => text);

/** Called when the server has a file, before it says so. */
let onUpload = (): void => undefined;

beforeEach(() => {
	onUpload = () => undefined;
	useToasts.setState({ toasts: [] });
	vi.stubGlobal('document', { baseURI: 'http://server/', querySelector: () => null });
	vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
		if (url.endsWith('object_info')) {
			return new Response(JSON.stringify(INFO));
		}
		onUpload();
		const file = (init.body as FormData).get('image') as File;
		return new Response(JSON.stringify({ name: file.name, subfolder: '', type: 'input' }));
	});
	useKinds.getState().set(KINDS);
	openTab({ ...DOC, subgraphs: { inner: DOC.root } });
});

afterEach(() => {
	for (const tab of useTabs.getState().tabs) {
		closeTab(tab.id);
	}
	vi.unstubAllGlobals();
});

describe('a file that was uploaded', () => {
	test('goes to the node that it was for', async () => {
		expect(await giveFile('load', picture('new.png'))).toBe(true);
		expect(image()).toEqual({ constant: 'new.png' });
	});

	test('changes no other document that came onto the canvas meanwhile', async () => {
		const { id } = activeTab();
		onUpload = () => void openTab({ ...DOC, root: { ...DOC.root, session: DOC.root.session + 1000 } });
		await giveFile('load', picture('new.png'));

		expect(activeTab().id).not.toBe(id);
		expect(image()).toEqual({ constant: 'old.png' });
		expect(said()).toEqual([t('open.elsewhere', { name: 'new.png' })]);

		switchTab(id);

		expect(image()).toEqual({ constant: 'old.png' });
	});

	test('changes no subgraph that was entered meanwhile', async () => {
		onUpload = () => useGraph.getState().enter({ scope: 'inner', instance: 'load' });
		await addPicture(picture('new.png'));

		expect(Object.keys(currentGraph().nodes)).toEqual(['load']);
		expect(said()).toEqual([t('open.elsewhere', { name: 'new.png' })]);
	});
});

describe('several files', () => {
	test('on the canvas are all opened', async () => {
		await dropFiles([workflow('one'), workflow('two')], null);

		expect(useTabs.getState().tabs).toHaveLength(3);
		expect(currentGraph().title).toBe('two');
	});

	test('on a node: it takes the first that it can, the others are opened', async () => {
		const { id } = activeTab();
		await dropFiles([workflow('one'), picture('new.png'), workflow('two')], 'load');

		expect(useTabs.getState().tabs).toHaveLength(3);

		switchTab(id);

		expect(image()).toEqual({ constant: 'new.png' });
	});
});
