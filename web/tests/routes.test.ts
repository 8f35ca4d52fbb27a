import { describe, expect, test } from 'vitest';
import { findLane, linkPath, type Box } from '../src/canvas/routes';

const RUN = { fromX: 0, fromY: 100, toX: 600, toY: 100, track: 0 };
const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });

describe('the path of a link', () => {
	test('is a plain curve when nothing is in the way', () => {
		expect(findLane(RUN, [box(-200, 0, 0, 200), box(200, 150, 400, 300)])).toBeNull();
	});

	test('passes a node on its nearer side', () => {
		const above = findLane(RUN, [box(200, 80, 400, 300)])!;
		const below = findLane(RUN, [box(200, -100, 400, 120)])!;

		expect(above.y).toBeLessThan(80);
		expect(below.y).toBeGreaterThan(120);
		expect(above.left).toBeLessThan(200);
		expect(above.right).toBeGreaterThan(400);
	});

	test('goes between two nodes that leave a gap', () => {
		const lane = findLane(RUN, [box(200, -300, 400, 120), box(200, 150, 400, 600)])!;

		expect(lane.y).toBeGreaterThan(120);
		expect(lane.y).toBeLessThan(150);
	});

	test('does not dodge nodes that leave no room to turn, nor run backwards round others', () => {
		expect(findLane(RUN, [box(500, 0, 700, 300)])).toBeNull();
		expect(findLane({ ...RUN, toX: -300 }, [box(-200, 0, -100, 300)])).toBeNull();
	});

	test('goes round the nodes that the way to its lane would cross', () => {
		const lane = findLane({ ...RUN, toX: 1000, toY: 300 }, [box(150, 130, 350, 400), box(450, -100, 750, 320)])!;

		expect(lane.left).toBeLessThan(150);
		expect(lane.right).toBeGreaterThan(750);
	});

	test('links with other tracks take other lanes', () => {
		const wall = [box(200, 80, 400, 300)];

		expect(findLane({ ...RUN, track: 1 }, wall)!.y).not.toBe(findLane(RUN, wall)!.y);
	});

	test('starts and ends at its sockets', () => {
		expect(linkPath(RUN, { y: 50, left: 100, right: 500 })).toMatch(/^M0,100 .*L500,50 .* 600,100$/);
	});
});
