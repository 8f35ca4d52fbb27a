/** Changes to a graph, each a pure function from graph to graph. */

import type { Json, JsonObject } from '../json';
import { isObject } from '../json';
import { mapEntries, pointsAt } from './addresses';
import { defaultInputs, defaultValue, hasWidget } from './defaults';
import { settled } from './live';
import { freeId, readableId } from './names';
import { removeReroutes, settleReroutes } from './reroutes';
import { inputOf } from './sockets';
import {
	linkOf,
	nodeOf,
	type Graph,
	type GraphNode,
	type InputValue,
	type KindInfo,
	type Link,
	type NodeId,
	type Place,
} from './types';

export function addNode(graph: Graph, info: KindInfo, at: { x: number; y: number }): { graph: Graph; id: NodeId } {
	const id = freeId(readableId(info.kind), (name) => Object.hasOwn(graph.nodes, name));
	const place: Place = { x: at.x, y: at.y, extra: {} };
	const node: GraphNode = { id, kind: info.kind, title: '', mode: 'run', inputs: settled(info, defaultInputs(info)), extra: {}, place };
	return { graph: { ...graph, nodes: { ...graph.nodes, [id]: node } }, id };
}

export function removeNodes(
	graph: Graph,
	ids: ReadonlySet<NodeId>,
	infoOf: (node: GraphNode) => KindInfo | undefined,
): Graph {
	const nodes: { [id: NodeId]: GraphNode } = {};
	for (const node of Object.values(graph.nodes)) {
		if (ids.has(node.id)) {
			continue;
		}
		const cut = Object.keys(node.inputs).filter((name) => ids.has(linkOf(node.inputs[name])?.node ?? ''));
		nodes[node.id] = cut.reduce((rest, name) => unlinked(rest, name, infoOf(rest)), node);
	}
	const kept = (entry: JsonObject): JsonObject | null => (pointsAt(graph, entry, ids) ? null : entry);
	const [inputs, outputs] = [mapEntries(graph.inputs, kept), mapEntries(graph.outputs, kept)];
	return settleReroutes({ ...graph, nodes, inputs, outputs }, graph);
}

export function connect(graph: Graph, link: Link, target: NodeId, input: string): Graph {
	return settleReroutes(
		updateNode(graph, target, (node) => withInput(node, input, { link })),
		graph,
	);
}

/** Takes a link away; an input with a widget gets its default back. */
export function disconnect(graph: Graph, target: NodeId, input: string, info: KindInfo | undefined): Graph {
	const next = updateNode(graph, target, (node) =>
		node.inputs[input] === undefined || 'constant' in node.inputs[input] ? node : unlinked(node, input, info),
	);
	return settleReroutes(next, graph);
}

export function setConstant(graph: Graph, id: NodeId, input: string, value: Json): Graph {
	return settleReroutes(
		updateNode(graph, id, (node) => withInput(node, input, { constant: value })),
		graph,
	);
}

export function removeInput(graph: Graph, id: NodeId, input: string): Graph {
	return updateNode(graph, id, (node) => {
		const { [input]: _gone, ...inputs } = node.inputs;
		return { ...node, inputs };
	});
}

export function rename(graph: Graph, id: NodeId, title: string): Graph {
	return updateNode(graph, id, (node) => ({ ...node, title }));
}

export function movePlaces(graph: Graph, places: ReadonlyMap<NodeId, { x: number; y: number; width?: number }>): Graph {
	const nodes = { ...graph.nodes };
	for (const [id, place] of places) {
		const node = nodeOf(graph, id);
		if (node !== undefined) {
			nodes[id] = { ...node, place: { ...node.place, ...place } };
		}
	}
	return { ...graph, nodes };
}

/** Moves a node, a frame, a note, a point of links or an edge of a subgraph; the graph itself if it is there already. */
export function movePart(graph: Graph, { part, id }: { part: string; id: string }, to: { x: number; y: number }): Graph {
	const at = { x: to.x, y: to.y };
	switch (part) {
		case 'frame':
			return withParts(graph, 'frames', moved(graph.frames, id, at));
		case 'note':
			return withParts(graph, 'notes', moved(graph.notes, id, at));
		case 'reroute':
			return withParts(graph, 'reroutes', moved(graph.reroutes, id, at));
		case 'inputs':
		case 'outputs':
			return { ...graph, layout: { ...graph.layout, [part]: { x: Math.round(at.x), y: Math.round(at.y) } } };
		default: {
			const place = nodeOf(graph, id)?.place;
			return place === undefined || (place.x === at.x && place.y === at.y)
				? graph
				: movePlaces(graph, new Map([[id, at]]));
		}
	}
}

export function removeParts(
	graph: Graph,
	frames: readonly string[],
	notes: readonly string[],
	reroutes: readonly string[] = [],
): Graph {
	const rest =
		frames.length + notes.length === 0
			? graph
			: { ...graph, frames: withoutKeys(graph.frames, frames), notes: withoutKeys(graph.notes, notes) };
	return removeReroutes(rest, reroutes);
}

/** Exposes an input of a node as a named input of the workflow, or takes that back. */
export function toggleExposed(graph: Graph, id: NodeId, input: string): Graph {
	const name = exposedName(graph, id, input);
	if (name !== null) {
		const { [name]: _gone, ...inputs } = graph.inputs;
		return { ...graph, inputs };
	}
	const free = freeId(input, (candidate) => Object.hasOwn(graph.inputs, candidate));
	return { ...graph, inputs: { ...graph.inputs, [free]: { node: id, input } } };
}

export function exposedName(graph: Graph, id: NodeId, input: string): string | null {
	for (const [name, entry] of Object.entries(graph.inputs)) {
		if (isObject(entry) && entry.node === id && entry.input === input) {
			return name;
		}
	}
	return null;
}

/** What an untouched input holds, undefined for one that only takes a link. */
export function defaultOf(info: KindInfo | undefined, name: string): Json | undefined {
	const input = inputOf(info, name);
	return input !== undefined && hasWidget(input) ? defaultValue(input) : undefined;
}

/** The name under which the workflow gives what a sink makes, or null. */
export function outputName(graph: Graph, id: NodeId): string | null {
	const named = Object.entries(graph.outputs).find(([, entry]) => isObject(entry) && entry.node === id);
	return named?.[0] ?? null;
}

/** Names what a sink makes as an output of the workflow, or takes that back. */
export function toggleOutput(graph: Graph, id: NodeId): Graph {
	const name = outputName(graph, id);
	if (name !== null) {
		const { [name]: _gone, ...outputs } = graph.outputs;
		return { ...graph, outputs };
	}
	const free = freeId(id, (candidate) => Object.hasOwn(graph.outputs, candidate));
	return { ...graph, outputs: { ...graph.outputs, [free]: { node: id } } };
}

export function updateNode(graph: Graph, id: NodeId, change: (node: GraphNode) => GraphNode): Graph {
	const node = nodeOf(graph, id);
	if (node === undefined) {
		return graph;
	}
	const changed = change(node);
	return changed === node ? graph : { ...graph, nodes: { ...graph.nodes, [id]: changed } };
}

function withInput(node: GraphNode, name: string, value: InputValue): GraphNode {
	return { ...node, inputs: { ...node.inputs, [name]: value } };
}

function unlinked(node: GraphNode, name: string, info: KindInfo | undefined): GraphNode {
	const before = node.inputs[name];
	const kept = before !== undefined && !('constant' in before) ? before.kept : undefined;
	const value = kept ?? defaultOf(info, name);
	if (value !== undefined) {
		return withInput(node, name, { constant: value });
	}
	const { [name]: _gone, ...inputs } = node.inputs;
	return { ...node, inputs };
}

function withParts<K extends 'frames' | 'notes' | 'reroutes'>(graph: Graph, key: K, parts: Graph[K]): Graph {
	return graph[key] === parts ? graph : { ...graph, [key]: parts };
}

function moved<T extends { readonly x: number; readonly y: number }>(
	parts: { readonly [id: string]: T },
	id: string,
	at: { x: number; y: number },
): { readonly [id: string]: T } {
	const part = parts[id];
	return part === undefined || (part.x === at.x && part.y === at.y) ? parts : { ...parts, [id]: { ...part, ...at } };
}

function withoutKeys<T>(entries: { readonly [id: string]: T }, keys: readonly string[]): { readonly [id: string]: T } {
	return Object.fromEntries(Object.entries(entries).filter(([id]) => !keys.includes(id)));
}
