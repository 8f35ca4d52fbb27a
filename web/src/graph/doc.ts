/** A whole document: the workflow and the definitions of its subgraphs, each a graph of its own. */

import { emptyGraph } from './document';
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
