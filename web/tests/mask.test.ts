import { describe, expect, test } from 'vitest';
import { Painting } from '../src/mask/painting';
import { maskName } from '../src/mask/pixels';
import { drawStroke, emptyRaster, fillFrom, softenAll, type Area, type Raster } from '../src/mask/raster';
import { fitted, onPicture, zoomed } from '../src/mask/view';

const HARD = { radius: 3, hardness: 1 };

function at(raster: Raster, x: number, y: number): number {
	return raster.data[y * raster.width + x] ?? -1;
}

function count(raster: Raster): number {
	return raster.data.filter((value) => value > 127).length;
}

describe('strokes', () => {
	test('cover what lies within the brush, and nothing else', () => {
		const raster = emptyRaster(40, 20);
		const area = drawStroke(raster, { x: 10, y: 10 }, { x: 30, y: 10 }, HARD, 'brush');

		expect([at(raster, 10, 10), at(raster, 20, 11), at(raster, 29, 9), at(raster, 20, 14), at(raster, 5, 10)]).toEqual([
			255, 255, 255, 0, 0,
		]);
		expect(area).toEqual({ left: 6, top: 6, right: 34, bottom: 14 });
	});

	test('fade with a soft brush, and do not grow when they cross themselves', () => {
		const raster = emptyRaster(40, 40);
		const soft = { radius: 15, hardness: 0 };
		drawStroke(raster, { x: 20, y: 20 }, { x: 20, y: 20 }, soft, 'brush');
		const once = raster.data.slice();
		drawStroke(raster, { x: 20, y: 20 }, { x: 20, y: 20 }, soft, 'brush');
		const values = [20, 25, 30, 34].map((x) => at(raster, x, 20));

		expect(values).toEqual([...values].sort((one, other) => other - one));
		expect(new Set(values).size).toBe(4);
		expect(raster.data).toEqual(once);
	});

	test('erase, and reach beyond the edges without harm', () => {
		const raster = emptyRaster(8, 8);
		raster.data.fill(255);
		drawStroke(raster, { x: -5, y: 4 }, { x: 20, y: 4 }, HARD, 'erase');

		expect([at(raster, 0, 4), at(raster, 7, 4), at(raster, 3, 0)]).toEqual([0, 0, 255]);
	});

	test('soften an edge and leave what is even', () => {
		const raster = emptyRaster(40, 40);
		for (let y = 0; y < 40; y += 1) {
			raster.data.fill(255, y * 40, y * 40 + 20);
		}
		drawStroke(raster, { x: 20, y: 20 }, { x: 20, y: 20 }, { radius: 10, hardness: 1 }, 'soften');

		expect(at(raster, 20, 20)).toBeGreaterThan(0);
		expect(at(raster, 19, 20)).toBeLessThan(255);
		expect([at(raster, 12, 20), at(raster, 28, 20), at(raster, 20, 2)]).toEqual([255, 0, 0]);
	});
});

describe('whole masks', () => {
	test('filling stops at what is masked; filling there takes it away', () => {
		const raster = emptyRaster(20, 20);
		for (let step = 5; step < 15; step += 1) {
			for (const [x, y] of [[step, 5], [step, 14], [5, step], [14, step]] as const) {
				raster.data[y * 20 + x] = 255;
			}
		}
		fillFrom(raster, { x: 10, y: 10 });

		expect(count(raster)).toBe(100);

		fillFrom(raster, { x: 5, y: 5 });

		expect(count(raster)).toBe(0);

		expect(fillFrom(raster, { x: 0, y: 0 })).toEqual({ left: 0, top: 0, right: 20, bottom: 20 });
		expect(count(raster)).toBe(400);
	});

	test('softening all keeps what is even, also at the edges', () => {
		const raster = emptyRaster(9, 5);
		raster.data.fill(255);
		softenAll(raster, 4);

		expect(raster.data.every((value) => value === 255)).toBe(true);
	});
});

describe('steps', () => {
	const painting = (): { made: Painting; drawn: Area[] } => {
		const drawn: Area[] = [];
		return { made: new Painting(emptyRaster(30, 30), (area) => drawn.push(area), () => undefined), drawn };
	};

	test('are taken back and done again, one stroke at a time', () => {
		const { made } = painting();
		const states = [made.raster.data.slice()];
		const keep = (): number => states.push(made.raster.data.slice());
		made.begin('brush', HARD, { x: 5, y: 5 });
		made.extend({ x: 25, y: 5 });
		made.extend({ x: 25, y: 25 });
		made.end();
		keep();
		made.invert();
		keep();
		made.fill({ x: 5, y: 5 });
		keep();
		for (const before of [2, 1, 0]) {
			made.undo();

			expect(made.raster.data).toEqual(states[before]);
		}

		expect([made.canUndo, made.canRedo, made.isChanged]).toEqual([false, true, false]);

		for (const after of [1, 2, 3]) {
			made.redo();

			expect(made.raster.data).toEqual(states[after]);
		}
	});

	test('an abandoned stroke leaves nothing, and a new step forgets those that were undone', () => {
		const { made, drawn } = painting();
		made.begin('brush', HARD, { x: 5, y: 5 });
		made.abandon();

		expect([count(made.raster), made.canUndo, drawn.length]).toEqual([0, false, 2]);

		made.invert();
		made.undo();
		made.clear();

		expect([made.canRedo, made.canUndo]).toEqual([false, true]);
	});
});

test('masked pictures are named after what they were', () => {
	expect(['sub/cat.png', 'cat.v2.jpg [output]', 'clipspace/cat-masked (1).png [input]'].map(maskName)).toEqual([
		'cat-masked.png',
		'cat.v2-masked.png',
		'cat-masked.png',
	]);
});

test('zooming leaves the place under the pointer where it is', () => {
	const before = fitted({ width: 424, height: 224 }, { width: 800, height: 400 });
	const pointer = { x: 100, y: 60 };
	const after = zoomed(before, pointer, 3);

	expect(before).toEqual({ zoom: 0.5, x: 12, y: 12 });
	expect(after.zoom).toBe(1.5);
	expect(onPicture(after, pointer).x).toBeCloseTo(onPicture(before, pointer).x, 9);
});
