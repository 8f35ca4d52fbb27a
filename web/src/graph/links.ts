/** Questions about how nodes hang together. */

import { linkOf, nodeOf, type Graph, type NodeId } from './types';

export function sourcesOf(graph: Graph, id: NodeId): NodeId[] {
	const inputs = nodeOf(graph, id)?.inputs ?? {};
	return Object.values(inputs).flatMap((value) => {
		const source = linkOf(value)?.node;
		return source !== undefined && Object.hasOwn(graph.nodes, source) ? [source] : [];
	});
}

export function readersOf(graph: Graph): ReadonlyMap<NodeId, readonly NodeId[]> {
	const readers = new Map<NodeId, NodeId[]>();
	for (const id of Object.keys(graph.nodes)) {
		for (const source of sourcesOf(graph, id)) {
			readers.set(source, [...(readers.get(source) ?? []), id]);
		}
	}
	return readers;
}

/** The node and all it needs. */
export function upstream(graph: Graph, id: NodeId): Set<NodeId> {
	return reach(id, (node) => sourcesOf(graph, node));
}

/** The node and all that need it. */
export function downstream(graph: Graph, id: NodeId): Set<NodeId> {
	const readers = readersOf(graph);
	return reach(id, (node) => readers.get(node) ?? []);
}

export function closesLoop(graph: Graph, source: NodeId, target: NodeId): boolean {
	return upstream(graph, source).has(target);
}

/** Longest path from a node without sources; nodes of a loop, which only a file can bring, count as far as they were reached. */
export function depths(graph: Graph): Map<NodeId, number> {
	const found = new Map<NodeId, number>();
	const open = new Set<NodeId>();
	const depth = (id: NodeId): number => {
		const known = found.get(id);
		if (known !== undefined || open.has(id)) {
			return known ?? 0;
		}
		open.add(id);
		const value = Math.max(0, ...sourcesOf(graph, id).map((source) => depth(source) + 1));
		open.delete(id);
		found.set(id, value);
		return value;
	};
	for (const id of Object.keys(graph.nodes)) {
		depth(id);
	}
	return found;
}

function reach(start: NodeId, next: (id: NodeId) => readonly NodeId[]): Set<NodeId> {
	const seen = new Set([start]);
	const waiting = [start];
	for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
		for (const neighbour of next(id)) {
			if (!seen.has(neighbour)) {
				seen.add(neighbour);
				waiting.push(neighbour);
			}
		}
	}
	return seen;
}
