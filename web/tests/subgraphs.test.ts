import { describe, expect, test } from 'vitest';
import { docOf } from '../src/graph/doc';
import { readDoc, readDocument, writeDoc } from '../src/graph/document';
import { makeSubgraph, promote, unpack, withoutOuter } from '../src/graph/packing';
import { contains, instances, withSubgraphKinds, withoutUnused } from '../src/graph/subgraphs';
import type { JsonObject } from '../src/json';
import { KINDS } from './kinds';

const GRAPH = readDocument(
	{
		lumengraph: 2,
		inputs: { prompt: { node: 'text', input: 'text' } },
		outputs: { latent: { node: 'sample', output: 'LATENT' } },
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
			text: { kind: 'CLIPTextEncode', inputs: { text: 'x', clip: { node: 'model', output: 'CLIP' } } },
			latent: { kind: 'EmptyLatentImage', inputs: { width: 64 } },
			sample: {
				kind: 'KSampler',
				inputs: {
					seed: 5,
					model: { node: 'model', output: 'MODEL' },
					positive: { node: 'text', output: 'CONDITIONING' },
					latent_image: { node: 'latent', output: 'LATENT' },
				},
			},
			last: { kind: 'KSampler', inputs: { latent_image: { node: 'sample', output: 'LATENT' } } },
		},
	},
	KINDS,
);
const DOC = docOf(GRAPH);
const packed = makeSubgraph(DOC, '', new Set(['text', 'latent', 'sample']), KINDS, 'Draw it')!;
const kinds = withSubgraphKinds(KINDS, packed.doc.subgraphs);

describe('making a subgraph', () => {
	test('what came from outside are its inputs, what goes out its outputs', () => {
		const { root, subgraphs } = packed.doc;

		expect(Object.keys(root.nodes)).toEqual(['model', 'draw_it', 'last']);
		expect(Object.keys(subgraphs.draw_it!.nodes)).toEqual(['text', 'latent', 'sample']);
		expect(root.nodes.draw_it!.inputs).toEqual({
			clip: { link: { node: 'model', output: 'CLIP' } },
			model: { link: { node: 'model', output: 'MODEL' } },
		});
		expect(subgraphs.draw_it!.nodes.text!.inputs.clip).toEqual({ outer: 'clip' });
		expect(root.nodes.last!.inputs.latent_image).toEqual({ link: { node: 'draw_it', output: 'LATENT' } });
	});

	test('inputs and outputs of the workflow follow their nodes', () => {
		expect(packed.doc.root.inputs).toEqual({ prompt: { node: 'draw_it:text', input: 'text' } });
		expect(packed.doc.root.outputs).toEqual({ latent: { node: 'draw_it', output: 'LATENT' } });
	});

	test('its instances have typed sockets', () => {
		const info = kinds.get('subgraph:draw_it')!;

		expect(info.title).toBe('Draw it');
		expect(info.inputs.map(({ name, type }) => [name, type])).toEqual([
			['clip', 'CLIP'],
			['model', 'MODEL'],
		]);
		expect(info.outputs.map(({ name, type }) => [name, type])).toEqual([['LATENT', 'LATENT']]);
	});

	test('it is written as the format has it, and reads again', () => {
		const written = writeDoc(packed.doc);
		const definition = (written.subgraphs as JsonObject).draw_it as JsonObject;

		expect(definition.inputs).toEqual({ clip: { type: 'CLIP' }, model: { type: 'MODEL' } });
		expect(definition.outputs).toEqual({ LATENT: { node: 'sample', output: 'LATENT', type: 'LATENT' } });
		expect(writeDoc(readDoc(written, KINDS))).toEqual(written);
	});
});

describe('unpacking', () => {
	test('gives back what was packed', () => {
		const { doc, ids } = unpack(packed.doc, '', 'draw_it', kinds)!;

		expect(ids).toEqual(['text', 'latent', 'sample']);
		for (const [id, node] of Object.entries(GRAPH.nodes)) {
			expect(doc.root.nodes[id]!.inputs).toEqual(node.inputs);
		}
		expect(doc.root.inputs).toEqual(GRAPH.inputs);
		expect(doc.root.outputs).toEqual(GRAPH.outputs);
	});

	test.each(['mute', 'bypass'] as const)('what is in an instance with the mode %s has that mode', (mode) => {
		const { root } = packed.doc;
		const nodes = { ...root.nodes, draw_it: { ...root.nodes.draw_it!, mode } };
		const { doc, ids } = unpack({ ...packed.doc, root: { ...root, nodes } }, '', 'draw_it', kinds)!;

		expect(ids.map((id) => doc.root.nodes[id]!.mode)).toEqual([mode, mode, mode]);
		expect(doc.root.nodes.model!.mode).toBe('run');
	});

	test('a definition that nothing uses any more can go', () => {
		const { doc } = unpack(packed.doc, '', 'draw_it', kinds)!;

		expect(instances(doc, 'draw_it')).toBe(0);
		expect(withoutUnused(doc).subgraphs).toEqual({});
		expect(withoutUnused(packed.doc)).toBe(packed.doc);
	});
});

describe('a promoted widget', () => {
	const inner = promote(packed.doc.subgraphs.draw_it!, 'latent', 'width', KINDS);
	const doc = { ...packed.doc, subgraphs: { draw_it: inner } };

	test('is an input of every instance, with what it had as its default', () => {
		const input = withSubgraphKinds(KINDS, doc.subgraphs)
			.get('subgraph:draw_it')!
			.inputs.find(({ name }) => name === 'width')!;

		expect(inner.nodes.latent!.inputs.width).toEqual({ outer: 'width', kept: 64 });
		expect(input).toMatchObject({ type: 'INT', required: false });
		expect(input.options.default).toBe(64);
	});

	test('that is taken back leaves its value inside', () => {
		const back = withoutOuter(inner, 'width');

		expect(back.nodes.latent!.inputs.width).toEqual({ constant: 64 });
		expect(back.inputs).not.toHaveProperty('width');
	});
});

test('a definition that contains itself is told, and does not hang', () => {
	const loop = {
		...packed.doc,
		subgraphs: { draw_it: { ...packed.doc.subgraphs.draw_it!, nodes: packed.doc.root.nodes } },
	};

	expect(contains(loop, 'draw_it', 'draw_it')).toBe(true);
	expect(contains(packed.doc, 'draw_it', 'other')).toBe(false);
	expect(withSubgraphKinds(KINDS, loop.subgraphs).has('subgraph:draw_it')).toBe(true);
});
