import { describe, expect, test } from 'vitest';
import { readDocument, writeDocument } from '../src/graph/document';
import * as edit from '../src/graph/edit';
import { closesLoop } from '../src/graph/links';
import { freeId, readableId } from '../src/graph/names';
import { advanceSeeds, setSeedMode } from '../src/graph/seeds';
import { canJoin, firstFittingInput, outputReference } from '../src/graph/sockets';
import { arrange, estimatedSize } from '../src/graph/layout';
import { KINDS } from './kinds';

const kind = (name: string) => KINDS.get(name)!;
const infoOf = (node: { kind: string }) => KINDS.get(node.kind);
const GRAPH = readDocument(
	{
		lumengraph: 1,
		inputs: { prompt: { node: 'text', input: 'text' } },
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: {} },
			text: { kind: 'CLIPTextEncode', inputs: { text: 'x', clip: { node: 'model', output: 'CLIP' } } },
			latent: { kind: 'EmptyLatentImage', inputs: { width: { node: 'any', output: 0 } } },
			any: { kind: 'Any', inputs: {} },
			sample: {
				kind: 'KSampler',
				inputs: { seed: 5, positive: { node: 'text', output: 0 }, latent_image: { node: 'latent', output: 0 } },
			},
		},
	},
	KINDS,
);

describe('which sockets join', () => {
	test.each([
		['MODEL', 'MODEL', true],
		['MODEL', 'CLIP', false],
		['*', 'CLIP', true],
		['IMAGE', '*', true],
		['IMAGE', 'MASK, IMAGE', true],
		['IMAGE,MASK', 'MASK', true],
		['INT', 'FLOAT', false],
		['COMBO', 'COMBO', true],
	])('%s → %s is %s', (output, input, expected) => {
		expect(canJoin(output, input)).toBe(expected);
	});

	test('a dropped link takes the first free input that fits', () => {
		expect(firstFittingInput(kind('KSampler'), 'CONDITIONING')?.name).toBe('positive');
		expect(firstFittingInput(kind('KSampler'), 'IMAGE')).toBeUndefined();
	});

	test('outputs are named, or numbered where names repeat', () => {
		expect(outputReference(kind('CheckpointLoaderSimple'), 2)).toBe('VAE');
		expect(outputReference(kind('Split'), 1)).toBe(1);
	});

	test('a link back upstream closes a loop', () => {
		expect(closesLoop(GRAPH, 'sample', 'any')).toBe(true);
		expect(closesLoop(GRAPH, 'text', 'text')).toBe(true);
		expect(closesLoop(GRAPH, 'model', 'sample')).toBe(false);
	});
});

describe('node ids', () => {
	test.each([
		['KSampler', 'k_sampler'],
		['VAEDecode', 'vae_decode'],
		['CLIPTextEncodeSDXL', 'clip_text_encode_sdxl'],
		['Epsilon Scaling', 'epsilon_scaling'],
		['TextEncodeAceStepAudio1.5', 'text_encode_ace_step_audio1_5'],
		['★', 'node'],
	])('%s becomes %s', (name, id) => {
		expect(readableId(name)).toBe(id);
	});

	test('numbers start at 2 and continue from a number already there', () => {
		const taken = new Set(['a', 'a_2']);

		expect(freeId('a', (id) => taken.has(id))).toBe('a_3');
		expect(freeId('a_2', (id) => taken.has(id))).toBe('a_3');
		expect(freeId('b', (id) => taken.has(id))).toBe('b');
	});
});

describe('edits', () => {
	test('a new node gets a readable id and its defaults', () => {
		const { graph, id } = edit.addNode(GRAPH, kind('KSampler'), { x: 1, y: 2 });

		expect(id).toBe('k_sampler');
		expect(graph.nodes[id]?.inputs).toEqual({
			seed: { constant: 0 },
			steps: { constant: 20 },
			sampler_name: { constant: 'euler' },
			strength: { constant: 1 },
		});
	});

	test('deleting a node cuts its links, gives widgets their defaults and drops what it exposed', () => {
		const graph = edit.removeNodes(GRAPH, new Set(['any', 'text']), infoOf);

		expect(graph.nodes.latent?.inputs.width).toEqual({ constant: 512 });
		expect(graph.nodes.sample?.inputs).not.toHaveProperty('positive');
		expect(graph.inputs).toEqual({});
	});

	test('an input has one link: the new one replaces', () => {
		const graph = edit.connect(GRAPH, { node: 'any', output: 0 }, 'sample', 'positive');

		expect(graph.nodes.sample?.inputs.positive).toEqual({ link: { node: 'any', output: 0 } });
	});

	test('an edit that changes nothing gives the same graph', () => {
		expect(edit.disconnect(GRAPH, 'text', 'text', kind('CLIPTextEncode'))).toBe(GRAPH);
		expect(edit.setConstant(GRAPH, 'nobody', 'text', 'x')).toBe(GRAPH);
	});

	test('exposing an input names it, exposing it again takes that back', () => {
		const exposed = edit.toggleExposed(GRAPH, 'sample', 'seed');

		expect(exposed.inputs.seed).toEqual({ node: 'sample', input: 'seed' });
		expect(edit.toggleExposed(exposed, 'sample', 'seed').inputs).toEqual(GRAPH.inputs);
	});
});

test('a sink is named as a workflow output, and no more', () => {
	const named = edit.toggleOutput(GRAPH, 'sample');

	expect(named.outputs).toEqual({ sample: { node: 'sample' } });
	expect(edit.toggleOutput(named, 'sample').outputs).toEqual({});
});

describe('seeds', () => {
	const unused = () => false;
	const used = () => true;

	test('stay as they are unless told otherwise', () => {
		expect(advanceSeeds(GRAPH, KINDS, used)).toBe(GRAPH);
	});

	test('randomise draws below 2^53, and the mode is kept in the layout', () => {
		const graph = advanceSeeds(setSeedMode(GRAPH, 'sample', 'seed', 'randomise'), KINDS, unused, () => 0.5);

		expect(graph.nodes.sample?.inputs.seed).toEqual({ constant: 2 ** 52 });
		expect(readDocument(writeDocument(graph)).nodes.sample?.place.extra).toEqual({ seeds: { seed: 'randomise' } });
	});

	test('increment starts from the seed that was typed, and stays whole beyond 2^53', () => {
		const graph = edit.setConstant(
			setSeedMode(GRAPH, 'sample', 'seed', 'increment'),
			'sample',
			'seed',
			18446744073709551613n,
		);

		expect(advanceSeeds(graph, KINDS, unused)).toBe(graph);
		expect(advanceSeeds(graph, KINDS, used).nodes.sample?.inputs.seed).toEqual({ constant: 18446744073709551614n });
	});

	test('increment begins again after the largest seed', () => {
		const graph = edit.setConstant(
			setSeedMode(GRAPH, 'sample', 'seed', 'increment'),
			'sample',
			'seed',
			18446744073709551615n,
		);

		expect(advanceSeeds(graph, KINDS, used).nodes.sample?.inputs.seed).toEqual({ constant: 0 });
	});
});

describe('layout', () => {
	test('every link runs to the right and no two nodes overlap', () => {
		const { nodes } = arrange(GRAPH, { kinds: KINDS });
		const all = Object.values(nodes);

		expect(nodes.sample!.place.x).toBeGreaterThan(nodes.text!.place.x);
		expect(nodes.text!.place.x).toBeGreaterThan(nodes.model!.place.x);
		expect(new Set(all.map((node) => `${node.place.x}/${node.place.y}`)).size).toBe(all.length);
	});

	test('a loop from a file does not hang it', () => {
		const loop = edit.connect(GRAPH, { node: 'sample', output: 0 }, 'any', 'value');

		expect(Object.keys(arrange(loop).nodes)).toHaveLength(5);
	});
});

describe('lanes', () => {
	const chain = readDocument(
		{
			lumengraph: 1,
			nodes: {
				model: { kind: 'CheckpointLoaderSimple', inputs: {} },
				one: { kind: 'CLIPTextEncode', inputs: { clip: { node: 'model', output: 'CLIP' } } },
				two: { kind: 'CLIPTextEncode', inputs: { clip: { node: 'model', output: 'CLIP' } } },
				sample: {
					kind: 'KSampler',
					inputs: {
						model: { node: 'model', output: 'MODEL' },
						positive: { node: 'one', output: 0 },
						other: { node: 'two', output: 0 },
					},
				},
			},
		},
		KINDS,
	);

	test('nodes of a column keep their distance', () => {
		const [above, below] = [chain.nodes.one!, chain.nodes.two!].sort((a, b) => a.place.y - b.place.y);

		expect(below!.place.y - above!.place.y).toBeGreaterThan(estimatedSize(above!, KINDS).height);
	});
});
