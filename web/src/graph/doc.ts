/** A whole document: the workflow and the definitions of its subgraphs, each a graph of its own. */

import { nextSession } from './session';
import type { Graph } from './types';

/** Which graph of a document is meant: the workflow itself, or the definition of this id. */
export type Scope = string;
export const ROOT: Scope = '';

export interface Doc {
	readonly root: Graph;
	readonly subgraphs: { readonly [id: Scope]: Graph };
}

export function docOf(root: Graph, subgraphs: Doc['subgraphs'] = {}): Doc {
	return { root, subgraphs };
}

export function emptyDoc(): Doc {
	return docOf(emptyGraph());
}

/** Undefined for a definition that is not there (any more). */
export function graphAt(doc: Doc, scope: Scope): Graph | undefined {
	return scope === ROOT ? doc.root : doc.subgraphs[scope];
}

export function withGraph(doc: Doc, scope: Scope, graph: Graph): Doc {
	return scope === ROOT ? { ...doc, root: graph } : { ...doc, subgraphs: { ...doc.subgraphs, [scope]: graph } };
}

export function emptyGraph(): Graph {
	return {
		session: nextSession(),
		guessed: false,
		title: '',
		description: '',
		nodes: {},
		frames: {},
		notes: {},
		reroutes: {},
		inputs: {},
		outputs: {},
		layout: {},
		extra: {},
	};
}

/** The document with each of its graphs changed; the same object if none was. */
export function eachGraph(doc: Doc, change: (graph: Graph, scope: Scope) => Graph): Doc {
	const root = change(doc.root, ROOT);
	const definitions = Object.entries(doc.subgraphs).map(([scope, graph]) => [scope, change(graph, scope)] as const);
	const same = root === doc.root && definitions.every(([scope, graph]) => graph === doc.subgraphs[scope]);
	return same ? doc : { root, subgraphs: Object.fromEntries(definitions) };
}
