import { describe, expect, test } from 'vitest';
import { searchKinds } from '../src/panels/search';
import { KINDS } from './kinds';

const found = (text: string, end: Parameters<typeof searchKinds>[2] = null) =>
	searchKinds(KINDS, text, end).map((info) => info.kind);

describe('search', () => {
	test('finds by title, by kind, by initials and by what it does', () => {
		expect(found('load')[0]).toBe('CheckpointLoaderSimple');
		expect(found('ksam')[0]).toBe('KSampler');
		expect(found('eli')[0]).toBe('EmptyLatentImage');
		expect(found('turns words')).toEqual(['CLIPTextEncode']);
	});

	test('every word has to be found', () => {
		expect(found('clip text')).toEqual(['CLIPTextEncode']);
		expect(found('clip nonsense')).toEqual([]);
	});

	test('a loose link keeps only what it fits, exact types first', () => {
		expect(found('', { side: 'source', type: 'LATENT' })).toEqual(['KSampler', 'Any']);
		expect(found('', { side: 'target', type: 'CLIP' })).toEqual(['CheckpointLoaderSimple', 'Any']);
	});

	test('letters left out or mistyped are forgiven, but what is spelt right comes first', () => {
		expect(found('ksmapler')).toEqual(['KSampler']);
		expect(found('chekpoint')[0]).toBe('CheckpointLoaderSimple');
		expect(found('emlatimg')).toEqual(['EmptyLatentImage']);
		expect(found('zzzzz')).toEqual([]);
	});

	test('what was used lately comes first, the last one before the others', () => {
		const kinds = searchKinds(KINDS, '', null, ['SaveImage', 'Any']).map((info) => info.kind);

		expect(kinds.slice(0, 2)).toEqual(['SaveImage', 'Any']);
	});
});
