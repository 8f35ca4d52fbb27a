/** The edits that extensions are given, and the look at what they made of a graph. */

import * as edit from '../graph/edit';
import { currentKinds } from '../graph/kinds';
import type { Graph, GraphNode } from '../graph/types';
import { isObject } from '../json';
import type { Edits } from './api';

export const EDITS: Edits = {
	add: (graph, kind, at) => {
		const info = currentKinds().get(kind);
		if (info === undefined) {
			throw new Error(`The server has no kind "${kind}".`);
		}
		return edit.addNode(graph, info, at);
	},
	remove: (graph, ids) => edit.removeNodes(graph, new Set(ids), (node) => currentKinds().get(node.kind)),
	set: (graph, node, input, value) => edit.setConstant(there(graph, node), node, input, value),
	connect: (graph, from, output, to, input) =>
		edit.connect(there(there(graph, from), to), { node: from, output }, to, input),
	rename: (graph, node, title) => edit.rename(there(graph, node), node, title),
	move: (graph, node, { x, y }) => edit.movePlaces(there(graph, node), new Map([[node, { x, y }]])),
};

function there(graph: Graph, id: string): Graph {
	if (!Object.hasOwn(graph.nodes, id)) {
		throw new Error(`There is no node "${id}".`);
	}
	return graph;
}

/** Why this is no graph that the editor can show, or null. Only what is another than before is looked at. */
export function flaw(next: unknown, before: Graph): string | null {
	if (typeof next !== 'object' || next === null || !('nodes' in next) || !isObject(next.nodes as never)) {
		return 'it has no "nodes"';
	}
	const { nodes } = next as Graph;
	for (const key of Object.keys(before) as (keyof Graph)[]) {
		if (typeof (next as Graph)[key] !== typeof before[key]) {
			return `"${key}" is missing`;
		}
	}
	for (const [id, node] of Object.entries(nodes)) {
		const wrong = node === before.nodes[id] ? null : nodeFlaw(id, node);
		if (wrong !== null) {
			return `node "${id}": ${wrong}`;
		}
	}
	return null;
}

function nodeFlaw(id: string, node: GraphNode): string | null {
	if (typeof node !== 'object' || node === null || node.id !== id || typeof node.kind !== 'string') {
		return '"id" is not its own, or "kind" is no text';
	}
	if (!Number.isFinite(node.place?.x) || !Number.isFinite(node.place?.y)) {
		return '"place" has no x and y';
	}
	const ill = Object.entries(node.inputs ?? { inputs: null }).find(
		([, value]) => typeof value !== 'object' || value === null || !('link' in value || 'constant' in value || 'outer' in value),
	);
	return ill === undefined ? null : `input "${ill[0]}" is neither a link nor a constant`;
}

/** Nothing below it can be changed. What is frozen was frozen wholly, so each part is walked through once. */
export function frozen<T>(value: T): T {
	if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
		Object.freeze(value);
		Object.values(value).forEach(frozen);
	}
	return value;
}
