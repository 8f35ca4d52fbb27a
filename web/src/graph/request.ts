/** A document as it is sent to be checked or run: with the defaults that the canvas shows where the file says nothing. */

import { isObject, writeJson, type JsonObject } from '../json';
import { defaultValue, hasWidget } from './defaults';
import type { Doc } from './doc';
import { writeDoc } from './document';
import { liveKind } from './live';
import type { Graph, GraphNode, InputValue, Kinds } from './types';

export function toRequest({ root, subgraphs }: Doc, kinds: Kinds): JsonObject {
	const definitions = Object.entries(subgraphs).map(([id, graph]) => [id, completed(graph, kinds)] as const);
	return writeDoc({ root: completed(root, kinds), subgraphs: Object.fromEntries(definitions) });
}

/** What of a request a run would see, as text to compare: without names for people, and places. */
export function substance(request: JsonObject): string {
	return writeJson(plain(request));
}

function completed(graph: Graph, kinds: Kinds): Graph {
	const nodes = Object.values(graph.nodes).map((node) => [node.id, completedNode(node, kinds)] as const);
	return { ...graph, nodes: Object.fromEntries(nodes) };
}

function completedNode(node: GraphNode, kinds: Kinds): GraphNode {
	const missing: { [name: string]: InputValue } = {};
	for (const input of liveKind(kinds.get(node.kind), node)?.inputs ?? []) {
		const constant = input.required && hasWidget(input) ? defaultValue(input) : undefined;
		if (constant !== undefined && !Object.hasOwn(node.inputs, input.name)) {
			missing[input.name] = { constant };
		}
	}
	return Object.keys(missing).length === 0 ? node : { ...node, inputs: { ...node.inputs, ...missing } };
}

function plain(graph: JsonObject): JsonObject {
	const { title: _title, description: _words, layout: _layout, nodes, subgraphs, ...rest } = graph;
	const untitled = Object.entries(isObject(nodes) ? nodes : {}).map(([id, node]) => {
		const { title: _name, ...body } = isObject(node) ? node : {};
		return [id, body] as const;
	});
	const inner = Object.entries(isObject(subgraphs) ? subgraphs : {}).map(
		([id, definition]) => [id, plain(isObject(definition) ? definition : {})] as const,
	);
	return { ...rest, nodes: Object.fromEntries(untitled), subgraphs: Object.fromEntries(inner) };
}
