import { describe, expect, test } from 'vitest';
import type { InputInfo } from '../src/graph/types';
import type { JsonObject } from '../src/json';
import { evaluate } from '../src/widgets/expressions';
import { isSum, readNumber } from '../src/widgets/numbers';

const input = (type: string, options: JsonObject = {}): InputInfo => ({
	name: 'x',
	type,
	required: true,
	options,
	choices: null,
	tooltip: '',
});

describe('arithmetic', () => {
	test.each([
		['512*1.5', 768],
		['=1024-64', 960n],
		['2 + 3 * 4', 14n],
		['(2 + 3) * 4', 20n],
		['7 / 2', 3.5],
		['8 / 2', 4n],
		['7 % 4', 3n],
		['-3 - -2', -1n],
		['2^10', 1024n],
		['-2**2', -4n],
		['2^3^2', 512n],
		['2^-1', 0.5],
		['.5e1 * 2', 10],
		['18446744073709551615 - 1', 18446744073709551614n],
	])('%s', (text, value) => {
		expect(evaluate(text)).toBe(value);
	});

	test.each(['', '=', '512*', '1 2', 'abc', '1/0', '5 % 0', '(1', '1)', 'alert(1)', '9^9^9^9', `${'('.repeat(150)}1`, '1'.repeat(300)])(
		'%j is none',
		(text) => {
			expect(evaluate(text)).toBeNull();
		},
	);
});

describe('what is typed', () => {
	test('counts, and is rounded where only whole numbers fit', () => {
		expect(readNumber('512*1.3', input('INT'))).toBe(666);
		expect(readNumber('=0.1+0.2', input('FLOAT'))).toBe(0.3);
		expect(readNumber('=2^63', input('INT'))).toBe(9223372036854775808n);
	});

	test('stays as it is where it is a number already, or nothing that counts', () => {
		expect(readNumber('1.5', input('INT'))).toBe(1.5);
		expect(readNumber('512*', input('INT'))).toBe('512*');
		expect([isSum('-5'), isSum('3-5'), isSum('x')]).toEqual([false, true, false]);
	});
});
