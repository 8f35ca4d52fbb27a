/** The state of runs, kept apart from the graph: a progress tick must not look like an edit. */

import { create } from 'zustand';
import type { Finding } from '../api/types';
import type { NodeId } from '../graph/types';
import { INITIAL_RUN, type Problem, type RunState } from './types';

export const useRun = create<RunState>()(() => INITIAL_RUN);

export function clearProblems(): void {
	useRun.setState({ problems: {}, failure: null });
}

/** An edited input is given the benefit of the doubt until the next run. */
export function forgiveInput(id: NodeId, input: string): void {
	const { problems } = useRun.getState();
	const mine = problems[id];
	if (mine === undefined) {
		return;
	}
	const left = mine.filter((problem) => problem.input !== input && problem.source === 'validation');
	if (left.length === mine.length) {
		return;
	}
	const { [id]: _gone, ...others } = problems;
	useRun.setState({ problems: left.length === 0 ? others : { ...others, [id]: left } });
}

export function addProblems(entries: Iterable<readonly [NodeId, readonly Problem[]]>): void {
	useRun.setState({ problems: { ...useRun.getState().problems, ...Object.fromEntries(entries) } });
}

/** Puts what a check found in the place of what the last one did. What a run told of the same input stands for both. */
export function showFindings(findings: readonly Finding[]): void {
	const next: { [id: NodeId]: readonly Problem[] } = {};
	for (const [id, known] of Object.entries(useRun.getState().problems)) {
		const told = known.filter((problem) => problem.source !== 'check');
		if (told.length > 0) {
			next[id] = told;
		}
	}
	for (const { node, input, message } of findings) {
		const known = node === null ? [] : (next[node] ?? []);
		if (node !== null && !known.some((problem) => problem.input === input)) {
			next[node] = [...known, { source: 'check', message, details: '', input }];
		}
	}
	useRun.setState({ problems: next });
}
