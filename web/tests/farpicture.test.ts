import { describe, expect, it } from 'vitest';
import { breakLines } from '../src/canvas/picture';

/** Ten letters fit into a line. */
const fits = (text: string): boolean => text.length <= 10;

describe('titles on the picture of a large graph', () => {
	it('are broken between words', () => {
		expect(breakLines('Load the best model', fits)).toEqual(['Load the', 'best model']);
	});

	it('are broken within a word that is longer than a line', () => {
		expect(breakLines('a CheckpointLoaderSimple b', fits)).toEqual(['a', 'Checkpoint', 'LoaderSimp', 'le b']);
	});

	it('have a line for a letter that does not fit', () => {
		expect(breakLines('ab', () => false)).toEqual(['a', 'b']);
	});

	it('may be empty', () => {
		expect(breakLines(' ', fits)).toEqual([]);
	});
});
