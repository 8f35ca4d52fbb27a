import { describe, expect, test } from 'vitest';
import type { InputInfo } from '../src/graph/types';
import type { Json, JsonObject } from '../src/json';
import { colourValue, hexOf } from '../src/widgets/colours';
import { addPoint, heightAt, movePoint, readCurve, removePoint, writeCurve, type Curve } from '../src/widgets/curves';
import { fileInput, uploadOf } from '../src/widgets/uploads';

const curve = (value: Json): Curve => {
	const found = readCurve(value);
	if (found === null) {
		throw new Error('no curve');
	}
	return found;
};

describe('curves', () => {
	test('are written back in the form that they came in', () => {
		const points = [
			[0, 1],
			[1, 0],
		];
		for (const value of ['[[0, 1], [1, 0]]', points, { points, interpolation: 'monotone_cubic' }]) {
			expect(writeCurve(curve(value), value)).toEqual(value);
		}
	});

	test.each(['', 'x', '[[0, 1]]', '[[0], [1]]', 5, null])('%j is none', (value) => {
		expect(readCurve(value)).toBeNull();
	});

	test('a smooth one goes through its points, never beyond them, and is level at a peak', () => {
		const peak = curve([[0, 0], [0.5, 1], [1, 0]]);
		const heights = Array.from({ length: 101 }, (_, index) => heightAt(peak, index / 100));

		expect([heights[0], heights[50], heights[100]]).toEqual([0, 1, 0]);
		expect(Math.max(...heights)).toBe(1);
		expect(heightAt(peak, 0.25)).toBeCloseTo(0.625, 9); // Slopes 2 and 0 of the two ends.
		expect(heights[49]).toBeGreaterThan(0.998);
	});

	test('a linear one is straight between them, and level outside', () => {
		const line = curve({ points: [[0.2, 0], [0.6, 1]], interpolation: 'linear' });

		expect([0, 0.3, 0.4, 0.9].map((x) => Number(heightAt(line, x).toFixed(6)))).toEqual([0, 0.25, 0.5, 1]);
	});

	test('points stay in order and in the square', () => {
		const three = addPoint(curve('[[0, 0], [1, 1]]'), [0.5, 0.25]);

		expect(three.index).toBe(1);
		expect(movePoint(three.curve, 1, [2, -1]).points[1]).toEqual([0.995, 0]);
		expect(movePoint(three.curve, 0, [0.9, 0.5]).points[0]).toEqual([0.495, 0.5]);
		expect(addPoint(three.curve, [0.501, 0.9]).curve).toBe(three.curve);
		expect(removePoint(three.curve, 1).points).toEqual([[0, 0], [1, 1]]);
		expect(removePoint(curve('[[0, 0], [1, 1]]'), 0).points).toHaveLength(2);
	});
});

const input = (type: string, options: JsonObject = {}): InputInfo => {
	return { name: 'x', type, required: true, options, choices: null, tooltip: '' };
};

describe('colours', () => {
	test('are numbers or text, and text that is none stays', () => {
		expect([hexOf(0xff8800), hexOf('#F80'), hexOf('ff8800'), hexOf(-1), hexOf('red')]).toEqual([
			'#ff8800',
			'#ff8800',
			'#ff8800',
			null,
			null,
		]);
		expect(colourValue('#ff8800', input('INT'))).toBe(0xff8800);
		expect(colourValue('F80', input('COLOR'))).toBe('#ff8800');
		expect(colourValue('#ff88', input('INT'))).toBe('#ff88');
	});
});

describe('uploads', () => {
	const picture = { name: 'a.png', type: 'image/png' };

	test('go to the first free input that takes such a file', () => {
		const inputs = [
			{ ...input('STRING'), name: 'words' },
			{ ...input('COMBO', { audio_upload: true }), name: 'sound' },
			{ ...input('COMBO', { image_upload: true }), name: 'first' },
			{ ...input('COMBO', { image_upload: true }), name: 'second' },
		];

		expect(inputs.map(uploadOf)).toEqual([null, 'audio', 'image', 'image']);
		expect(fileInput(inputs, () => true, picture)?.name).toBe('first');
		expect(fileInput(inputs, (name) => name !== 'first', picture)?.name).toBe('second');
		expect(fileInput(inputs, () => true, { name: 'a.wav', type: 'audio/wav' })?.name).toBe('sound');
		expect(fileInput(inputs, () => true, { name: 'a.json', type: 'application/json' })).toBeUndefined();
	});
});
