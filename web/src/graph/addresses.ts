/** Where named inputs and outputs point: at a node of their graph, or at one inside of an instance, as `INSTANCE:INNER`. */

import { isObject, type JsonObject } from '../json';
import { eachGraph, type Doc, type Scope } from './doc';
import { definitionOf } from './subgraphs';
import { nodeOf, type Graph, type NodeId } from './types';

/** An entry changed; null takes it away. */
type Change = (entry: JsonObject) => JsonObject | null;

export interface Address {
	/** A node of the graph. */
	readonly head: NodeId;
	/** Where inside of it; empty: the node itself. */
	readonly inner: string;
}

/** What an address means in a graph; null if it points at nothing there. Ids may have colons themselves: the longest counts. */
export function addressIn(graph: Graph, address: string): Address | null {
	for (let at = address.length; at > 0; at = address.lastIndexOf(':', at - 1)) {
		const head = address.slice(0, at);
		if (nodeOf(graph, head) !== undefined) {
			return { head, inner: address.slice(at + 1) };
		}
	}
	return null;
}

/** Whether an entry points at one of these nodes, or into it. */
export function pointsAt(graph: Graph, entry: JsonObject, ids: ReadonlySet<NodeId>): boolean {
	return typeof entry.node === 'string' && ids.has(addressIn(graph, entry.node)?.head ?? '');
}

/** The same object if no entry was changed. */
export function mapEntries(entries: JsonObject, change: Change): JsonObject {
	let same = true;
	const next: [string, JsonObject[string]][] = [];
	for (const [name, entry] of Object.entries(entries)) {
		const changed = isObject(entry) ? change(entry) : undefined;
		same &&= changed === undefined || changed === entry;
		if (changed !== null) {
			next.push([name, changed ?? entry]);
		}
	}
	return same ? entries : Object.fromEntries(next);
}

/**
 * Changes the entries of all other graphs that point, through instances, into one of the document; `change` is given them
 * as if they were entries of that graph.
 */
export function changeFromOutside(doc: Doc, scope: Scope, change: Change): Doc {
	const changed = (graph: Graph): Change => (entry) => {
		const way = typeof entry.node === 'string' ? wayInto(doc, graph, entry.node, scope) : null;
		if (way === null) {
			return entry;
		}
		const inside = { ...entry, node: way.inner };
		const next = change(inside);
		return next === inside ? entry : next && { ...next, node: `${way.head}:${String(next.node)}` };
	};
	return eachGraph(doc, (graph, at) => {
		if (at === scope) {
			return graph;
		}
		const inputs = mapEntries(graph.inputs, changed(graph));
		const outputs = mapEntries(graph.outputs, changed(graph));
		return inputs === graph.inputs && outputs === graph.outputs ? graph : { ...graph, inputs, outputs };
	});
}

/** An address taken apart where it enters a definition: the instances up to there, and what is meant in it. */
function wayInto(doc: Doc, graph: Graph, address: string, scope: Scope): Address | null {
	const found = addressIn(graph, address);
	const name = found === null ? null : definitionOf(graph.nodes[found.head]?.kind ?? '');
	const definition = name === null ? undefined : doc.subgraphs[name];
	if (found === null || found.inner === '' || definition === undefined) {
		return null;
	}
	if (name === scope) {
		return found;
	}
	const further = wayInto(doc, definition, found.inner, scope);
	return further && { ...further, head: `${found.head}:${further.head}` };
}
