/** Lines that show where what is dragged stands level with others, and draw it there. */

import type { NodeChange, NodePositionChange } from '@xyflow/react';
import { create } from 'zustand';
import { guides, type Boxed } from '../graph/align';
import { usePrefs } from '../prefs';
import { useFlow, type FlowNode } from './flow';
import { currentZoom } from './view';

/** On the screen, in pixels. */
const REACH = 6;
/** What is further away is not looked at, in the units of the graph. */
const NEAR = 1600;

export interface Guides {
	readonly x: number | null;
	readonly y: number | null;
}

const NONE: Guides = { x: null, y: null };
export const useGuides = create<Guides>()(() => NONE);

export function stopGuiding(): void {
	useGuides.setState(NONE);
}

/** The changes of a drag, with what is dragged drawn to a line where one is near. */
export function guided(changes: NodeChange<FlowNode>[]): NodeChange<FlowNode>[] {
	const { guides: wanted, snap } = usePrefs.getState();
	const moves = changes.filter(isDrag);
	if (!wanted || moves.length === 0) {
		return changes;
	}
	const to = new Map(moves.map(({ id, position }) => [id, position] as const));
	const { nodes } = useFlow.getState();
	const moving = nodes.filter(({ id }) => to.has(id));
	// What lies in a frame goes with it, so it would always be level with it.
	if (moving.some(({ type }) => type === 'frame' || type === 'boundary')) {
		return changes;
	}
	const area = around(moving.map((node) => boxOf(node, to.get(node.id))));
	const others = nodes
		.filter(({ id, type }) => !to.has(id) && type !== 'boundary')
		.map((node) => boxOf(node))
		.filter((box) => Math.abs(box.x - area.x) < NEAR && Math.abs(box.y - area.y) < NEAR);
	const { dx, dy, x, y } = guides(area, others, snap ? 0.5 : REACH / currentZoom());
	useGuides.setState({ x, y });
	return dx === 0 && dy === 0
		? changes
		: changes.map((change) =>
				isDrag(change) ? { ...change, position: { x: change.position.x + dx, y: change.position.y + dy } } : change,
			);
}

type Drag = NodePositionChange & { readonly position: { x: number; y: number } };

function isDrag(change: NodeChange<FlowNode>): change is Drag {
	return change.type === 'position' && change.position !== undefined && change.dragging !== undefined;
}

function boxOf({ id, position, measured, type }: FlowNode, at = position): Boxed {
	const { width = 0, height = 0 } = measured ?? {};
	// Points are placed by their middle.
	return type === 'reroute' ? { id, ...at, width: 0, height: 0 } : { id, x: at.x, y: at.y, width, height };
}

function around(boxes: readonly Boxed[]): Omit<Boxed, 'id'> {
	const x = Math.min(...boxes.map((box) => box.x));
	const y = Math.min(...boxes.map((box) => box.y));
	const right = Math.max(...boxes.map((box) => box.x + box.width));
	const bottom = Math.max(...boxes.map((box) => box.y + box.height));
	return { x, y, width: right - x, height: bottom - y };
}
