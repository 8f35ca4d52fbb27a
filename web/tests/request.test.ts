import { expect, test } from 'vitest';
import { readDoc, writeDoc } from '../src/graph/document';
import { substance, toRequest } from '../src/graph/request';
import type { JsonObject } from '../src/json';
import { KINDS } from './kinds';

const DOCUMENT: JsonObject = {
	lumengraph: 2,
	title: 'Mine',
	nodes: {
		model: { kind: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
		sample: { kind: 'KSampler', title: 'Draw', inputs: { seed: 18446744073709551615n, extra: [1, 2] } },
	},
	subgraphs: { inner: { nodes: { a: { kind: 'KSampler', inputs: { seed: { input: 'seed', value: 3 } } } } } },
	layout: { nodes: { model: { x: 0, y: 0 }, sample: { x: 300, y: 0 } } },
};
const DOC = readDoc(DOCUMENT, KINDS);
const inputsOf = (request: JsonObject, id: string) =>
	((request.nodes as JsonObject)[id] as JsonObject).inputs as JsonObject;

test('required widgets a file left out go with their defaults, optional ones do not', () => {
	const sent = inputsOf(toRequest(DOC, KINDS), 'sample');

	expect(sent).toMatchObject({ seed: 18446744073709551615n, extra: [1, 2], steps: 20, sampler_name: 'euler' });
	expect(sent).not.toHaveProperty('strength');
	expect(sent).not.toHaveProperty('latent_image');
});

test('so it is inside of subgraphs, where what the instance gives stays', () => {
	const { subgraphs } = toRequest(DOC, KINDS);
	const inner = (subgraphs as JsonObject).inner as JsonObject;

	expect(inputsOf(inner, 'a')).toMatchObject({ seed: { input: 'seed', value: 3 }, steps: 20 });
});

test('names for people and places are no part of what a run sees', () => {
	const moved = readDoc(
		{ ...writeDoc(DOC), title: 'Other', layout: { nodes: { model: { x: 9, y: 9 }, sample: { x: 1, y: 1 } } } },
		KINDS,
	);
	const changed = { ...DOC, root: { ...DOC.root, nodes: { model: DOC.root.nodes.model! } } };

	expect(substance(toRequest(moved, KINDS))).toBe(substance(toRequest(DOC, KINDS)));
	expect(substance(toRequest(changed, KINDS))).not.toBe(substance(toRequest(DOC, KINDS)));
});
