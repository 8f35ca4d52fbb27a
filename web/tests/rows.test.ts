import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test, vi } from 'vitest';
import { drawnRows, placesOf, ROW_HEIGHT, TOP, viewOf } from '../src/ui/rows';
import { Tree } from '../src/ui/Tree';

const MANY = 5000;

describe('rows that are drawn', () => {
	const down = viewOf(1000 * ROW_HEIGHT, 30 * ROW_HEIGHT);

	test('are those in view, and some beyond', () => {
		const rows = drawnRows(MANY, down, 1000);

		expect(rows[0]).toBeLessThanOrEqual(980);
		expect(rows.at(-1)).toBeGreaterThanOrEqual(1049);
		expect(rows.length).toBeLessThan(120);
	});

	test('stay the same while one scrolls a little', () => {
		expect(viewOf(1003 * ROW_HEIGHT, 30 * ROW_HEIGHT)).toEqual(down);
	});

	test('have the active one among them, in its place', () => {
		expect(drawnRows(MANY, down, 3)[0]).toBe(3);
		expect(drawnRows(MANY, down, MANY - 1).at(-1)).toBe(MANY - 1);
	});

	test('are all of a short list', () => {
		expect(drawnRows(3, TOP, 0)).toEqual([0, 1, 2]);
		expect(drawnRows(0, TOP, 0)).toEqual([]);
	});
});

test('each row of a tree has its place among those under the same row', () => {
	const places = placesOf([1, 2, 2, 1, 2, 3, 2, 2, 1].map((level) => ({ level })));

	expect(places.map(({ at, of }) => `${at}/${of}`)).toEqual([
		'1/3', '1/2', '2/2', '2/3', '1/3', '1/1', '2/3', '3/3', '3/3',
	]);
});

test('a long tree draws few of its rows, and says how many there are', () => {
	const rows = Array.from({ length: MANY }, (_, index) => ({ id: `n${index}`, level: 1, label: `Node ${index}` }));
	const draw = vi.fn(({ label }: { readonly label: string }) => label);
	const nothing = (): void => undefined;
	const html = renderToStaticMarkup(
		createElement(Tree, { label: 'Outline', testid: 'tree', rows, onToggle: nothing, onChoose: nothing, children: draw }),
	);

	expect(draw.mock.calls.length).toBeLessThan(100);
	expect(html).toContain(`aria-setsize="${MANY}" aria-posinset="1"`);
	expect(html).toContain('Node 0');
});
