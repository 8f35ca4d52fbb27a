import { describe, expect, test } from 'vitest';
import { chosen, completionAt, stepped } from '../src/widgets/completion';
import { weighted } from '../src/widgets/weights';

/** The text after a step, with | where the selection begins and ends; one | is a caret. */
function step(marked: string, by: number): string | null {
	const [start, end] = [marked.indexOf('|'), marked.lastIndexOf('|')];
	const text = marked.replaceAll('|', '');
	const edited = weighted(text, start, end === start ? start : end - 1, by);
	return edited && text.slice(0, edited.from) + edited.text + text.slice(edited.to);
}

describe('weights', () => {
	test.each([
		['a red| cat', 0.05, 'a (red:1.05) cat'],
		['a r|ed cat', -0.05, 'a (red:0.95) cat'],
		['a (red:1.05|) cat', 0.05, 'a (red:1.1) cat'],
		['a (re|d:1.05) cat', -0.05, 'a red cat'],
		['a |red cat|', 0.1, 'a (red cat:1.1)'],
		['a |red | cat', 0.1, 'a (red:1.1)  cat'],
		['a (|red cat|:1.1)', 0.1, 'a (red cat:1.2)'],
		['a |(red cat:1.1)|', 0.1, 'a (red cat:1.2)'],
		['a (re|d) cat', 0.05, 'a (red:1.15) cat'],
		['(a (r|ed:1.2) cat:1.3)', 0.1, '(a (red:1.3) cat:1.3)'],
		['(a (red:1.2) c|at:1.3)', 0.1, '(a (red:1.2) cat:1.4)'],
		['a \\(r|ed\\) cat', 0.1, 'a \\((red:1.1)\\) cat'],
		['by embedding:bad|hand', 0.1, 'by (embedding:badhand:1.1)'],
		['blue-green_sky|', 0.1, '(blue-green_sky:1.1)'],
		['|(a) and (b)|', 0.1, '((a) and (b):1.1)'],
	])('%s by %d', (before, by, after) => {
		expect(step(before, by)).toBe(after);
	});

	test('steps up and down again leave no trace, and what was meant stays selected', () => {
		const up = weighted('a red cat', 2, 5, 0.05);

		expect(up).toEqual({ from: 2, to: 5, text: '(red:1.05)', start: 3, end: 6 });
		expect(weighted('a (red:1.05) cat', 3, 6, -0.05)).toEqual({ from: 2, to: 12, text: 'red', start: 2, end: 5 });
	});

	test('where there is no word, nothing happens', () => {
		expect([step('a,  | b', 0.1), step('|', 0.1)]).toEqual([null, null]);
	});
});

const NAMES = {
	embeddings: ['badhand.pt', 'sub/hands.safetensors', 'style.safetensors'],
	loras: ['circle.safetensors', 'mycircle.safetensors'],
};

function complete(marked: string): { choices: readonly string[]; text: string } | null {
	const at = marked.indexOf('|');
	const text = marked.replace('|', '');
	const found = completionAt(text, at, NAMES);
	return found && {
		choices: found.choices,
		text: text.slice(0, found.from) + found.write(found.choices[0] ?? '') + text.slice(found.to),
	};
}

describe('completion', () => {
	test('names embeddings without their endings, those that begin so first', () => {
		expect(complete('a embedding:ha|')).toEqual({
			choices: ['badhand', 'sub/hands'],
			text: 'a embedding:badhand',
		});
		expect(complete('a embedding:|')?.choices).toEqual(['badhand', 'style', 'sub/hands']);
	});

	test('finds an embedding by its bare name, and writes its mark', () => {
		expect(complete('a st|, cat')?.text).toBe('a embedding:style, cat');
		expect(complete('(embedding:sty|le:1.2)')?.text).toBe('(embedding:style:1.2)');
	});

	test('takes a name for an ordinary word only after an arrow', () => {
		const word = completionAt('a hand', 6, NAMES)!;
		const marked = completionAt('embedding:hand', 14, NAMES)!;

		expect([chosen(word, null), chosen(marked, null), chosen(word, 1)]).toEqual([null, 0, 1]);
		expect([stepped(word, null, 1), stepped(word, null, -1), stepped(word, 1, 1)]).toEqual([0, 1, 0]);
		expect([stepped(marked, null, 1), stepped(marked, null, -1)]).toEqual([1, 1]);
	});

	test('names LoRAs behind their mark', () => {
		expect(complete('cat <lora:ci|')).toEqual({ choices: ['circle', 'mycircle'], text: 'cat <lora:circle:1>' });
	});

	test.each(['a s|', 'a |', 'xyz|', '<lora:zzz|'])('%s fits nothing', (text) => {
		expect(complete(text)).toBeNull();
	});
});
