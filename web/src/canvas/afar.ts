/**
 * A large graph seen from afar is a picture (`FarPicture`), since an element for each node and link is too many. Real are
 * only the nodes that somebody points at or has in the focus, and those with something to show that no picture has.
 */

import type { ReactFlowState } from '@xyflow/react';
import { useMemo } from 'react';
import { create, type StoreApi } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { useGraph } from '../graph/store';
import type { Graph, NodeId } from '../graph/types';
import { runId } from '../run/inside';
import { useRun } from '../run/store';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { useFocus } from './focus';
import { LARGE } from './guess';
import { noteZoom, toGraph, useView, type Point } from './view';

type Store = Pick<StoreApi<ReactFlowState<FlowNode, FlowEdge>>, 'subscribe'>;

/** The node under the pointer. */
const usePointed = create<{ readonly id: NodeId | null }>()(() => ({ id: null }));
const NONE: readonly NodeId[] = [];
const veils = new WeakMap<FlowNode, FlowNode>();

export function useAfar(): boolean {
	const large = useFlow(({ nodes }) => nodes.length >= LARGE);
	return useView(({ far }) => far) && large;
}

/**
 * Keeps `useView` in step with the zoom; returns the way to stop. At once, not after the next drawing: else a thousand nodes
 * would be drawn whole before they are drawn small, or as elements before they are a picture.
 */
export function followZoom(store: Store): () => void {
	return store.subscribe(({ transform, setNodes, setEdges }) => {
		const before = useView.getState().far;
		noteZoom(transform[2]);
		const { nodes } = useFlow.getState();
		if (useView.getState().far && !before && nodes.length >= LARGE) {
			setNodes(nodes.map((node) => (isPictured(node) ? veiled(node) : node)));
			setEdges([]);
		}
	});
}

/** To be called with each move of a pointer that nothing is held by. */
export function notePointed(at: Point): void {
	const { nodes } = useFlow.getState();
	if (nodes.length < LARGE || !useView.getState().far) {
		return;
	}
	const { x, y } = toGraph(at);
	const id = nodes.findLast((node) => isPictured(node) && holds(node, x, y))?.id ?? null;
	if (id !== usePointed.getState().id) {
		usePointed.setState({ id });
	}
}

/** What React Flow is given: all nodes, so that all can be selected and dragged, but from afar only the real ones seen. */
export function useVeiled(nodes: FlowNode[], afar: boolean): FlowNode[] {
	const pointed = usePointed(({ id }) => id);
	const focused = useFocus(({ id }) => id);
	const showing = useShowing(afar);
	return useMemo(() => {
		if (!afar) {
			return nodes;
		}
		const real = new Set<NodeId | null>([pointed, focused, ...showing]);
		return nodes.map((node) => (isPictured(node) && !real.has(node.id) ? veiled(node) : node));
	}, [nodes, afar, pointed, focused, showing]);
}

/** Frames, notes and the edges of a subgraph stay what they are: there are few of them. */
export function isPictured({ type }: FlowNode): boolean {
	return type === 'graph' || type === 'reroute';
}

/** The same object for the same node, so that React Flow sees what has changed. */
function veiled(node: FlowNode): FlowNode {
	const known = veils.get(node);
	if (known !== undefined) {
		return known;
	}
	const veil = { ...node, hidden: true };
	veils.set(node, veil);
	return veil;
}

/** Nodes with pictures or words that they made. */
function useShowing(afar: boolean): readonly NodeId[] {
	const graph = useGraph((state) => state.graph);
	const path = useGraph((state) => state.path);
	const ids = useRun(
		useShallow(({ results, previews }) => (afar ? [...Object.keys(results), ...Object.keys(previews)] : NONE)),
	);
	return useMemo(() => {
		const above = runId(path, '');
		return ids.flatMap((id) => (id.startsWith(above) ? (ownerOf(graph, id.slice(above.length)) ?? []) : []));
	}, [graph, path, ids]);
}

/** The node on the canvas by this id, or the instance that it runs in. */
function ownerOf(graph: Graph, id: string): NodeId | null {
	const parts = id.split(':');
	const lengths = parts.map((_part, index) => parts.length - index);
	return lengths.map((length) => parts.slice(0, length).join(':')).find((one) => Object.hasOwn(graph.nodes, one)) ?? null;
}

function holds({ type, position, measured }: FlowNode, x: number, y: number): boolean {
	const { width = 0, height = 0 } = measured ?? {};
	const [left, top] = type === 'reroute' ? [position.x - width / 2, position.y - height / 2] : [position.x, position.y];
	return x >= left && y >= top && x <= left + width && y <= top + height;
}
