/** Points of links by pointer and by key. */

import { addReroute } from '../graph/reroutes';
import { currentGraph, editGraph } from '../graph/store';
import { selectedEdges, selectNodes, useFlow, type FlowEdge, type FlowNode } from './flow';
import { OUTPUTS, partId } from './parts';
import type { Point } from './view';

/** Links to what a subgraph gives have no node at their end that a point could be written down for. */
export function canHavePoints(edge: FlowEdge): boolean {
	return edge.target !== OUTPUTS;
}

/** A point in this link, where it was asked for, or half way. */
export function addPoint(edge: FlowEdge, at: Point | null): void {
	const input = edge.data?.input;
	const { nodes } = useFlow.getState();
	const [source, target] = [edge.source, edge.target].map((id) => nodes.find((node) => node.id === id));
	if (input === undefined || source === undefined || target === undefined || !canHavePoints(edge)) {
		return;
	}
	const [from, to] = [rightOf(source), target.position];
	const spot = at ?? { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
	const { graph, id } = addReroute(currentGraph(), { node: edge.target, input }, spot, from, to);
	editGraph(() => graph);
	selectNodes([partId('reroute', id)]);
}

export function addPointToSelected(): void {
	const [edge] = selectedEdges();
	if (edge !== undefined) {
		addPoint(edge, null);
	}
}

function rightOf({ position, measured }: FlowNode): Point {
	return { x: position.x + (measured?.width ?? 0), y: position.y };
}
