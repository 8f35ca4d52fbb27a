import { describe, expect, test } from 'vitest';
import { fromPrompt } from '../src/graph/prompt';
import { KINDS } from './kinds';

describe('prompt to graph', () => {
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
