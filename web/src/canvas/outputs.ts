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

const NONE: readonly OutputInfo[] = [];

/** By the nodes of a graph, since each link that leaves an unknown kind asks. */
const guesses = new WeakMap<Graph['nodes'], ReadonlyMap<string, readonly OutputInfo[]>>();

export function guessedOutputs({ nodes }: Graph, id: string): readonly OutputInfo[] {
	const known = guesses.get(nodes) ?? guessAll(nodes);
	guesses.set(nodes, known);
	return known.get(id) ?? NONE;
}

/** For each node that is read, the outputs that others name. */
function guessAll(nodes: Graph['nodes']): ReadonlyMap<string, readonly OutputInfo[]> {
	const read = new Map<string, Set<string>>();
	for (const node of Object.values(nodes)) {
		for (const value of Object.values(node.inputs)) {
			const link = linkOf(value);
			if (link !== null) {
				const names = read.get(link.node) ?? new Set();
				read.set(link.node, names.add(String(link.output)));
			}
		}
	}
	return new Map([...read].map(([id, names]) => [id, [...names].sort().map(guessed)]));
}

function guessed(name: string, index: number): OutputInfo {
	return { index, name, type: '*', isList: false, tooltip: '' };
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
