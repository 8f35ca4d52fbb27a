/** What React Flow draws, derived from the graph. Selection and positions in mid-drag live here and nowhere else. */

import {
	applyEdgeChanges,
	applyNodeChanges,
	type Edge,
	type EdgeChange,
	type Node,
	type NodeChange,
} from '@xyflow/react';
import { create } from 'zustand';
import { useKinds } from '../graph/kinds';
import type { Size } from '../graph/columns';
import { NODE_WIDTH } from '../graph/layout';
import { useGraph } from '../graph/store';
import { linkOf, type Graph, type Kinds, type NodeId, type Place } from '../graph/types';
import { inputHandle, outputHandle } from './handles';
import { linkSource } from './outputs';
import type { Box } from './routes';

export type FlowNode = Node<{ place: Place }, 'graph'>;
export type FlowEdge = Edge<{ type: string; input: string }, 'link'>;

interface FlowStore {
	/** Of the graph that is drawn: another document's nodes may bear the same ids, but not the same sizes. */
	readonly session: number;
	readonly nodes: FlowNode[];
	readonly edges: FlowEdge[];
	/** Per node, the indices of outputs somebody reads, as text so that it compares cheaply. */
	readonly read: { readonly [id: NodeId]: string };
	readonly selected: ReadonlySet<NodeId>;
	/** Where the nodes stand, for links to find their way. */
	readonly boxes: readonly Box[];
	readonly onNodesChange: (changes: NodeChange<FlowNode>[]) => void;
	readonly onEdgesChange: (changes: EdgeChange<FlowEdge>[]) => void;
}

export const useFlow = create<FlowStore>()((set, get) => ({
	session: 0,
	nodes: [],
	edges: [],
	read: {},
	selected: new Set(),
	boxes: [],
	onNodesChange: (changes) => {
		const nodes = applyNodeChanges(changes, get().nodes);
		const selects = changes.some((change) => change.type === 'select');
		const moves = changes.some((change) => change.type !== 'select');
		set({ nodes, ...(selects ? { selected: selectedOf(nodes) } : {}), ...(moves ? { boxes: boxesOf(nodes) } : {}) });
	},
	onEdgesChange: (changes) => set({ edges: applyEdgeChanges(changes, get().edges) }),
}));

/** Keeps the drawing in step with the graph; returns the way to stop. */
export function startFlow(): () => void {
	const draw = (): void => useFlow.setState(drawn(useGraph.getState().graph, useKinds.getState().kinds));
	draw();
	const stops = [
		useGraph.subscribe((state, before) => {
			if (state.graph !== before.graph) {
				draw();
			}
		}),
		useKinds.subscribe(draw),
	];
	return () => stops.forEach((stop) => stop());
}

export function selectedNodes(): Set<NodeId> {
	return new Set(useFlow.getState().selected);
}

export function selectedEdges(): FlowEdge[] {
	return useFlow.getState().edges.filter((edge) => edge.selected);
}

export function selectNodes(ids: Iterable<NodeId>): void {
	const wanted = new Set(ids);
	useFlow.setState((flow) => {
		const nodes = flow.nodes.map((node) =>
			Boolean(node.selected) === wanted.has(node.id) ? node : { ...node, selected: wanted.has(node.id) },
		);
		const edges = flow.edges.map((edge) => (edge.selected ? { ...edge, selected: false } : edge));
		return { nodes, edges, selected: selectedOf(nodes) };
	});
}

export function measuredSizes(): Map<NodeId, Size> {
	const sizes = new Map<NodeId, Size>();
	for (const { id, measured } of useFlow.getState().nodes) {
		if (measured?.width !== undefined && measured.height !== undefined) {
			sizes.set(id, { width: measured.width, height: measured.height });
		}
	}
	return sizes;
}

function selectedOf(nodes: readonly FlowNode[]): ReadonlySet<NodeId> {
	return new Set(nodes.filter((node) => node.selected).map((node) => node.id));
}

function boxesOf(nodes: readonly FlowNode[]): Box[] {
	return nodes.map(({ position, measured }) => ({
		left: position.x,
		top: position.y,
		right: position.x + (measured?.width ?? 0),
		bottom: position.y + (measured?.height ?? 0),
	}));
}

function drawn(graph: Graph, kinds: Kinds): Omit<FlowStore, 'onNodesChange' | 'onEdgesChange'> {
	const state = useFlow.getState();
	const before = state.session === graph.session ? state : { nodes: [], edges: [] };
	const nodes = drawNodes(graph, before.nodes);
	const edges = drawEdges(graph, kinds, before.edges);
	return {
		session: graph.session,
		nodes,
		edges,
		read: readOutputs(edges),
		selected: selectedOf(nodes),
		boxes: boxesOf(nodes),
	};
}

function drawNodes(graph: Graph, before: readonly FlowNode[]): FlowNode[] {
	const known = new Map(before.map((node) => [node.id, node]));
	return Object.values(graph.nodes).map(({ id, place }) => {
		const old = known.get(id);
		if (old?.data.place === place) {
			return old;
		}
		return {
			...old,
			id,
			type: 'graph',
			position: { x: place.x, y: place.y },
			width: place.width ?? NODE_WIDTH,
			data: { place },
		};
	});
}

function drawEdges(graph: Graph, kinds: Kinds, before: readonly FlowEdge[]): FlowEdge[] {
	const known = new Map(before.map((edge) => [edge.id, edge]));
	return Object.values(graph.nodes).flatMap((node) =>
		Object.entries(node.inputs).flatMap(([input, value]) => {
			const link = linkOf(value);
			const output = link && linkSource(graph, kinds, link);
			if (link === null || output === null) {
				return [];
			}
			const id = JSON.stringify([node.id, input]);
			const sourceHandle = outputHandle(output.index);
			const old = known.get(id);
			if (old?.source === link.node && old.sourceHandle === sourceHandle && old.data?.type === output.type) {
				return [old];
			}
			const ends = { source: link.node, sourceHandle, target: node.id, targetHandle: inputHandle(input) };
			return [{ id, type: 'link' as const, ...ends, data: { type: output.type, input } }];
		}),
	);
}

function readOutputs(edges: readonly FlowEdge[]): FlowStore['read'] {
	const read: { [id: NodeId]: string } = {};
	for (const { source, sourceHandle } of edges) {
		read[source] = `${read[source] ?? ' '}${sourceHandle ?? ''} `;
	}
	return read;
}
