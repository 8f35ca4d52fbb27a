/**
 * The log of edits. An operation holds what it changed, before and after, so it can be taken back and done again; the
 * values are immutable and shared with the graphs, so the log may grow as long as somebody works.
 */

import { ROOT, type Doc, type Scope } from './doc';
import type { Graph, GraphNode, NodeId } from './types';

/** Edits of one key that follow each other within this time are one operation, such as typing into one field. */
const COALESCE_MS = 1200;

type Field = Exclude<keyof Graph, 'nodes' | 'session'>;

/** `before` and `after` are undefined where the thing is not there. */
export type Change =
	| {
			readonly of: 'node';
			readonly scope: Scope;
			readonly id: NodeId;
			/** Its place among the nodes, for one that comes or goes. */
			readonly index: number;
			readonly before: GraphNode | undefined;
			readonly after: GraphNode | undefined;
	  }
	| { readonly of: 'field'; readonly scope: Scope; readonly field: Field; readonly before: unknown; readonly after: unknown }
	| {
			readonly of: 'subgraph';
			readonly scope: Scope;
			/** Its place among the definitions. */
			readonly index: number;
			readonly before: Graph | undefined;
			readonly after: Graph | undefined;
	  };

export interface Operation {
	readonly at: number;
	readonly key: string;
	/** The scope that was on the canvas. */
	readonly scope: Scope;
	readonly changes: readonly Change[];
}

export interface Log {
	readonly operations: readonly Operation[];
	/** How many of them are done; those behind are undone, and forgotten by the next edit. */
	readonly done: number;
}

export const NO_LOG: Log = { operations: [], done: 0 };

export interface Moved {
	readonly log: Log;
	readonly doc: Doc;
	readonly operation: Operation;
}

/** The same log if nothing differs: such an edit forgets nothing that was undone. */
export function record(log: Log, before: Doc, after: Doc, { key, scope, at }: Omit<Operation, 'changes'>): Log {
	const own = differences(before, after);
	if (own.length === 0) {
		return log;
	}
	const last = log.operations[log.done - 1];
	const joins = last !== undefined && key !== '' && key === last.key && scope === last.scope && at - last.at < COALESCE_MS;
	const kept = log.operations.slice(0, joins ? log.done - 1 : log.done);
	const changes = joins ? differences(turned(before, last, 'before'), after) : own;
	return changes.length === 0
		? { operations: kept, done: kept.length }
		: { operations: [...kept, { at, key, scope, changes }], done: kept.length + 1 };
}

export function undo(log: Log, doc: Doc): Moved | null {
	const operation = log.operations[log.done - 1];
	return operation === undefined
		? null
		: { operation, doc: turned(doc, operation, 'before'), log: { ...log, done: log.done - 1 } };
}

export function redo(log: Log, doc: Doc): Moved | null {
	const operation = log.operations[log.done];
	return operation === undefined
		? null
		: { operation, doc: turned(doc, operation, 'after'), log: { ...log, done: log.done + 1 } };
}

/** What differs between two documents; what is the same object in both is not looked into. */
export function differences(before: Doc, after: Doc): Change[] {
	const changes = graphDifferences(ROOT, before.root, after.root);
	for (const scope of new Set([...Object.keys(before.subgraphs), ...Object.keys(after.subgraphs)])) {
		const old = before.subgraphs[scope];
		const next = after.subgraphs[scope];
		if (old === undefined || next === undefined) {
			const index = Object.keys(old === undefined ? after.subgraphs : before.subgraphs).indexOf(scope);
			changes.push({ of: 'subgraph', scope, index, before: old, after: next });
		} else {
			changes.push(...graphDifferences(scope, old, next));
		}
	}
	return changes;
}

function graphDifferences(scope: Scope, before: Graph, after: Graph): Change[] {
	if (before === after) {
		return [];
	}
	const changes: Change[] = [];
	for (const field of FIELDS) {
		if (before[field] !== after[field]) {
			changes.push({ of: 'field', scope, field, before: before[field], after: after[field] });
		}
	}
	if (before.nodes !== after.nodes) {
		const gone = Object.keys(before.nodes).filter((id) => after.nodes[id] === undefined);
		const places = new Map(Object.keys(before.nodes).map((id, index) => [id, index]));
		for (const id of gone) {
			changes.push({ of: 'node', scope, id, index: places.get(id) ?? 0, before: before.nodes[id], after: undefined });
		}
		Object.values(after.nodes).forEach((node, index) => {
			const old = before.nodes[node.id];
			if (old !== node) {
				changes.push({ of: 'node', scope, id: node.id, index, before: old, after: node });
			}
		});
	}
	return changes;
}

const EVERY: Readonly<Record<Field, true>> = {
	guessed: true,
	title: true,
	description: true,
	frames: true,
	notes: true,
	reroutes: true,
	inputs: true,
	outputs: true,
	layout: true,
	extra: true,
};
const FIELDS = Object.keys(EVERY) as Field[];

function turned(doc: Doc, operation: Operation, side: 'before' | 'after'): Doc {
	const byScope = new Map<Scope, Change[]>();
	for (const change of operation.changes) {
		byScope.set(change.scope, [...(byScope.get(change.scope) ?? []), change]);
	}
	let { root } = doc;
	const subgraphs = { ...doc.subgraphs };
	const come: [number, Scope, Graph][] = [];
	for (const [scope, changes] of byScope) {
		const whole = changes.find((change) => change.of === 'subgraph');
		if (whole !== undefined) {
			const graph = whole[side];
			if (graph === undefined) {
				delete subgraphs[scope];
			} else {
				come.push([whole.index, scope, graph]);
			}
			continue;
		}
		const graph = scope === ROOT ? root : subgraphs[scope];
		if (graph === undefined) {
			continue;
		}
		const next = turnedGraph(graph, changes, side);
		if (scope === ROOT) {
			root = next;
		} else {
			subgraphs[scope] = next;
		}
	}
	const definitions = Object.entries(subgraphs);
	// From the first place to the last, as with nodes.
	for (const [index, scope, graph] of come.sort(([a], [b]) => a - b)) {
		definitions.splice(index, 0, [scope, graph]);
	}
	return { root, subgraphs: Object.fromEntries(definitions) };
}

function turnedGraph(graph: Graph, changes: readonly Change[], side: 'before' | 'after'): Graph {
	const fields: Record<string, unknown> = {};
	const put = new Map<NodeId, GraphNode>();
	const gone = new Set<NodeId>();
	const come: { readonly index: number; readonly node: GraphNode }[] = [];
	for (const change of changes) {
		if (change.of === 'field') {
			fields[change.field] = change[side];
		} else if (change.of === 'node') {
			const node = change[side];
			if (node === undefined) {
				gone.add(change.id);
			} else if (graph.nodes[change.id] === undefined) {
				come.push({ index: change.index, node });
			} else {
				put.set(change.id, node);
			}
		}
	}
	if (put.size + gone.size + come.length === 0) {
		return { ...graph, ...fields };
	}
	const nodes = Object.values(graph.nodes)
		.filter(({ id }) => !gone.has(id))
		.map((node) => put.get(node.id) ?? node);
	// From the first place to the last, each is where it was once those before it are there.
	for (const { index, node } of come.sort((a, b) => a.index - b.index)) {
		nodes.splice(index, 0, node);
	}
	return { ...graph, ...fields, nodes: Object.fromEntries(nodes.map((node) => [node.id, node])) };
}
