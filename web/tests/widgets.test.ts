import { describe, expect, test } from 'vitest';
import { defaultValue, widgetType } from '../src/graph/defaults';
import type { InputInfo } from '../src/graph/types';
import type { JsonObject } from '../src/json';
import { formatNumber, numberHint, parseNumber, roundNumber, stepNumber } from '../src/widgets/numbers';

const input = (type: string, options: JsonObject = {}): InputInfo => ({
	name: 'x',
	type,
	required: true,
	options,
	choices: type === 'COMBO' ? ['a', 'b'] : null,
	tooltip: '',
});
const SEED = input('INT', { min: 0, max: 18446744073709551615n });
const CFG = input('FLOAT', { min: 0, max: 100, step: 0.1, round: 0.01 });

describe('typed numbers', () => {
	test.each([
		['20', 20],
		[' 7.5 ', 7.5],
		['-3', -3],
		['1e3', 1000],
		['18446744073709551615', 18446744073709551615n],
		['abc', 'abc'],
		['', ''],
		['1,5', '1,5'],
	])('%j means %s', (text, value) => {
		expect(parseNumber(text)).toBe(value);
	});

	test('a huge seed is shown digit for digit', () => {
		expect(formatNumber(18446744073709551615n)).toBe('18446744073709551615');
	});

	test('only a FLOAT is rounded, and nothing is moved into range', () => {
		expect(roundNumber(7.126, CFG)).toBe(7.13);
		expect(roundNumber(500.126, CFG)).toBe(500.13);
		expect(roundNumber(7.5, input('INT', { round: 1 }))).toBe(7.5);
	});
});

describe('hints', () => {
	test.each([
		[20, SEED, null],
		[-1, SEED, 'at least 0'],
		[18446744073709551616n, SEED, 'at most 18446744073709551615'],
		[1.5, SEED, 'whole numbers only'],
		['abc', SEED, 'not a number'],
		[101, CFG, 'at most 100'],
		[520, input('INT', { min: 16, step: 8 }), null],
		[515, input('INT', { min: 16, step: 8 }), 'a multiple of 8 is better'],
		[3, input('INT', { min: 1, step: 2 }), null],
	])('%s', (value, info, hint) => {
		expect(numberHint(value, info)).toBe(hint);
	});
});

describe('steps', () => {
	test('add up without the noise of binary fractions', () => {
		expect(stepNumber(0.1, 2, CFG)).toBe(0.3);
		expect(stepNumber(4, -3, CFG)).toBe(3.7);
	});

	test('stay in range and exact beyond 2^53', () => {
		expect(stepNumber(18446744073709551614n, 5, SEED)).toBe(18446744073709551615n);
		expect(stepNumber(9007199254740991, 1, SEED)).toBe(9007199254740992n);
		expect(stepNumber(2, -5, SEED)).toBe(0);
	});

	test('start at zero from text', () => {
		expect(stepNumber('abc', 1, CFG)).toBe(0.1);
	});
});

describe('which widget', () => {
	test.each([
		[input('INT'), 'INT'],
		[input('INT,FLOAT'), 'INT'],
		[input('MODEL'), null],
		[input('STRING', { forceInput: true }), null],
		[input('*', { widgetType: 'STRING' }), 'STRING'],
	])('%o', (info, type) => {
		expect(widgetType(info)).toBe(type);
	});

	test.each([
		[input('INT', { min: 16 }), 16],
		[input('FLOAT', { default: 0.5 }), 0.5],
		[input('COMBO'), 'a'],
		[input('BOOLEAN'), false],
		[input('IMAGE'), undefined],
	])('default of %o', (info, value) => {
		expect(defaultValue(info)).toBe(value);
	});
});
