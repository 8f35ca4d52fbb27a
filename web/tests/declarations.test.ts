import { describe, expect, test } from 'vitest';
import { readKinds } from '../src/api/declarations';

describe('object_info', () => {
	const kinds = readKinds({
		Good: {
			description: 'First line\nwrapped.\n\n  Second   paragraph.',
			input: {
				required: { b: ['INT', { max: 18446744073709551615n }], a: [['x', 'y'], { default: 'y' }] },
				optional: { c: ['COMBO', { options: [1, 2] }] },
			},
			input_order: { required: ['a', 'b'] },
			output: ['IMAGE', ['p', 'q']],
			output_name: ['picture'],
		},
		Odd: { input: null, output: 'x' },
		Broken: null,
	});

	test('inputs come in the declared order, both forms of COMBO alike', () => {
		const inputs = kinds.get('Good')!.inputs;

		expect(inputs.map((input) => [input.name, input.type, input.required])).toEqual([
			['a', 'COMBO', true],
			['b', 'INT', true],
			['c', 'COMBO', false],
		]);
		expect(inputs.map((input) => input.choices)).toEqual([['x', 'y'], null, [1, 2]]);
	});

	test('a docstring keeps its paragraphs but not its line breaks', () => {
		expect(kinds.get('Good')!.description).toBe('First line wrapped.\nSecond paragraph.');
	});

	test('outputs without a name bear their type', () => {
		expect(kinds.get('Good')!.outputs.map((output) => output.name)).toEqual(['picture', 'COMBO']);
	});

	test('what makes no sense does no harm', () => {
		expect(kinds.get('Odd')).toMatchObject({ title: 'Odd', inputs: [], outputs: [] });
		expect(kinds.has('Broken')).toBe(false);
	});
});
