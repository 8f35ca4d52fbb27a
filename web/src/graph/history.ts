/** Undo and redo as whole graphs: they are immutable, so what did not change is shared. */

import type { Graph } from './types';

const DEPTH = 200;
const COALESCE_MS = 1200;

export interface History {
	readonly past: readonly Graph[];
	readonly future: readonly Graph[];
	/** What the last change was, so that typing into one field stays one step. */
	readonly key: string;
	readonly at: number;
}

export const NO_HISTORY: History = { past: [], future: [], key: '', at: 0 };

export function record(history: History, before: Graph, key: string, now: number): History {
	const same = key !== '' && key === history.key && now - history.at < COALESCE_MS && history.past.length > 0;
	return { past: same ? history.past : [...history.past, before].slice(-DEPTH), future: [], key, at: now };
}

export function undo(history: History, present: Graph): { history: History; graph: Graph } | null {
	const graph = history.past.at(-1);
	if (graph === undefined) {
		return null;
	}
	return { graph, history: { past: history.past.slice(0, -1), future: [...history.future, present], key: '', at: 0 } };
}

export function redo(history: History, present: Graph): { history: History; graph: Graph } | null {
	const graph = history.future.at(-1);
	if (graph === undefined) {
		return null;
	}
	return { graph, history: { past: [...history.past, present], future: history.future.slice(0, -1), key: '', at: 0 } };
}
