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
import { estimatedSize, NODE_WIDTH } from '../graph/layout';
import { useGraph } from '../graph/store';
import { ROOT, type Scope } from '../graph/doc';
import { linkOf, outerOf, type Graph, type GraphNode, type Kinds, type NodeId, type OutputInfo } from '../graph/types';
import { endKey, pointsByLink } from '../graph/reroutes';
import { boundaryKind, boundaryPlaces, outerSource, outputLinks } from './boundary';
import { guessedHandles, LARGE } from './guess';
import { inputHandle, outputHandle } from './handles';
import { linkSource } from './outputs';
import { INPUTS, isNode, OUTPUTS, partId } from './parts';
import type { Box } from './routes';

/** `place` is what it was drawn from: where the graph still has the same object there, nothing has to be drawn anew. */
export type FlowNode = Node<{ place: object }, 'graph' | 'frame' | 'note' | 'reroute' | 'boundary'>;
/** `via`: the ids, on the canvas, of the points that it is drawn through. */
export type FlowEdge = Edge<{ type: string; input: string; via: readonly NodeId[] }, 'link'>;

export const COLLAPSED_WIDTH = 190;
/** Of the point of a link: large enough to be taken hold of by a finger. */
const POINT_SIZE = 24;
const STRAIGHT: readonly NodeId[] = [];

interface FlowStore {
	/** Of the graph that is drawn: another document's nodes may bear the same ids, but not the same sizes. */
	readonly session: number;
	readonly nodes: FlowNode[];
	readonly edges: FlowEdge[];
	/** Per node, the indices of outputs somebody reads, as text so that it compares cheaply. */
	readonly read: { readonly [id: NodeId]: string };
	/** The type of what runs through each point of links, by its id on the canvas. */
	readonly pointTypes: { readonly [id: NodeId]: string };
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
	pointTypes: {},
	selected: new Set(),
	boxes: [],
	onNodesChange: (changes) => {
		const nodes = measuredNodes(applyNodeChanges(changes, get().nodes), changes);
		const selects = changes.some((change) => change.type === 'select');
		// While a node is dragged, links keep to where the nodes were.
		const moves = changes.some((change) => change.type !== 'select' && !(change.type === 'position' && change.dragging === true));
		set({ nodes, ...(selects ? { selected: selectedOf(nodes) } : {}), ...(moves ? { boxes: boxesOf(nodes) } : {}) });
	},
	onEdgesChange: (changes) => set({ edges: applyEdgeChanges(changes, get().edges) }),
}));

/** Keeps the drawing in step with the graph; returns the way to stop. */
export function startFlow(): () => void {
	const draw = (): void => useFlow.setState(drawn(useGraph.getState(), useKinds.getState().kinds));
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

/** The selected nodes of the graph; frames, notes and points are in `selectedParts`. */
export function selectedNodes(): Set<NodeId> {
	return new Set([...useFlow.getState().selected].filter(isNode));
}

/** All that is selected, by the ids of the canvas. */
export function selectedParts(): ReadonlySet<NodeId> {
	return useFlow.getState().selected;
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
	for (const { id, measured, type } of useFlow.getState().nodes) {
		if (type === 'graph' && measured?.width !== undefined && measured.height !== undefined) {
			sizes.set(id, { width: measured.width, height: measured.height });
		}
	}
	return sizes;
}

interface Drawn {
	readonly graph: Graph;
	readonly scope: Scope;
}

function selectedOf(nodes: readonly FlowNode[]): ReadonlySet<NodeId> {
	return new Set(nodes.filter((node) => node.selected).map((node) => node.id));
}

function boxesOf(nodes: readonly FlowNode[]): Box[] {
	return nodes.filter(({ type }) => type === 'graph').map(({ position, measured }) => ({
		left: position.x,
		top: position.y,
		right: position.x + (measured?.width ?? 0),
		bottom: position.y + (measured?.height ?? 0),
	}));
}

function drawn({ graph, scope }: Drawn, kinds: Kinds): Partial<FlowStore> {
	const state = useFlow.getState();
	const same = state.session === graph.session;
	const before = same ? state : { nodes: [], edges: [] };
	const nodes = kept(before.nodes, drawNodes(graph, scope, kinds, before.nodes));
	const edges = kept(before.edges, drawEdges(graph, kinds, scope, before.edges));
	return {
		session: graph.session,
		nodes,
		edges,
		...(same && edges === before.edges ? {} : { read: readOutputs(edges), pointTypes: pointTypes(edges) }),
		...(same && nodes === before.nodes ? {} : { selected: selectedOf(nodes), boxes: boxesOf(nodes) }),
	};
}

/** The same list where it holds the same: most edits change neither where nodes stand nor what is linked. */
function kept<T>(before: T[], next: T[]): T[] {
	return before.length === next.length && before.every((one, index) => one === next[index]) ? before : next;
}

function drawNodes(graph: Graph, scope: Scope, kinds: Kinds, before: readonly FlowNode[]): FlowNode[] {
	const known = new Map(before.map((node) => [node.id, node]));
	const draw = (id: NodeId, place: { readonly x: number; readonly y: number }, rest: Partial<FlowNode>): FlowNode => {
		const old = known.get(id);
		if (old?.data.place === place) {
			return old;
		}
		return { ...old, id, type: 'graph', position: { x: place.x, y: place.y }, ...rest, data: { place } };
	};
	const frames = Object.entries(graph.frames).map(([id, frame]) =>
		draw(partId('frame', id), frame, {
			type: 'frame',
			width: frame.width,
			height: frame.height,
			// Under everything, and only its title is taken hold of.
			zIndex: -1,
			dragHandle: '.frame-head',
		}),
	);
	const notes = Object.entries(graph.notes).map(([id, note]) =>
		draw(partId('note', id), note, { type: 'note', width: note.width, height: note.height, dragHandle: '.note' }),
	);
	const points = Object.entries(graph.reroutes).map(([id, point]) =>
		draw(partId('reroute', id), point, { type: 'reroute', origin: [0.5, 0.5], width: POINT_SIZE, height: POINT_SIZE }),
	);
	const entries = Object.values(graph.nodes);
	const large = entries.length >= LARGE;
	const nodes = entries.map((node) => {
		const { id, place } = node;
		return draw(id, place, {
			width: place.collapsed === true ? COLLAPSED_WIDTH : (place.width ?? NODE_WIDTH),
			draggable: place.pinned !== true,
			...(large && known.get(id)?.measured === undefined ? guessed(node, kinds) : {}),
		});
	});
	const edge =
		scope === ROOT
			? []
			: boundaryPlaces(graph).map(([id, place]) => draw(id, place, { type: 'boundary', deletable: false }));
	return [...frames, ...notes, ...edge, ...nodes, ...points];
}

function guessed(node: GraphNode, kinds: Kinds): Pick<FlowNode, 'measured' | 'handles'> {
	const size = estimatedSize(node, kinds);
	return { measured: size, handles: guessedHandles(node, kinds.get(node.kind), size) };
}

/** What was measured stands in the place of what was guessed. */
function measuredNodes(nodes: FlowNode[], changes: readonly NodeChange<FlowNode>[]): FlowNode[] {
	const ids = new Set(changes.flatMap((change) => (change.type === 'dimensions' ? [change.id] : [])));
	return ids.size === 0
		? nodes
		: nodes.map((node) => {
				if (node.handles === undefined || !ids.has(node.id)) {
					return node;
				}
				const { handles: _guess, ...rest } = node;
				return rest;
			});
}

function drawEdges(graph: Graph, kinds: Kinds, scope: Scope, before: readonly FlowEdge[]): FlowEdge[] {
	const known = new Map(before.map((edge) => [edge.id, edge]));
	const points = pointsByLink(graph.reroutes);
	const draw = (source: NodeId, output: OutputInfo, target: NodeId, input: string): FlowEdge => {
		const id = endKey({ node: target, input });
		const sourceHandle = outputHandle(output.index);
		const via = points.get(id)?.map((point) => partId('reroute', point)) ?? STRAIGHT;
		const old = known.get(id);
		const same = old?.source === source && old.sourceHandle === sourceHandle && old.data?.type === output.type;
		if (same && old.data?.via.join() === via.join()) {
			return old;
		}
		const ends = { source, sourceHandle, target, targetHandle: inputHandle(input) };
		return { id, type: 'link' as const, ...ends, data: { type: output.type, input, via } };
	};
	const inside = scope === ROOT ? undefined : boundaryKind(graph, kinds, INPUTS);
	const given = scope === ROOT ? [] : outputLinks(graph);
	const toEdge = given.flatMap(([name, link]) => {
		const output = linkSource(graph, kinds, link);
		return output === null ? [] : [draw(link.node, output, OUTPUTS, name)];
	});
	const links = Object.values(graph.nodes).flatMap((node) =>
		Object.entries(node.inputs).flatMap(([input, value]) => {
			const outer = outerOf(value);
			const from = outer === null ? null : inside?.outputs[outerSource(graph, outer) ?? -1];
			if (from) {
				return [draw(INPUTS, from, node.id, input)];
			}
			const link = linkOf(value);
			const output = link && linkSource(graph, kinds, link);
			return link === null || output === null ? [] : [draw(link.node, output, node.id, input)];
		}),
	);
	return [...links, ...toEdge];
}

function readOutputs(edges: readonly FlowEdge[]): FlowStore['read'] {
	const read: { [id: NodeId]: string } = {};
	for (const { source, sourceHandle } of edges) {
		read[source] = `${read[source] ?? ' '}${sourceHandle ?? ''} `;
	}
	return read;
}

function pointTypes(edges: readonly FlowEdge[]): FlowStore['pointTypes'] {
	return Object.fromEntries(edges.flatMap(({ data }) => (data?.via ?? []).map((id) => [id, data?.type ?? '*'] as const)));
}
