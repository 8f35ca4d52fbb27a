/** The document being edited, with the log of its edits. React Flow draws from here and never owns any of it. */

import { create } from 'zustand';
import { emptyDoc, graphAt, ROOT, withGraph, type Doc, type Scope } from './doc';
import * as log from './log';
import type { Graph, GraphNode, NodeId } from './types';

/** One step down: the definition that was entered, and through which node of the graph above. */
export interface Entered {
	readonly scope: Scope;
	readonly instance: NodeId;
}

/** All that belongs to one open document. */
export interface Opened {
	readonly doc: Doc;
	readonly log: log.Log;
	/** From the workflow down to what is on the canvas; empty: the workflow itself. */
	readonly path: readonly Entered[];
}

interface GraphStore extends Opened {
	/** What is on the canvas: the workflow, or the definition of a subgraph. */
	readonly graph: Graph;
	readonly scope: Scope;
	/** One undo step on what is on the canvas; calls with the same key in quick succession share one. */
	readonly edit: (change: (graph: Graph) => Graph, key?: string) => void;
	/** The same on the whole document. */
	readonly editDoc: (change: (doc: Doc) => Doc, key?: string) => void;
	/** A change that is no step of its own, such as placing nodes by their measured sizes. */
	readonly adjust: (change: (graph: Graph) => Graph) => void;
	readonly undo: () => void;
	readonly redo: () => void;
	readonly enter: (step: Entered) => void;
	/** Back up, to this depth: 0 is the workflow. */
	readonly leave: (depth: number) => void;
	/** Put another document, with its log, in the place of this one. */
	readonly show: (opened: Opened) => void;
}

export const useGraph = create<GraphStore>()((set, get) => {
	const turn = (moved: log.Moved | null): void => {
		if (moved !== null) {
			const { doc, operation } = moved;
			set({ ...shown({ doc, log: moved.log, path: pathTo(get().path, operation.scope) }) });
		}
	};
	return {
		...shown({ doc: emptyDoc(), log: log.NO_LOG, path: [] }),
		edit: (change, key = '') => {
			const { scope, editDoc } = get();
			editDoc((doc) => {
				const graph = graphAt(doc, scope);
				const next = graph && change(graph);
				return next === undefined || next === graph ? doc : withGraph(doc, scope, next);
			}, key);
		},
		editDoc: (change, key = '') => {
			const { doc: before, log: known, path, scope } = get();
			const doc = change(before);
			const next = doc === before ? known : log.record(known, before, doc, { key, scope, at: Date.now() });
			if (next !== known) {
				set(shown({ doc, log: next, path }));
			}
		},
		adjust: (change) => {
			const { doc, scope, graph, path } = get();
			set(shown({ doc: withGraph(doc, scope, change(graph)), log: get().log, path }));
		},
		undo: () => turn(log.undo(get().log, get().doc)),
		redo: () => turn(log.redo(get().log, get().doc)),
		enter: (step) => set(shown({ doc: get().doc, log: get().log, path: [...get().path, step] })),
		leave: (depth) => set(shown({ doc: get().doc, log: get().log, path: get().path.slice(0, depth) })),
		show: (opened) => set(shown(opened)),
	};
});

export function currentGraph(): Graph {
	return useGraph.getState().graph;
}

export function currentDoc(): Doc {
	return useGraph.getState().doc;
}

export function editGraph(change: (graph: Graph) => Graph, key = ''): void {
	useGraph.getState().edit(change, key);
}

export function editDoc(change: (doc: Doc) => Doc, key = ''): void {
	useGraph.getState().editDoc(change, key);
}

/** Tells whether the same graph is still on the canvas; for what goes on after waiting for something. */
export function canvasWatch(): () => boolean {
	const { doc, scope } = useGraph.getState();
	return () => {
		const now = useGraph.getState();
		return now.doc.root.session === doc.root.session && now.scope === scope;
	};
}

export function useNode(id: NodeId): GraphNode | undefined {
	return useGraph((state) => state.graph.nodes[id]);
}

/** What is on the canvas follows from the path; a definition that went away leaves the graph above it. */
function shown({ doc, log: edits, path }: Opened): Opened & { graph: Graph; scope: Scope } {
	const there = path.findIndex(({ scope }) => graphAt(doc, scope) === undefined);
	const kept = there === -1 ? path : path.slice(0, there);
	const scope = kept.at(-1)?.scope ?? ROOT;
	return { doc, log: edits, path: kept, scope, graph: graphAt(doc, scope) ?? doc.root };
}

/** Undoing shows what it changes: the way down if it is known, the workflow if not. */
function pathTo(path: readonly Entered[], scope: Scope): readonly Entered[] {
	if (scope === ROOT) {
		return [];
	}
	const at = path.findIndex((step) => step.scope === scope);
	return at === -1 ? [{ scope, instance: '' }] : path.slice(0, at + 1);
}
