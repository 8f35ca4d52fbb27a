import { describe, expect, test } from 'vitest';
import { aligned, distributed, guides } from '../src/graph/align';
import { docOf } from '../src/graph/doc';
import { readDoc, readDocument, writeDoc } from '../src/graph/document';
import * as edit from '../src/graph/edit';
import { everything, findAll } from '../src/graph/find';
import { edits, fuzzyScore } from '../src/graph/fuzzy';
import { categoryOrder } from '../src/graph/kinds';
import { makeSubgraph, unpack } from '../src/graph/packing';
import { addReroute, pointsByLink, removeReroutes } from '../src/graph/reroutes';
import { withSubgraphKinds } from '../src/graph/subgraphs';
import { categoryRows } from '../src/dock/categories';
import { outlineRows } from '../src/dock/outline';
import { KINDS } from './kinds';

const GRAPH = readDocument(
	{
		lumengraph: 2,
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: {} },
			text: { kind: 'CLIPTextEncode', inputs: { text: 'a lighthouse', clip: { node: 'model', output: 'CLIP' } } },
			sample: { kind: 'KSampler', inputs: { seed: 5, positive: { node: 'text', output: 0 } } },
		},
		layout: {
			nodes: { model: { x: 0, y: 0 }, text: { x: 400, y: 0 }, sample: { x: 800, y: 0 } },
			groups: { words: { title: 'Words', x: 380, y: -60, width: 400, height: 400 } },
			notes: { hint: { text: 'Remember the harbour', x: 0, y: 500 } },
		},
	},
	KINDS,
);
const END = { node: 'sample', input: 'positive' };
const KEY = '["sample","positive"]';
const infoOf = (node: { kind: string }) => KINDS.get(node.kind);

describe('points of links', () => {
	const from = { x: 0, y: 0 };
	const to = { x: 300, y: 0 };
	const one = addReroute(GRAPH, END, { x: 200, y: 0 }, from, to);
	const two = addReroute(one.graph, END, { x: 100, y: 0 }, from, to);

	test('come in the order of the link, whichever was put there first', () => {
		expect(pointsByLink(two.graph.reroutes).get(KEY)).toEqual([two.id, one.id]);
		expect(two.graph.reroutes[one.id]!.after).toBe(two.id);
	});

	test('when one is taken away, those behind it follow the one before', () => {
		const graph = removeReroutes(two.graph, [two.id]);

		expect(pointsByLink(graph.reroutes).get(KEY)).toEqual([one.id]);
		expect(graph.reroutes[one.id]!.after).toBeNull();
	});

	test('go with their link, and stay when another one goes', () => {
		const cut = edit.disconnect(two.graph, 'sample', 'positive', infoOf(GRAPH.nodes.sample!));
		const other = edit.disconnect(two.graph, 'text', 'clip', infoOf(GRAPH.nodes.text!));

		expect(cut.reroutes).toEqual({});
		expect(other.reroutes).toEqual(two.graph.reroutes);
		expect(edit.removeNodes(two.graph, new Set(['text']), infoOf).reroutes).toEqual({});
	});

	test('a link from elsewhere to the same input does not inherit them', () => {
		expect(edit.connect(two.graph, { node: 'model', output: 1 }, 'sample', 'positive').reroutes).toEqual({});
		expect(edit.connect(two.graph, { node: 'text', output: 0 }, 'sample', 'positive').reroutes).toEqual(two.graph.reroutes);
	});

	test('stay as they are in a file', () => {
		const doc = docOf(two.graph);

		expect(readDoc(writeDoc(doc), KINDS).root.reroutes).toEqual(two.graph.reroutes);
	});

	test('go into a subgraph with their nodes, and come out of it', () => {
		const packed = makeSubgraph(docOf(two.graph), '', new Set(['text', 'sample']), KINDS, 'Part')!;
		const kinds = withSubgraphKinds(KINDS, packed.doc.subgraphs);
		const back = unpack(packed.doc, '', packed.id, kinds)!;

		expect(packed.doc.root.reroutes).toEqual({});
		expect(packed.doc.subgraphs.part!.reroutes).toEqual(two.graph.reroutes);
		expect(pointsByLink(back.doc.root.reroutes).get(KEY)).toEqual([two.id, one.id]);
	});
});

describe('alignment', () => {
	const boxes = [
		{ id: 'a', x: 0, y: 10, width: 100, height: 50 },
		{ id: 'b', x: 130, y: 0, width: 40, height: 20 },
		{ id: 'c', x: 400, y: 90, width: 100, height: 10 },
	];

	test.each([
		['left', { x: 0, y: 0 }],
		['right', { x: 460, y: 0 }],
		['top', { x: 130, y: 0 }],
		['bottom', { x: 130, y: 80 }],
		['centre', { x: 230, y: 0 }],
		['middle', { x: 130, y: 40 }],
	] as const)('%s', (how, place) => {
		expect(aligned(boxes, how).get('b')).toEqual(place);
	});

	test('equal gaps keep the first and the last', () => {
		const places = distributed(boxes, 'across');

		expect([...places.values()].map(({ x }) => x)).toEqual([0, 230, 400]);
		expect(distributed(boxes.slice(0, 2), 'across').size).toBe(0);
	});

	test('guides draw to the nearest edge or centre within reach', () => {
		const moving = { x: 103, y: 200, width: 30, height: 30 };

		expect(guides(moving, [boxes[0]!], 6)).toEqual({ dx: -3, dy: 0, x: 100, y: null });
		expect(guides(moving, [boxes[0]!], 2)).toEqual({ dx: 0, dy: 0, x: null, y: null });
	});
});

describe('fuzzy words', () => {
	test('count letters to add, leave out, change or swap', () => {
		expect(edits('sampler', 'smapler')).toBe(1);
		expect(edits('sampler', 'sampel')).toBe(2);
	});

	test('find letters in order and typing errors, not anything', () => {
		expect(fuzzyScore('load checkpoint', 'lodckpt')).toBeGreaterThan(0);
		expect(fuzzyScore('load checkpoint', 'chkpoint')).toBeGreaterThan(0);
		expect(fuzzyScore('ksampler', 'ksmapler')).toBeGreaterThan(0);
		expect(fuzzyScore('ksampler', 'upscale')).toBe(0);
	});
});

describe('finding', () => {
	const packed = makeSubgraph(docOf(GRAPH), '', new Set(['text']), KINDS, 'Part')!;
	const all = everything(packed.doc, withSubgraphKinds(KINDS, packed.doc.subgraphs));

	test('by value, inside of subgraphs, with the way there', () => {
		const [found] = findAll(all, 'LIGHTHOUSE');

		expect(found).toMatchObject({ id: 'text', where: 'Part', path: [{ scope: 'part', instance: 'part' }] });
		expect(findAll(all, 'lighthouse nothing')).toEqual([]);
	});

	test('frames and notes by their words', () => {
		expect(findAll(all, 'harbour')[0]).toMatchObject({ part: 'note', id: 'hint' });
		expect(findAll(all, 'words')[0]).toMatchObject({ part: 'frame', id: 'words' });
	});
});

describe('panels', () => {
	test('the outline has frames with their nodes, and opens subgraphs', () => {
		const packed = makeSubgraph(docOf(GRAPH), '', new Set(['sample']), KINDS, 'Part')!;
		const kinds = withSubgraphKinds(KINDS, packed.doc.subgraphs);
		const ids = (turned: string[]) => outlineRows(packed.doc, kinds, new Set(turned)).map(({ id, level }) => [id, level]);

		expect(ids([])).toEqual([[':frame:words', 1], ['text', 2], ['model', 1], ['part', 1]]);
		expect(ids(['part', ':frame:words'])).toEqual([[':frame:words', 1], ['model', 1], ['part', 1], ['part:sample', 2]]);
	});

	test('the palette has a row for each level of a category', () => {
		const kinds = [{ ...KINDS.get('KSampler')!, category: 'sampling/basic' }];
		const labels = (open: string[] | null) =>
			categoryRows(kinds, open && new Set(open), 'other').map(({ label, level }) => `${level} ${label}`);

		expect(labels([])).toEqual(['1 sampling']);
		expect(labels(['/sampling', '/sampling/basic'])).toEqual(['1 sampling', '2 basic', '3 KSampler']);
		expect(labels(null)).toHaveLength(3);
	});

	test('has what is only tried out last', () => {
		expect(['utils', '_for_testing', 'image'].sort(categoryOrder)).toEqual(['image', 'utils', '_for_testing']);
	});
});
