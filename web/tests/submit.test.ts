import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { rename } from '../src/graph/edit';
import { useKinds } from '../src/graph/kinds';
import { NO_LOG } from '../src/graph/log';
import { setSeedMode } from '../src/graph/seeds';
import { editGraph, useGraph } from '../src/graph/store';
import { queueRuns } from '../src/run/submit';
import { KINDS } from './kinds';

const GRAPH = readDocument({ lumengraph: 2, nodes: { sample: { kind: 'KSampler', inputs: { seed: 5 } } } }, KINDS);
const asked: string[] = [];

beforeEach(() => {
	asked.length = 0;
	vi.stubGlobal('document', { baseURI: 'http://server/' });
	vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => undefined });
	vi.stubGlobal('PerformanceNavigationTiming', class {});
	vi.stubGlobal('fetch', async (url: string) => {
		asked.push(url);
		return new Response('{"id": "job"}');
	});
	useKinds.getState().set(KINDS);
	useGraph.getState().show({ doc: docOf(GRAPH), log: NO_LOG, path: [] });
});

afterEach(() => {
	vi.unstubAllGlobals();
});

test('a run is no edit, and what was undone can be done again', async () => {
	editGraph((graph) => rename(graph, 'sample', 'Renamed'));
	useGraph.getState().undo();
	const { doc, log } = useGraph.getState();
	await queueRuns(1);

	expect(asked).toEqual(['http://server/v1/jobs']);
	expect(useGraph.getState().doc).toBe(doc);
	expect(useGraph.getState().log).toBe(log);

	useGraph.getState().redo();

	expect(useGraph.getState().graph.nodes.sample?.title).toBe('Renamed');
});

test('a seed that changes with each run is an edit', async () => {
	editGraph((graph) => setSeedMode(graph, 'sample', 'seed', 'randomise'));
	await queueRuns(1);

	expect(useGraph.getState().graph.nodes.sample?.inputs.seed).not.toEqual({ constant: 5 });
	expect(useGraph.getState().log.done).toBe(2);
});
