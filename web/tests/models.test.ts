import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { setConstant } from '../src/graph/edit';
import { useKinds } from '../src/graph/kinds';
import { NO_LOG } from '../src/graph/log';
import { editGraph, useGraph } from '../src/graph/store';
import { needModels, needPromptNames, useModels } from '../src/widgets/models';
import { KINDS } from './kinds';

const INNER = readDocument({ lumengraph: 2, nodes: { text: { kind: 'CLIPTextEncode', inputs: { text: '' } } } }, KINDS);
const asked: string[] = [];

beforeEach(() => {
	asked.length = 0;
	vi.stubGlobal('document', { baseURI: 'http://server/' });
	vi.stubGlobal('fetch', async (url: string) => {
		asked.push(url);
		return new Response('{"items": []}');
	});
	useKinds.getState().set(KINDS);
	useGraph.getState().show({ doc: docOf(INNER, { inner: INNER }), log: NO_LOG, path: [{ scope: 'inner', instance: 'a' }] });
});

afterEach(() => vi.unstubAllGlobals());

test('typing inside of a subgraph asks for no lists of files again', async () => {
	await Promise.all([needModels(), needPromptNames()]);
	const before = asked.length;
	editGraph((graph) => setConstant(graph, 'text', 'text', 'a'));
	await Promise.all([needModels(), needPromptNames()]);

	expect(before).toBe(3);
	expect(asked).toHaveLength(before);
});

test('lists of files that were read anew are asked for again', async () => {
	await needModels();
	useKinds.getState().set(new Map(KINDS));

	expect(useModels.getState().files).toBeNull();
});
