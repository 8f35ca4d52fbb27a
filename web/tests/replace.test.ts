import { describe, expect, test } from 'vitest';
import { readKinds } from '../src/api/declarations';
import { readDoc, writeDoc } from '../src/graph/document';
import { missingFiles, missingKinds, replaceFile, replaceKind, replaceKinds, similarKinds } from '../src/opening/replace';
import type { JsonObject } from '../src/json';

const kinds = readKinds({
	Loader: declared({ required: { file: [['a.safetensors', 'b.safetensors']] } }, [['MODEL', 'MODEL']], 'Load Model'),
	TextEncode: declared(
		{ required: { text: ['STRING', {}], clip: ['MODEL'] } },
		[
			['MASK', 'MASK'],
			['COND', 'COND'],
		],
		'Encode Text',
	),
	Sampler: declared({ required: { positive: ['COND'] } }, [['IMAGE', 'IMAGE']], 'Sampler'),
	TextShow: declared({ required: { text: ['STRING', {}] } }, [], 'Show Text'),
});

function declared(input: JsonObject, outputs: readonly (readonly [string, string])[], title: string): JsonObject {
	return {
		input,
		output: outputs.map(([type]) => type),
		output_name: outputs.map(([, name]) => name),
		output_is_list: outputs.map(() => false),
		name: title,
		display_name: title,
		description: '',
		category: 'test',
		output_node: false,
	};
}

const doc = readDoc({
	lumengraph: 2,
	nodes: {
		load: { kind: 'Loader', inputs: { file: 'gone.safetensors' } },
		text: { kind: 'FancyTextEncode', inputs: { text: 'words', model: { node: 'load', output: 'MODEL' }, extra: 3 } },
		sample: { kind: 'Sampler', inputs: { positive: { node: 'text', output: 'OUT' } } },
	},
	subgraphs: { s: { nodes: { text: { kind: 'FancyTextEncode', inputs: {} } } } },
});

describe('missing kinds', () => {
	test('are counted in subgraphs too', () => {
		expect(missingKinds(doc, kinds)).toEqual([{ kind: 'FancyTextEncode', count: 2 }]);
	});

	test('the likeliest stands first: by name, inputs, and what is read', () => {
		expect(similarKinds(doc, 'FancyTextEncode', kinds).map(({ kind }) => kind)[0]).toBe('TextEncode');
		expect(similarKinds(doc, 'Wholly Other', kinds)).toEqual([]);
	});

	test('a replacement takes values and links, and keeps what fits nowhere', () => {
		const info = kinds.get('TextEncode');
		const { nodes, subgraphs } = writeDoc(replaceKind(doc, 'FancyTextEncode', info!, kinds)) as {
			nodes: JsonObject;
			subgraphs: JsonObject;
		};

		expect(nodes.text).toEqual({
			kind: 'TextEncode',
			inputs: { text: 'words', clip: { node: 'load', output: 'MODEL' }, extra: 3 },
		});
		expect(nodes.sample).toEqual({ kind: 'Sampler', inputs: { positive: { node: 'text', output: 'COND' } } });
		expect(subgraphs.s).toMatchObject({ nodes: { text: { kind: 'TextEncode' } } });
	});
});

describe('several missing kinds', () => {
	const lost = readDoc({
		lumengraph: 2,
		nodes: {
			load: { kind: 'BetterLoader', inputs: { file: 'b.safetensors', speed: 2 } },
			one: { kind: 'FancyTextEncode', inputs: { text: 'one', model: { node: 'load', output: 'MODEL' } } },
			two: { kind: 'FancyTextEncode', inputs: { text: 'two', clip: { node: 'load', output: 'MODEL' } } },
		},
	});

	test('are replaced together, and what joins them holds', () => {
		const by = new Map([
			['BetterLoader', kinds.get('Loader')!],
			['FancyTextEncode', kinds.get('TextEncode')!],
		]);
		const { nodes } = writeDoc(replaceKinds(lost, by, kinds)) as { nodes: JsonObject };

		expect(nodes).toEqual({
			load: { kind: 'Loader', inputs: { file: 'b.safetensors', speed: 2 } },
			one: { kind: 'TextEncode', inputs: { text: 'one', clip: { node: 'load', output: 'MODEL' } } },
			two: { kind: 'TextEncode', inputs: { text: 'two', clip: { node: 'load', output: 'MODEL' } } },
		});
		expect(missingKinds(replaceKinds(lost, by, kinds), kinds)).toEqual([]);
	});
});

describe('missing files', () => {
	test('are found where they are given, and replaced there', () => {
		const files = missingFiles(doc, kinds);
		const uses = files.get('gone.safetensors') ?? [];

		expect([...files.keys()]).toEqual(['gone.safetensors']);
		expect(uses).toEqual([{ scope: '', node: 'load', input: 'file' }]);

		const next = replaceFile(doc, 'gone.safetensors', 'b.safetensors', uses);

		expect(next.root.nodes.load?.inputs.file).toEqual({ constant: 'b.safetensors' });
		expect(missingFiles(next, kinds).size).toBe(0);
	});
});
