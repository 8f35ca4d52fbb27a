import { expect, test } from 'vitest';
import { carryFrame, startCarrying, stopCarrying } from '../src/canvas/carry';
import { useFlow, type FlowNode } from '../src/canvas/flow';

const node = (id: string, more: Partial<FlowNode>): FlowNode => ({
	id,
	type: 'graph',
	position: { x: 10, y: 10 },
	measured: { width: 20, height: 20 },
	data: { place: { x: 10, y: 10 } },
	...more,
});

test('a frame takes along what lies in it, but nothing that is pinned', () => {
	const frame = node('frame', { type: 'frame', position: { x: 0, y: 0 }, width: 100, height: 100 });
	const pinned = node('pinned', { draggable: false });
	const outside = node('outside', { position: { x: 90, y: 10 } });
	useFlow.setState({ nodes: [frame, node('inside', { draggable: true }), pinned, outside] });
	startCarrying(frame, [frame]);
	carryFrame({ ...frame, position: { x: 5, y: 7 } });

	expect(useFlow.getState().nodes.map(({ id, position }) => [id, position.x, position.y])).toEqual([
		['frame', 0, 0],
		['inside', 15, 17],
		['pinned', 10, 10],
		['outside', 90, 10],
	]);
	expect(stopCarrying()).toEqual(['inside']);
});
