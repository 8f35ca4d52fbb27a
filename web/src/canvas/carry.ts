/** What lies in a frame moves with it. */

import type { NodeId } from '../graph/types';
import { useFlow, type FlowNode } from './flow';
import type { Point } from './view';

interface Carried {
	readonly frame: NodeId;
	readonly from: Point;
	readonly starts: ReadonlyMap<NodeId, Point>;
}

let carried: Carried | null = null;

/** Notes what lies wholly in a frame that begins to be dragged. What is dragged anyway, or pinned, is left out. */
export function startCarrying(frame: FlowNode, dragged: readonly FlowNode[]): void {
	carried = null;
	if (frame.type !== 'frame') {
		return;
	}
	const moving = new Set(dragged.map(({ id }) => id));
	const starts = new Map<NodeId, Point>();
	const right = frame.position.x + (frame.width ?? 0);
	const bottom = frame.position.y + (frame.height ?? 0);
	for (const { id, position, measured, type, draggable } of useFlow.getState().nodes) {
		const inside =
			position.x >= frame.position.x &&
			position.y >= frame.position.y &&
			position.x + (measured?.width ?? 0) <= right &&
			position.y + (measured?.height ?? 0) <= bottom;
		if (inside && !moving.has(id) && type !== 'boundary' && draggable !== false) {
			starts.set(id, position);
		}
	}
	carried = { frame: frame.id, from: frame.position, starts };
}

export function carryFrame(frame: FlowNode): void {
	if (carried?.frame !== frame.id) {
		return;
	}
	const { from, starts } = carried;
	const [dx, dy] = [frame.position.x - from.x, frame.position.y - from.y];
	useFlow.getState().onNodesChange(
		[...starts].map(([id, start]) => ({ id, type: 'position', position: { x: start.x + dx, y: start.y + dy } })),
	);
}

/** What was carried, to be written into the graph. */
export function stopCarrying(): readonly NodeId[] {
	const ids = [...(carried?.starts.keys() ?? [])];
	carried = null;
	return ids;
}
