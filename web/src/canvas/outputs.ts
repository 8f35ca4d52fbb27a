/** The outputs a node shows: those of its kind, or of an unknown kind whatever others read from it. */

import { resolveOutput } from '../graph/sockets';
import {
	linkOf,
	type Graph,
	type GraphNode,
	type KindInfo,
	type Kinds,
	type Link,
	type OutputInfo,
} from '../graph/types';

export function guessedOutputs(graph: Graph, id: string): OutputInfo[] {
	const names = new Set<string>();
	for (const node of Object.values(graph.nodes)) {
		for (const value of Object.values(node.inputs)) {
			const link = linkOf(value);
			if (link?.node === id) {
				names.add(String(link.output));
			}
		}
	}
	return [...names].sort().map((name, index) => ({ index, name, type: '*', isList: false, tooltip: '' }));
}

/** Where on its source a link starts, or null when there is no such output. */
export function linkSource(graph: Graph, kinds: Kinds, link: Link): OutputInfo | null {
	const source: GraphNode | undefined = Object.hasOwn(graph.nodes, link.node) ? graph.nodes[link.node] : undefined;
	if (source === undefined) {
		return null;
	}
	const info: KindInfo | undefined = kinds.get(source.kind);
	if (info !== undefined) {
		return resolveOutput(info, link.output);
	}
	return guessedOutputs(graph, link.node).find((output) => output.name === String(link.output)) ?? null;
}
