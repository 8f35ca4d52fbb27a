import { describe, expect, test } from 'vitest';
import { parseJson, writeJson } from '../src/json';

describe('lossless JSON', () => {
	test('keeps integers beyond 2^53 digit for digit', () => {
		const text = '{"seed":18446744073709551615,"low":-9007199254740993,"small":7}';

		expect(parseJson(text)).toEqual({ seed: 18446744073709551615n, low: -9007199254740993n, small: 7 });
		expect(writeJson(parseJson(text))).toBe(text);
	});

	test('leaves digits inside strings and long fractions alone', () => {
		const text = '["18446744073709551615 \\" 18446744073709551615",0.12345678901234567,1e21]';

		expect(parseJson(text)).toEqual(['18446744073709551615 " 18446744073709551615', 0.12345678901234567, 1e21]);
	});

	test('reads the NaN and Infinity that Python writes', () => {
		expect(parseJson('[NaN, -Infinity, "NaN"]')).toEqual([NaN, -Infinity, 'NaN']);
	});

	test('writes small objects on one line and nests the rest', () => {
		const text = writeJson({ nodes: { a: { link: { node: 'b', output: 0 } } } }, '\t');

		expect(text).toBe('{\n\t"nodes": {\n\t\t"a": {\n\t\t\t"link": {"node": "b", "output": 0}\n\t\t}\n\t}\n}');
	});

	test('refuses broken text', () => {
		expect(() => parseJson('{"a": }')).toThrow(SyntaxError);
	});
});
