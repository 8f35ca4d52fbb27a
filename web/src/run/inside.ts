/**
 * Runs and subgraphs. A node inside of a subgraph runs by the ids of the instances it is in and its own, joined by
 * colons; an instance on the canvas shows what became of all that is in it.
 */

import { useShallow } from 'zustand/react/shallow';
import type { Why } from '../api/jobreader';
import type { Doc } from '../graph/doc';
import { useGraph, type Entered } from '../graph/store';
import { definitionOf } from '../graph/subgraphs';
import { nodeOf, type Graph, type GraphNode, type NodeId } from '../graph/types';
import { useRun } from './store';
import { IDLE, NO_PROBLEMS, type Loading, type NodeResult, type NodeRun, type Problem, type RunState } from './types';

/** By which id a node of the graph on the canvas runs. */
export function runId(path: readonly Entered[], id: NodeId): NodeId {
	return [...path.map(({ instance }) => instance), id].join(':');
}

/** The way to a node that runs by this id, and its id in the graph at the end; null if it is in no graph of the document. */
export function locate(doc: Doc, id: NodeId): { readonly path: readonly Entered[]; readonly node: GraphNode } | null {
	const search = (graph: Graph, path: readonly Entered[], rest: string): ReturnType<typeof locate> => {
		const whole = nodeOf(graph, rest);
		if (whole !== undefined) {
			return { path, node: whole };
		}
		// Ids may have colons themselves, so each beginning is tried.
		for (let at = rest.indexOf(':'); at !== -1; at = rest.indexOf(':', at + 1)) {
			const instance = nodeOf(graph, rest.slice(0, at));
			const scope = instance === undefined ? null : definitionOf(instance.kind);
			const inner = scope === null ? undefined : doc.subgraphs[scope];
			if (instance !== undefined && scope !== null && inner !== undefined) {
				const found = search(inner, [...path, { scope, instance: instance.id }], rest.slice(at + 1));
				if (found !== null) {
					return found;
				}
			}
		}
		return null;
	};
	return search(doc.root, [], id);
}

/** The document as events are told apart by. */
export function canvasOf(doc: Doc): { readonly session: number; readonly has: (id: NodeId) => boolean } {
	return { session: doc.root.session, has: (id) => locate(doc, id) !== null };
}

/** All nodes that run for one on the canvas: itself, or all that is in an instance. */
export function runIds(doc: Doc, node: GraphNode, id: NodeId): readonly NodeId[] {
	const inside = (one: GraphNode, by: NodeId, above: readonly string[]): NodeId[] => {
		const scope = definitionOf(one.kind);
		const graph = scope === null || above.includes(scope) ? undefined : doc.subgraphs[scope];
		if (scope === null || graph === undefined) {
			return [by];
		}
		return Object.values(graph.nodes).flatMap((inner) => inside(inner, `${by}:${inner.id}`, [...above, scope]));
	};
	return inside(node, id, []);
}

/** How a node, or all that is in an instance, is getting on. */
export function useNodeRun(id: NodeId): NodeRun {
	const ids = useRunIds(id);
	return useRun(useShallow((state) => together(ids.map((one) => state.nodes[one] ?? IDLE))));
}

export function useNodeProblems(id: NodeId): readonly Problem[] {
	const by = useRunId(id);
	const ids = useRunIds(id);
	return useRun(
		useShallow((state) => {
			const all = new Set([by, ...ids]);
			const found = [...all].flatMap((one) => state.problems[one] ?? NO_PROBLEMS);
			return found.length === 0 ? NO_PROBLEMS : found;
		}),
	);
}

/** What a node showed; of an instance, what the last node in it that showed something did. */
export function useNodeResult(id: NodeId): NodeResult | undefined {
	return useOf(id, ({ results }) => results);
}

export function useNodePreview(id: NodeId): string | undefined {
	return useOf(id, ({ previews }) => previews);
}

/** The model that a node, or one in an instance, waits for. */
export function useNodeLoading(id: NodeId): Loading | undefined {
	return useOf(id, ({ loads }) => loads);
}

/** Why a node ran or did not; of an instance, of all that is in it the last that is told. */
export function useNodeWhy(id: NodeId): Why | undefined {
	return useOf(id, ({ whys }) => whys);
}

export function useRunId(id: NodeId): NodeId {
	return useGraph(({ path }) => runId(path, id));
}

/** Several nodes as one: it runs while one of them does, and is done when all are. */
export function together(runs: readonly NodeRun[]): NodeRun {
	const [only] = runs;
	if (runs.length <= 1 || only === undefined) {
		return only ?? IDLE;
	}
	const of = (state: NodeRun['state']): readonly NodeRun[] => runs.filter((run) => run.state === state);
	const failed = of('error')[0];
	const running = of('running')[0];
	const over = runs.filter(({ state }) => state === 'done' || state === 'cached');
	const startedAt = Math.min(...runs.filter((run) => run.startedAt > 0).map((run) => run.startedAt));
	const started = Number.isFinite(startedAt) ? startedAt : 0;
	if (failed !== undefined) {
		return failed;
	}
	if (running !== undefined) {
		return { ...running, startedAt: started };
	}
	if (over.length === 0) {
		return of('queued')[0] ?? IDLE;
	}
	// Muted nodes and those behind a switch never run.
	if (over.length < runs.length && of('queued').length > 0) {
		return { state: 'running', value: over.length, max: runs.length, startedAt: started, endedAt: 0 };
	}
	const endedAt = Math.max(...over.map((run) => run.endedAt));
	const state = over.every((run) => run.state === 'cached') ? 'cached' : 'done';
	return { state, value: 0, max: 0, startedAt: started, endedAt };
}

function useRunIds(id: NodeId): readonly NodeId[] {
	return useGraph(
		useShallow(({ doc, graph, path }) => {
			const node = nodeOf(graph, id);
			const by = runId(path, id);
			return node === undefined ? [by] : runIds(doc, node, by);
		}),
	);
}

function useOf<T>(id: NodeId, table: (state: RunState) => { readonly [id: NodeId]: T }): T | undefined {
	const ids = useRunIds(id);
	return useRun((state) => {
		const last = ids.findLast((one) => table(state)[one] !== undefined);
		return last === undefined ? undefined : table(state)[last];
	});
}
