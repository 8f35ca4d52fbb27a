/** Selecting with a rectangle in a graph that is a picture: React Flow looks only at the nodes that are real. */

import type { ReactFlowState } from '@xyflow/react';
import type { StoreApi } from 'zustand';
import { selectNodes, useFlow, type FlowEdge, type FlowNode } from './flow';

type Store = Pick<StoreApi<ReactFlowState<FlowNode, FlowEdge>>, 'subscribe'>;

/** Selects what lies wholly in the rectangle while it is drawn; returns the way to stop. */
export function takeIn(store: Store): () => void {
	return store.subscribe(({ userSelectionRect: box, userSelectionActive, transform: [left, top, zoom] }, before) => {
		if (box === null || box === before.userSelectionRect || !userSelectionActive) {
			return;
		}
		const [x, y] = [(box.x - left) / zoom, (box.y - top) / zoom];
		const [right, bottom] = [x + box.width / zoom, y + box.height / zoom];
		const inside = useFlow.getState().nodes.filter(({ position, measured, type }) => {
			const { width = 0, height = 0 } = measured ?? {};
			return (
				type !== 'boundary' &&
				position.x >= x &&
				position.y >= y &&
				position.x + width <= right &&
				position.y + height <= bottom
			);
		});
		selectNodes(inside.map(({ id }) => id));
	});
}
