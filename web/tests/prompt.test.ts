import { describe, expect, test } from 'vitest';
import { readDocument } from '../src/graph/document';
import { fromPrompt, toPrompt } from '../src/graph/prompt';
import { KINDS } from './kinds';

const GRAPH = readDocument({
	lumengraph: 1,
	nodes: {
		model: { kind: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
		text: { kind: 'CLIPTextEncode', title: 'Prompt', inputs: { text: 'x', clip: { node: 'model', output: 'CLIP' } } },
		sample: {
			kind: 'KSampler',
			inputs: { seed: 18446744073709551615n, positive: { node: 'text', output: 0 }, extra: [1, 2] },
		},
		lost: { kind: 'Missing', inputs: { a: { node: 'model', output: 'NOPE' } } },
	},
});

describe('graph to prompt', () => {
	const prompt = toPrompt(GRAPH, KINDS) as Record<
		string,
		{ class_type: string; inputs: Record<string, unknown>; _meta: unknown }
	>;

	test('links name the output by index', () => {
		expect(prompt.text).toEqual({
			class_type: 'CLIPTextEncode',
			inputs: { text: 'x', clip: ['model', 1] },
			_meta: { title: 'Prompt' },
		});
	});

	test('lists that are data are wrapped, huge integers stay whole', () => {
		expect(prompt.sample?.inputs).toMatchObject({ extra: { __value__: [1, 2] }, seed: 18446744073709551615n });
	});

	test('required widgets a file left out go with their defaults, optional ones do not', () => {
		expect(prompt.sample?.inputs).toMatchObject({ steps: 20, sampler_name: 'euler' });
		expect(prompt.sample?.inputs).not.toHaveProperty('strength');
		expect(prompt.sample?.inputs).not.toHaveProperty('latent_image');
	});

	test('an output that does not exist is left for the server to name', () => {
		expect(prompt.lost?.inputs.a).toEqual(['model', 'NOPE']);
	});
});

describe('prompt to graph', () => {
	test('comes back the same', () => {
		const { lost: _gone, ...prompt } = toPrompt(GRAPH, KINDS);

		expect(toPrompt(fromPrompt(prompt, KINDS), KINDS)).toEqual(prompt);
	});

	test('names outputs, but keeps the index where names repeat', () => {
		const graph = fromPrompt(
			{
				'1': { class_type: 'Split', inputs: {} },
				'2': { class_type: 'Split', inputs: { sigmas: ['1', 1] } },
				'3': { class_type: 'KSampler', inputs: { latent_image: ['4', 0] } },
				'4': { class_type: 'EmptyLatentImage', inputs: {} },
			},
			KINDS,
		);

		expect(graph.nodes['2']?.inputs.sigmas).toEqual({ link: { node: '1', output: 1 } });
		expect(graph.nodes['3']?.inputs.latent_image).toEqual({ link: { node: '4', output: 'LATENT' } });
	});

	test('keeps a title only where it says more than the kind', () => {
		const graph = fromPrompt(
			{
				a: { class_type: 'CheckpointLoaderSimple', inputs: {}, _meta: { title: 'Load Checkpoint' } },
				b: { class_type: 'CheckpointLoaderSimple', inputs: {}, _meta: { title: 'Mine' } },
			},
			KINDS,
		);

		expect([graph.nodes.a?.title, graph.nodes.b?.title]).toEqual(['', 'Mine']);
	});
});
