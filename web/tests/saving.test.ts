import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useDialogs } from '../src/commands/dialogs';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { rename } from '../src/graph/edit';
import { editGraph } from '../src/graph/store';
import { useNotices } from '../src/persist/notices';
import { look, save } from '../src/persist/saving';
import { activeTab, closeTab, isUnsaved, openTab, useTabs } from '../src/tabs/tabs';

/** A server with one workflow, which answers when it is told to. */
let etag = 1;
let waiting: (() => void)[] = [];
const stored: string[] = [];

const name = (at: number): string => `"${at}"`;
const held = (answer: Response): Promise<Response> => new Promise((done) => waiting.push(() => done(answer)));

async function serve(_url: string, { method = 'GET', headers, body }: RequestInit): Promise<Response> {
	const told = new Headers(headers);
	if (method === 'GET') {
		const same = told.get('If-None-Match') === name(etag);
		return held(new Response(same ? null : '{}', { status: same ? 304 : 200, headers: { ETag: name(etag) } }));
	}
	if (told.get('If-Match') !== name(etag)) {
		return held(new Response('{}', { status: 412 }));
	}
	etag += 1;
	stored.push(String(body));
	return held(new Response('{}', { headers: { ETag: name(etag) } }));
}

/** All that the server was asked is answered, and what that leads to, until nothing is asked any more. */
async function settle(): Promise<void> {
	do {
		waiting.splice(0).forEach((answer) => answer());
		await new Promise((done) => setTimeout(done));
	} while (waiting.length > 0);
}

beforeEach(() => {
	etag = 1;
	waiting = [];
	stored.length = 0;
	vi.stubGlobal('document', { baseURI: 'http://server/' });
	vi.stubGlobal('fetch', serve);
	useNotices.setState({ tabs: {} });
	useDialogs.setState({ open: null });
	const graph = readDocument({ lumengraph: 2, nodes: { a: { kind: 'Any' } }, layout: { a: { x: 0, y: 0 } } });
	openTab(docOf(graph), { name: 'mine', etag: name(1) });
	editGraph((before) => rename(before, 'a', 'First'));
});

afterEach(() => {
	closeTab(activeTab().id);
	vi.unstubAllGlobals();
});

test('a second save waits for the first, and saves what was edited since', async () => {
	save();
	editGraph((before) => rename(before, 'a', 'Second'));
	save();

	expect(stored).toHaveLength(1);

	await settle();

	expect(stored).toHaveLength(2);
	expect(stored[1]).toContain('Second');
	expect(useDialogs.getState().open).toBeNull();
	expect(activeTab().etag).toBe(name(3));
	expect(isUnsaved(activeTab())).toBe(false);
});

test('a second save of the same is none', async () => {
	save();
	save();
	save();
	await settle();

	expect(stored).toHaveLength(1);
	expect(useDialogs.getState().open).toBeNull();
});

test('what cannot be saved is told once', async () => {
	etag = 7;
	save();
	save();
	await settle();

	expect(stored).toHaveLength(0);
	expect(useDialogs.getState().open).toBe('conflict');
	expect(useNotices.getState().tabs[activeTab().id]).toMatchObject({ about: 'changed', theirs: { etag: name(7) } });
});

test('a look that began before the own save does not take that for somebody else\'s', async () => {
	save();
	const looked = look(activeTab());
	await settle();
	await looked;

	expect(useNotices.getState().tabs).toEqual({});
});

test('a look that ends after its tab was closed tells nothing', async () => {
	etag = 7;
	const looked = look(activeTab());
	closeTab(activeTab().id);
	await settle();
	await looked;

	expect(useTabs.getState().tabs).toHaveLength(1);
	expect(useNotices.getState().tabs).toEqual({});
});
