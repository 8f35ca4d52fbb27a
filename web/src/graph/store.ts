/** The graph being edited, with its undo history. React Flow draws from here and never owns any of it. */

import { create } from 'zustand';
import { emptyGraph } from './document';
import * as history from './history';
import type { Graph, GraphNode, NodeId } from './types';

interface GraphStore {
	readonly graph: Graph;
	readonly history: history.History;
	/** One undo step; calls with the same key in quick succession share one. */
	readonly edit: (change: (graph: Graph) => Graph, key?: string) => void;
	/** A change that is no step of its own, such as placing nodes by their measured sizes. */
	readonly adjust: (change: (graph: Graph) => Graph) => void;
	readonly undo: () => void;
	readonly redo: () => void;
}

export const useGraph = create<GraphStore>()((set, get) => ({
	graph: emptyGraph(),
	history: history.NO_HISTORY,
	edit: (change, key = '') => {
		const before = get().graph;
		const graph = change(before);
		if (graph !== before) {
			set({ graph, history: history.record(get().history, before, key, Date.now()) });
		}
	},
	adjust: (change) => set({ graph: change(get().graph) }),
	undo: () => set(history.undo(get().history, get().graph) ?? {}),
	redo: () => set(history.redo(get().history, get().graph) ?? {}),
}));

export function currentGraph(): Graph {
	return useGraph.getState().graph;
}

export function editGraph(change: (graph: Graph) => Graph, key = ''): void {
	useGraph.getState().edit(change, key);
}

export function useNode(id: NodeId): GraphNode | undefined {
	return useGraph((state) => state.graph.nodes[id]);
}
