/** Parts of a graph as text on the clipboard: a small document of the native format, with the subgraphs it needs. */

import { isObject, parseJson, writeJson, type Json } from '../json';
import { docOf, graphAt, ROOT, withGraph, type Doc, type Scope } from './doc';
import { readDoc, writeDoc, writeDocument } from './document';
import { liveKind } from './live';
import { freeId } from './names';
import { renamedReroutes } from './reroutes';
import { canJoin, inputType, resolveOutput } from './sockets';
import { contains, definitionOf, instanceKind, withoutUnused, withSubgraphKinds } from './subgraphs';
import { linkOf, nodeOf, outerOf, type Graph, type GraphNode, type InputValue, type Kinds, type NodeId } from './types';

/** What is copied of a graph. Points of links come along with the nodes that the links end at. */
export interface Selection {
	readonly nodes: ReadonlySet<NodeId>;
	readonly frames?: ReadonlySet<string>;
	readonly notes?: ReadonlySet<string>;
}

export interface Pasted {
	readonly doc: Doc;
	readonly nodes: readonly NodeId[];
	readonly frames: readonly string[];
	readonly notes: readonly string[];
	/** Instances that were left out, since their subgraphs contain the one they were to be put in. */
	readonly refused: number;
}

const NOTHING: ReadonlySet<string> = new Set();

export function copyParts(doc: Doc, scope: Scope, selection: Selection): string {
	const graph = graphAt(doc, scope) ?? doc.root;
	const { nodes, frames = NOTHING, notes = NOTHING } = selection;
	const reroutes = Object.fromEntries(
		Object.entries(graph.reroutes).flatMap(([id, point]) => {
			const links = point.links.filter(({ node }) => nodes.has(node));
			return links.length === 0 ? [] : [[id, { ...point, links }] as const];
		}),
	);
	const root: Graph = {
		...graph,
		title: '',
		description: '',
		nodes: only(graph.nodes, nodes),
		frames: only(graph.frames, frames),
		notes: only(graph.notes, notes),
		reroutes,
		inputs: {},
		outputs: {},
		layout: {},
		extra: {},
	};
	return writeJson(writeDoc(withoutUnused(docOf(root, doc.subgraphs))), '\t');
}

/** The document in a text, or null when it holds none. */
export function readClipboard(text: string, kinds: Kinds): Doc | null {
	let value: Json;
	try {
		value = parseJson(text);
	} catch {
		return null;
	}
	try {
		return isObject(value) && value.lumengraph !== undefined ? readDoc(value, kinds) : null;
	} catch {
		return null;
	}
}

/**
 * Adds copies with new ids. Links among the copies stay among them; a link from outside is kept where this graph has
 * that node and the types still fit, so that a copied sampler keeps its model. A subgraph that the document has already,
 * with the same content, is used; another of the same name gets a name of its own.
 */
export function pasteParts(doc: Doc, scope: Scope, pasted: Doc, server: Kinds, offset: { x: number; y: number }): Pasted {
	const names = definitionNames(doc, pasted);
	const added = Object.entries(pasted.subgraphs).filter(([name]) => !Object.hasOwn(doc.subgraphs, names.get(name) ?? name));
	const subgraphs = {
		...doc.subgraphs,
		...Object.fromEntries(added.map(([name, graph]) => [names.get(name) ?? name, withKinds(graph, names)])),
	};
	const whole: Doc = { ...doc, subgraphs };
	const graph = graphAt(whole, scope) ?? whole.root;
	const kinds = withSubgraphKinds(server, subgraphs);
	const root = withKinds(pasted.root, names);
	const loops = Object.values(root.nodes).filter(({ kind }) => {
		const inner = definitionOf(kind);
		return scope !== ROOT && inner !== null && contains(whole, inner, scope);
	});
	const refused = new Set(loops.map(({ id }) => id));
	const copies = Object.values(root.nodes).filter(({ id }) => !refused.has(id));
	const renamed = freeNames(copies.map(({ id }) => id), graph.nodes);
	const frames = freeNames(Object.keys(root.frames), graph.frames);
	const notes = freeNames(Object.keys(root.notes), graph.notes);
	const nodes = { ...graph.nodes };
	for (const node of copies) {
		const id = renamed.get(node.id) ?? node.id;
		nodes[id] = { ...node, id, place: shifted(node.place, offset), inputs: pastedInputs(node, renamed, graph, kinds) };
	}
	const ended = (id: NodeId): NodeId | undefined => renamed.get(id);
	const points = renamedReroutes(root.reroutes, graph.reroutes, ended, offset).reroutes;
	const next: Graph = {
		...graph,
		nodes,
		frames: { ...graph.frames, ...copied(root.frames, frames, offset) },
		notes: { ...graph.notes, ...copied(root.notes, notes, offset) },
		reroutes: { ...graph.reroutes, ...linkedOnly(points, nodes) },
	};
	return {
		doc: withoutUnusedOf(withGraph(whole, scope, next), doc),
		nodes: [...renamed.values()],
		frames: [...frames.values()],
		notes: [...notes.values()],
		refused: refused.size,
	};
}

/** What each definition that comes is called here: by its own name if it, and all that is in it, is here already. */
function definitionNames(doc: Doc, pasted: Doc): ReadonlyMap<Scope, Scope> {
	const content = (graph: Graph): string => writeJson(writeDocument(graph));
	const open = new Set<Scope>();
	const isHere = (name: Scope): boolean => {
		const [here, graph] = [doc.subgraphs[name], pasted.subgraphs[name]];
		if (here === undefined || graph === undefined || content(here) !== content(graph)) {
			return false;
		}
		if (open.has(name)) {
			return true;
		}
		open.add(name);
		const inner = Object.values(graph.nodes).flatMap(({ kind }) => definitionOf(kind) ?? []);
		return inner.every((scope) => isHere(scope));
	};
	const names = new Map<Scope, Scope>();
	for (const name of Object.keys(pasted.subgraphs)) {
		open.clear();
		const taken = new Set(names.values());
		const free = (wanted: string): boolean => !Object.hasOwn(doc.subgraphs, wanted) && !taken.has(wanted);
		names.set(name, isHere(name) ? name : freeId(name, (wanted) => !free(wanted)));
	}
	return names;
}

function withKinds(graph: Graph, names: ReadonlyMap<Scope, Scope>): Graph {
	const nodes = Object.values(graph.nodes).map((node): [NodeId, GraphNode] => {
		const scope = definitionOf(node.kind);
		const name = scope === null ? undefined : names.get(scope);
		return [node.id, name === undefined || name === scope ? node : { ...node, kind: instanceKind(name) }];
	});
	return { ...graph, nodes: Object.fromEntries(nodes) };
}

/** Definitions that came with instances that were refused do not stay. */
function withoutUnusedOf(next: Doc, before: Doc): Doc {
	const used = withoutUnused(next).subgraphs;
	return { ...next, subgraphs: { ...before.subgraphs, ...used } };
}

function freeNames(ids: readonly string[], taken: { readonly [id: string]: unknown }): Map<string, string> {
	const used = new Set(Object.keys(taken));
	return new Map(
		ids.map((id) => {
			const free = freeId(id, (name) => used.has(name));
			used.add(free);
			return [id, free] as const;
		}),
	);
}

function copied<T extends { readonly x: number; readonly y: number }>(
	parts: { readonly [id: string]: T },
	names: ReadonlyMap<string, string>,
	offset: { x: number; y: number },
): { readonly [id: string]: T } {
	return Object.fromEntries(Object.entries(parts).map(([id, part]) => [names.get(id) ?? id, shifted(part, offset)]));
}

function shifted<T extends { readonly x: number; readonly y: number }>(part: T, by: { x: number; y: number }): T {
	return { ...part, x: part.x + by.x, y: part.y + by.y };
}

function only<T>(entries: { readonly [id: string]: T }, ids: ReadonlySet<string>): { readonly [id: string]: T } {
	return Object.fromEntries(Object.entries(entries).filter(([id]) => ids.has(id)));
}

function linkedOnly(points: Graph['reroutes'], nodes: Graph['nodes']): Graph['reroutes'] {
	const linked = Object.entries(points).filter(([, { links }]) =>
		links.some(({ node, input }) => {
			const value = nodes[node]?.inputs[input];
			return value !== undefined && !('constant' in value);
		}),
	);
	return Object.fromEntries(linked);
}

function pastedInputs(
	node: GraphNode,
	renamed: ReadonlyMap<NodeId, NodeId>,
	graph: Graph,
	kinds: Kinds,
): { [name: string]: InputValue } {
	const inputs: { [name: string]: InputValue } = {};
	for (const [name, value] of Object.entries(node.inputs)) {
		const link = linkOf(value);
		const outer = outerOf(value);
		const copy = link && renamed.get(link.node);
		const kept = 'kept' in value ? value.kept : undefined;
		if (link === null) {
			if (outer === null || Object.hasOwn(graph.inputs, outer)) {
				inputs[name] = value;
			} else if (kept !== undefined) {
				inputs[name] = { constant: kept };
			}
		} else if (copy) {
			inputs[name] = { ...value, link: { ...link, node: copy } };
		} else {
			const source = nodeOf(graph, link.node);
			const output = resolveOutput(source && kinds.get(source.kind), link.output);
			if (output !== null && canJoin(output.type, inputType(liveKind(kinds.get(node.kind), node), name))) {
				inputs[name] = value;
			} else if (kept !== undefined) {
				inputs[name] = { constant: kept };
			}
		}
	}
	return inputs;
}
