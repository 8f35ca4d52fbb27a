import { beforeAll, describe, expect, test, vi } from 'vitest';
import { selectNodes, startFlow } from '../src/canvas/flow';
import { removeSelected } from '../src/canvas/selection';
import { addressIn } from '../src/graph/addresses';
import { docOf, type Doc } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { removeNodes } from '../src/graph/edit';
import { useKinds } from '../src/graph/kinds';
import { NO_LOG } from '../src/graph/log';
import { makeSubgraph, unpack } from '../src/graph/packing';
import { currentDoc, useGraph } from '../src/graph/store';
import { withSubgraphKinds } from '../src/graph/subgraphs';
import type { NodeId } from '../src/graph/types';
import { isObject, type JsonObject } from '../src/json';
import { locate } from '../src/run/inside';
import { KINDS } from './kinds';

vi.hoisted(() => {
	const localStorage = { getItem: () => null, setItem: () => undefined };
	Object.defineProperty(globalThis, 'localStorage', { value: localStorage });
});

const NODES = {
	text: { kind: 'CLIPTextEncode', inputs: { text: 'x' } },
	latent: { kind: 'EmptyLatentImage', inputs: { width: 64 } },
	sample: {
		kind: 'KSampler',
		inputs: { seed: 5, positive: { node: 'text', output: 0 }, latent_image: { node: 'latent', output: 'LATENT' } },
	},
	other: { kind: 'EmptyLatentImage', inputs: {} },
};
const PROMPT = { node: 'text', input: 'text' };
const FLAT = docOf(
	readDocument(
		{
			lumengraph: 2,
			inputs: { prompt: PROMPT, width: { node: 'latent', input: 'width' } },
			outputs: { latent: { node: 'sample', output: 'LATENT' }, shown: { node: 'sample' } },
			nodes: NODES,
		},
		KINDS,
	),
);
const pack = (doc: Doc, scope: string, ids: readonly NodeId[], title: string): Doc =>
	makeSubgraph(doc, scope, new Set(ids), withSubgraphKinds(KINDS, doc.subgraphs), title)!.doc;
const taken = (doc: Doc, scope: string, id: NodeId): Doc =>
	unpack(doc, scope, id, withSubgraphKinds(KINDS, doc.subgraphs))!.doc;

const ONCE = pack(FLAT, '', ['text', 'latent', 'sample'], 'Inner');
const TWICE = pack(ONCE, '', ['inner', 'other'], 'Outer');

/** The nodes that the named inputs and outputs point at, all of which are there. */
function ends(doc: Doc): { [name: string]: string } {
	const entries = Object.entries({ ...doc.root.inputs, ...doc.root.outputs });
	for (const [name, entry] of entries) {
		expect(isObject(entry) && locate(doc, String(entry.node)), name).not.toBeNull();
	}
	return Object.fromEntries(entries.map(([name, entry]) => [name, String((entry as JsonObject).node)]));
}

describe('an address', () => {
	test('is a node, or what is in one', () => {
		expect(addressIn(ONCE.root, 'inner')).toEqual({ head: 'inner', inner: '' });
		expect(addressIn(ONCE.root, 'inner:text')).toEqual({ head: 'inner', inner: 'text' });
		expect(addressIn(ONCE.root, 'gone:text')).toBeNull();
		expect(addressIn(ONCE.root, '')).toBeNull();
	});

	test('of nodes with colons in their ids is the longest', () => {
		const { inner } = ONCE.root.nodes;
		const graph = { ...ONCE.root, nodes: { ...ONCE.root.nodes, 'inner:a': { ...inner!, id: 'inner:a' } } };

		expect(addressIn(graph, 'inner:a:text')).toEqual({ head: 'inner:a', inner: 'text' });
	});
});

describe('named inputs and outputs follow', () => {
	const inside = { prompt: 'inner:text', width: 'inner:latent', latent: 'inner', shown: 'inner:sample' };

	test('an instance that is packed', () => {
		expect(ends(ONCE)).toEqual(inside);
		expect(ends(TWICE)).toEqual({
			prompt: 'outer:inner:text',
			width: 'outer:inner:latent',
			latent: 'outer',
			shown: 'outer:inner:sample',
		});
	});

	test('an instance that comes out of another, and what is in it', () => {
		const back = taken(TWICE, '', 'outer');

		expect(ends(back)).toEqual(inside);
		expect(ends(taken(back, '', 'inner'))).toEqual({ prompt: 'text', width: 'latent', latent: 'sample', shown: 'sample' });
	});

	test('what is packed inside of a definition, and comes out of it again', () => {
		const packed = pack(TWICE, 'inner', ['text'], 'Words');

		expect(ends(packed)).toEqual({ ...ends(TWICE), prompt: 'outer:inner:words:text' });
		expect(ends(taken(packed, 'inner', 'words'))).toEqual(ends(TWICE));
		expect(ends(taken(TWICE, 'outer', 'inner'))).toEqual({
			prompt: 'outer:text',
			width: 'outer:latent',
			latent: 'outer',
			shown: 'outer:sample',
		});
	});

	test('what an instance shows, to the node inside that shows it', () => {
		const nodes = { ...NODES, save: { kind: 'SaveImage', inputs: {} } };
		const flat = docOf(readDocument({ lumengraph: 2, nodes }, KINDS));
		const packed = pack(flat, '', ['save', 'latent'], 'Inner');
		const doc = { ...packed, root: { ...packed.root, outputs: { shown: { node: 'inner' } } } };

		expect(taken(doc, '', 'inner').root.outputs).toEqual({ shown: { node: 'save' } });
	});

	test('an output that an instance hands on, and goes where nothing gives it', () => {
		const definition = { ...ONCE.subgraphs.inner!, inputs: { given: {} }, outputs: { same: { input: 'given' } } };
		const outputs = { same: { node: 'inner', output: 'same' } };
		const given = { given: { link: { node: 'other', output: 'LATENT' } } };
		const at = (inputs: typeof given | object): Doc => {
			const inner = { ...ONCE.root.nodes.inner!, inputs: { ...inputs } };
			return docOf({ ...ONCE.root, outputs, nodes: { ...ONCE.root.nodes, inner } }, { inner: definition });
		};

		expect(taken(at(given), '', 'inner').root.outputs).toEqual({ same: { node: 'other', output: 'LATENT' } });
		expect(taken(at({}), '', 'inner').root.outputs).toEqual({});
	});
});

describe('named inputs and outputs go', () => {
	beforeAll(() => {
		startFlow();
		useKinds.getState().set(KINDS);
	});

	test('with the instance that they point into', () => {
		const graph = removeNodes(ONCE.root, new Set(['inner']), () => undefined);

		expect([graph.inputs, graph.outputs]).toEqual([{}, {}]);
		expect(removeNodes(ONCE.root, new Set(['other']), () => undefined).inputs).toBe(ONCE.root.inputs);
	});

	test('with the node inside of an instance, and come back with it', () => {
		useGraph.getState().show({ doc: TWICE, log: NO_LOG, path: [{ scope: 'inner', instance: 'inner' }] });
		selectNodes(['text']);
		removeSelected();

		expect(Object.keys(currentDoc().subgraphs.inner!.nodes)).toEqual(['latent', 'sample']);
		expect(Object.keys(ends(currentDoc()))).toEqual(['width', 'latent', 'shown']);

		useGraph.getState().undo();

		expect(currentDoc()).toEqual(TWICE);
	});
});
