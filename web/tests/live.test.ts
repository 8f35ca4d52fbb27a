import { describe, expect, test } from 'vitest';
import { readKinds } from '../src/api/declarations';
import { addNode, connect, setConstant, updateNode } from '../src/graph/edit';
import { docOf, emptyGraph } from '../src/graph/doc';
import { liveInputs, settledNode } from '../src/graph/live';
import { toRequest } from '../src/graph/request';
import type { JsonObject } from '../src/json';
import { firstFittingInput, inputType } from '../src/graph/sockets';
import { liveKind } from '../src/graph/live';

const KINDS = readKinds({
	Batch: {
		input: {
			required: {
				images: [
					'COMFY_AUTOGROW_V3',
					{ template: { input: { required: { image: ['IMAGE', {}] } }, prefix: 'image', min: 1, max: 3 } },
				],
			},
		},
		output: ['IMAGE'],
	},
	Resize: {
		input: {
			required: {
				size: [
					'COMFY_DYNAMICCOMBO_V3',
					{
						options: [
							{ key: 'exact', inputs: { required: { width: ['INT', { default: 512 }], height: ['INT', { default: 256 }] } } },
							{ key: 'match', inputs: { required: { other: ['IMAGE', {}] } } },
						],
					},
				],
				method: [['area', 'lanczos']],
			},
		},
		output: ['IMAGE'],
	},
});
const batch = KINDS.get('Batch')!;
const resize = KINDS.get('Resize')!;
const link = { link: { node: 'a', output: 0 } };

function names(info: typeof batch, given: Parameters<typeof liveInputs>[1]): string[] {
	return liveInputs(info, given).map((input) => input.name);
}

describe('inputs that grow', () => {
	test('what is needed, what is linked, and one more', () => {
		expect(names(batch, {})).toEqual(['images.image0', 'images.image1']);
		expect(names(batch, { 'images.image0': link, 'images.image1': link })).toEqual([
			'images.image0',
			'images.image1',
			'images.image2',
		]);
		expect(liveInputs(batch, {}).map((input) => input.required)).toEqual([true, false]);
	});

	test('not more than there may be', () => {
		const full = { 'images.image0': link, 'images.image1': link, 'images.image2': link };

		expect(names(batch, full)).toEqual(['images.image0', 'images.image1', 'images.image2']);
	});

	test('links are drawn to the first that is free', () => {
		const { graph, id } = addNode(emptyGraph(), batch, { x: 0, y: 0 });
		const linked = connect(graph, link.link, id, 'images.image0').nodes[id]!;
		const info = liveKind(batch, linked)!;

		expect(firstFittingInput(info, 'IMAGE', linked)?.name).toBe('images.image1');
		expect(inputType(info, 'images.image1')).toBe('IMAGE');
	});
});

describe('inputs that vary', () => {
	test('a new node has the first choice, with what belongs to it', () => {
		const { graph, id } = addNode(emptyGraph(), resize, { x: 0, y: 0 });

		expect(graph.nodes[id]!.inputs).toEqual({
			size: { constant: 'exact' },
			'size.width': { constant: 512 },
			'size.height': { constant: 256 },
			method: { constant: 'area' },
		});
	});

	test('another choice brings other inputs, and takes those away that are not its own', () => {
		const { graph, id } = addNode(emptyGraph(), resize, { x: 0, y: 0 });
		const chosen = updateNode(setConstant(graph, id, 'size', 'match'), id, (node) => settledNode(node, resize));

		expect(chosen.nodes[id]!.inputs).toEqual({ size: { constant: 'match' }, method: { constant: 'area' } });
		expect(names(resize, chosen.nodes[id]!.inputs)).toEqual(['size', 'size.other', 'method']);
	});

	test('what was never touched goes out with its default', () => {
		const { graph, id } = addNode(emptyGraph(), resize, { x: 0, y: 0 });
		const bare = updateNode(graph, id, (node) => ({ ...node, inputs: { size: { constant: 'exact' } } }));

		expect((toRequest(docOf(bare), KINDS).nodes as JsonObject)[id]).toMatchObject({
			inputs: { size: 'exact', 'size.width': 512, 'size.height': 256, method: 'area' },
		});
	});
});
