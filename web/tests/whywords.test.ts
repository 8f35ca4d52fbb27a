import i18next from 'i18next';
import { afterEach, describe, expect, test } from 'vitest';
import { readStep } from '../src/api/jobreader';
import { de } from '../src/i18n/de';
import '../src/i18n/i18n';
import type { JsonObject } from '../src/json';
import { namesInPrompt, whyWords } from '../src/run/whywords';
import { KINDS } from './kinds';

const PROMPT = {
	text: { class_type: 'CLIPTextEncode', inputs: {}, _meta: { title: 'The prompt' } },
	sampler: { class_type: 'KSampler', inputs: {} },
};
const named = namesInPrompt(PROMPT, KINDS);

function words(why: JsonObject): readonly string[] {
	const read = readStep({ node: 'n', why: { text: 'in the words of the server', ...why } }).why;
	return read === null ? [] : whyWords(read, named);
}

afterEach(async () => void (await i18next.changeLanguage('en')));

describe('why a node ran', () => {
	const changed: JsonObject = {
		code: 'input_changed',
		changes: [
			{ input: 'steps', before: { constant: '4' }, after: { constant: '5' } },
			{ input: 'mask', before: null, after: { node: 'text', output: 0 } },
			{ input: 'note', before: { constant: '"x"' }, after: null },
		],
		more: 2,
	};

	test('is told with what each input was and is', () => {
		expect(words(changed)).toEqual([
			'Ran again: an input has changed.',
			'steps: 4 → 5',
			'mask is now given: CONDITIONING of The prompt',
			'note is no longer given',
			'and 2 more',
		]);
	});

	test('is told in the language of the page', async () => {
		i18next.addResourceBundle('de', 'translation', de);
		await i18next.changeLanguage('de');

		expect(words(changed)).toEqual([
			'Lief wieder: Ein Eingang hat sich geändert.',
			'steps: 4 → 5',
			'mask ist jetzt gegeben: CONDITIONING von The prompt',
			'note ist nicht mehr gegeben',
			'und 2 mehr',
		]);
		expect(words({ code: 'upstream_changed', nodes: ['sampler', 'gone'] })[1]).toBe('Neu: KSampler, gone');
		expect(words({ code: 'version_changed', versions: ['1', '2'] })[1]).toBe('Aus Version 1 wurde 2.');
	});

	test.each(['kind', 'fingerprint', 'expansion', 'dropped', 'settings'])('has words for the cause “%s”', (cause) => {
		const [, more = ''] = words({ code: cause === 'dropped' || cause === 'settings' ? 'evicted' : 'not_cacheable', cause, nodes: ['text'] });

		expect(more).toMatch(/^[A-Z].*\.$/);
		expect(more.includes('The prompt')).toBe(cause === 'expansion');
	});

	test('is in the words of the server where those are all that is known', () => {
		expect(words({ code: 'input_changed' })).toEqual(['Ran again: an input has changed.', 'in the words of the server']);
		expect(words({ code: 'of_another_version' })).toEqual(['in the words of the server']);
		expect(words({ code: 'twin' })).toEqual(['Not called: an equal node ran.']);
	});
});
