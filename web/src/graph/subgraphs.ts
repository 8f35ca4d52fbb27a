/** Subgraphs: graphs that nodes stand for. A node of kind `subgraph:NAME` is an instance of the definition NAME. */

import { text } from '../fields';
import { isObject, type Json } from '../json';
import { eachGraph, type Doc, type Scope } from './doc';
import { liveKind } from './live';
import { inputOf, resolveOutput } from './sockets';
import { nodeOf, outerOf, type Graph, type InputInfo, type KindInfo, type Kinds, type Link, type OutputInfo } from './types';

const PREFIX = 'subgraph:';

export function instanceKind(name: Scope): string {
	return PREFIX + name;
}

/** The definition that nodes of this kind are instances of, or null. */
export function definitionOf(kind: string): Scope | null {
	return kind.startsWith(PREFIX) ? kind.slice(PREFIX.length) : null;
}

/** The server's kinds, and one for each definition of the document. */
export function withSubgraphKinds(kinds: Kinds, subgraphs: Doc['subgraphs']): Kinds {
	if (Object.keys(subgraphs).length === 0) {
		return kinds;
	}
	const all = new Map(kinds);
	const open = new Set<Scope>();
	const derive = (name: Scope): void => {
		const graph = subgraphs[name];
		if (graph === undefined || open.has(name) || all.has(instanceKind(name))) {
			return;
		}
		// The ones inside come first; one that contains itself, which only a file can bring, stays unknown there.
		open.add(name);
		for (const node of Object.values(graph.nodes)) {
			derive(definitionOf(node.kind) ?? '');
		}
		open.delete(name);
		all.set(instanceKind(name), subgraphKind(name, graph, all));
	};
	Object.keys(subgraphs).forEach(derive);
	return all;
}

/** Whether a definition is or contains another one, so that an instance of it cannot be put there. */
export function contains(doc: Doc, outer: Scope, inner: Scope): boolean {
	const seen = new Set<Scope>();
	const look = (scope: Scope): boolean => {
		if (scope === inner) {
			return true;
		}
		if (seen.has(scope)) {
			return false;
		}
		seen.add(scope);
		const nodes = Object.values(doc.subgraphs[scope]?.nodes ?? {});
		return nodes.some((node) => {
			const next = definitionOf(node.kind);
			return next !== null && look(next);
		});
	};
	return look(outer);
}

/** What the definition takes, in its own words where it has some, in those of the inputs inside where not. */
export function subgraphInputs(graph: Graph, kinds: Kinds): InputInfo[] {
	return Object.entries(graph.inputs).map(([name, entry]) => {
		const told = isObject(entry) ? entry : {};
		const inside = readerOf(graph, name, kinds);
		const options: { [key: string]: Json } = { ...inside?.options };
		for (const key of ['default', 'min', 'max'] as const) {
			if (told[key] !== undefined && told[key] !== null) {
				options[key] = told[key];
			}
		}
		if (typeof told.label === 'string' && told.label !== '') {
			options.display_name = told.label;
		}
		return {
			name,
			type: text(told.type) || inside?.type || '*',
			required: told.default === undefined && inside?.required === true && options.default === undefined,
			options,
			choices: inside?.choices ?? null,
			tooltip: text(told.description) || inside?.tooltip || '',
		};
	});
}

export function subgraphOutputs(graph: Graph, kinds: Kinds): OutputInfo[] {
	return Object.entries(graph.outputs).map(([name, entry], index) => {
		const told = isObject(entry) ? entry : {};
		const link = outputLink(entry);
		const source = link && nodeOf(graph, link.node);
		const given = link && source ? resolveOutput(kinds.get(source.kind), link.output) : null;
		return {
			index,
			name,
			type: text(told.type) || given?.type || '*',
			isList: given?.isList ?? false,
			tooltip: text(told.description) || given?.tooltip || '',
		};
	});
}

/** The output inside that an output of the definition gives; null where it hands an input on, or gives nothing. */
export function outputLink(entry: Json | undefined): Link | null {
	if (!isObject(entry) || typeof entry.node !== 'string') {
		return null;
	}
	const { output } = entry;
	return { node: entry.node, output: typeof output === 'string' || typeof output === 'number' ? output : 0 };
}

/** The document without definitions that no graph has an instance of. */
export function withoutUnused(doc: Doc): Doc {
	const used = new Set<Scope>();
	const note = (graph: Graph): Graph => {
		for (const node of Object.values(graph.nodes)) {
			const name = definitionOf(node.kind);
			const definition = name === null || used.has(name) ? undefined : doc.subgraphs[name];
			if (name !== null && definition !== undefined) {
				used.add(name);
				note(definition);
			}
		}
		return graph;
	};
	note(doc.root);
	const kept = Object.entries(doc.subgraphs).filter(([name]) => used.has(name));
	return kept.length === Object.keys(doc.subgraphs).length ? doc : { ...doc, subgraphs: Object.fromEntries(kept) };
}

/** How many nodes, anywhere, are instances of a definition. */
export function instances(doc: Doc, name: Scope): number {
	let count = 0;
	eachGraph(doc, (graph) => {
		count += Object.values(graph.nodes).filter((node) => definitionOf(node.kind) === name).length;
		return graph;
	});
	return count;
}

function subgraphKind(name: Scope, graph: Graph, kinds: Kinds): KindInfo {
	return {
		kind: instanceKind(name),
		title: graph.title || name,
		description: graph.description,
		category: 'subgraph',
		module: '',
		inputs: subgraphInputs(graph, kinds),
		outputs: subgraphOutputs(graph, kinds),
		isSink: Object.values(graph.nodes).some((node) => kinds.get(node.kind)?.isSink === true),
		deprecated: false,
		experimental: false,
		aliases: [],
	};
}

/** The first input inside that takes what comes in at an input of the definition. */
function readerOf(graph: Graph, name: string, kinds: Kinds): InputInfo | undefined {
	for (const node of Object.values(graph.nodes)) {
		const input = Object.keys(node.inputs).find((key) => outerOf(node.inputs[key]) === name);
		if (input !== undefined) {
			return inputOf(liveKind(kinds.get(node.kind), node), input);
		}
	}
	return undefined;
}
