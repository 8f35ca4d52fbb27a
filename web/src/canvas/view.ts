/** The view on the canvas, for commands that are no components. */

import { getViewportForBounds, type ReactFlowInstance } from '@xyflow/react';
import { create } from 'zustand';
import type { NodeId } from '../graph/types';
import { useGraph, type Entered } from '../graph/store';
import { locate } from '../run/inside';
import { selectNodes, useFlow, type FlowEdge, type FlowNode } from './flow';
import { LARGE } from './guess';

type Instance = ReactFlowInstance<FlowNode, FlowEdge>;
export interface Point {
	readonly x: number;
	readonly y: number;
}

export const ZOOM = { min: 0.01, max: 2 } as const;
const MOVE_MS = 260;
const FITTED_MS = 120;
/** The overview and the zoom buttons stand at the bottom. */
const MARGIN = { top: '36px', right: '36px', bottom: '120px', left: '36px' } as const;
/** Below this nothing on a node can be read, so only its title is drawn, and large. */
const FAR_ZOOM = 0.32;
/** The same in a large graph, where what can hardly be read is not worth drawing. */
const FAR_ZOOM_LARGE = 0.4;
/** Below this not even a title can be read. */
const TINY_ZOOM = 0.13;

interface View {
	readonly far: boolean;
	readonly tiny: boolean;
}

export const useView = create<View>()(() => ({ far: false, tiny: false }));

export function noteZoom(zoom: number): void {
	const large = useFlow.getState().nodes.length >= LARGE;
	const [far, tiny] = [zoom < (large ? FAR_ZOOM_LARGE : FAR_ZOOM), zoom < TINY_ZOOM];
	const before = useView.getState();
	if (far !== before.far || tiny !== before.tiny) {
		useView.setState({ far, tiny });
	}
}

let instance: Instance | null = null;
let pointer: Point = { x: 0, y: 0 };

export function setInstance(next: Instance): void {
	instance = next;
}

export function notePointer(at: Point): void {
	pointer = at;
}

/** Where the pointer last was over the canvas. */
export function lastPointer(): Point {
	return pointer.x === 0 && pointer.y === 0 ? canvasCentre() : pointer;
}

export function canvasCentre(): Point {
	const box = document.querySelector('.canvas')?.getBoundingClientRect();
	return box === undefined ? { x: 0, y: 0 } : { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

export function toGraph(screen: Point): Point {
	return instance?.screenToFlowPosition(screen) ?? screen;
}

export function fitView(smooth = true): void {
	show(useFlow.getState().nodes, MARGIN, smooth);
}

/** All of these, not only those that React Flow draws at the moment. */
function show(nodes: readonly FlowNode[], padding: number | typeof MARGIN, smooth = true): void {
	const canvas = document.querySelector('.canvas');
	const bounds = boundsOf(nodes);
	if (canvas !== null && bounds !== null) {
		const { clientWidth: width, clientHeight: height } = canvas;
		const viewport = getViewportForBounds(bounds, width, height, ZOOM.min, 1, padding);
		void instance?.setViewport(viewport, { duration: smooth ? MOVE_MS : 0 });
	}
}

/** The area that they take; null for none. */
export function boundsOf(nodes: readonly FlowNode[]): { x: number; y: number; width: number; height: number } | null {
	if (nodes.length === 0) {
		return null;
	}
	let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
	for (const { position, measured } of nodes) {
		left = Math.min(left, position.x);
		top = Math.min(top, position.y);
		right = Math.max(right, position.x + (measured?.width ?? 0));
		bottom = Math.max(bottom, position.y + (measured?.height ?? 0));
	}
	return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Puts this point of the graph into the middle. */
export function centreOn({ x, y }: Point): void {
	void instance?.setCenter(x, y, { zoom: currentZoom(), duration: 0 });
}

export function zoomBy(factor: number): void {
	if (instance !== null) {
		zoomTo(instance.getZoom() * factor);
	}
}

export function zoomTo(zoom: number): void {
	void instance?.zoomTo(zoom, { duration: MOVE_MS });
}

export function currentZoom(): number {
	return instance?.getZoom() ?? 1;
}

/** Moves the view just so that the node can be seen, if it cannot. */
export function reveal(id: NodeId): void {
	const node = useFlow.getState().nodes.find((one) => one.id === id);
	const box = document.querySelector('.canvas')?.getBoundingClientRect();
	if (node === undefined || box === undefined || instance === null) {
		return;
	}
	const { x, y } = instance.flowToScreenPosition(node.position);
	const zoom = instance.getZoom();
	const [right, bottom] = [x + (node.measured?.width ?? 0) * zoom, y + Math.min((node.measured?.height ?? 0) * zoom, box.height / 2)];
	if (x < box.left || y < box.top || right > box.right || bottom > box.bottom) {
		const middle = { x: node.position.x + (node.measured?.width ?? 0) / 2, y: node.position.y + (node.measured?.height ?? 0) / 2 };
		void instance.setCenter(middle.x, middle.y, { zoom, duration: 0 });
	}
}

/** Shows a part of the graph at the end of this way through subgraphs, and selects it. */
export function jumpTo(path: readonly Entered[], id: NodeId): void {
	const { doc, path: before, show, log } = useGraph.getState();
	const same = path.map(({ instance: one }) => one).join(':') === before.map(({ instance: one }) => one).join(':');
	if (!same) {
		show({ doc, log, path });
	}
	// Another graph is measured and fitted first.
	setTimeout(() => focusNode(id), same ? 0 : FITTED_MS);
}

/** Shows the node that runs by this id, inside of its subgraph if it is in one. */
export function focusRun(id: NodeId): void {
	const found = locate(useGraph.getState().doc, id);
	if (found !== null) {
		jumpTo(found.path, found.node.id);
	}
}

export function focusNode(id: string): void {
	if (isDrawn(id)) {
		selectNodes([id]);
		show(useFlow.getState().nodes.filter((node) => node.id === id), 0.4);
	}
}

function isDrawn(id: string): boolean {
	return useFlow.getState().nodes.some((node) => node.id === id);
}
