/** Event of the server + state of the run → next state. Pure; the socket and the clock are the caller's. */

import type { Event, NodeOutput } from '../api/types';
import type { NodeId } from '../graph/types';
import { onPage } from './pages';
import { IDLE, type Job, type NodeRun, type NodeState, type RunState, type Shot } from './types';
import { t } from '../i18n/i18n';

const SHOTS_KEPT = 200;
type Nodes = RunState['nodes'];

/** What a run needs to know of the document on the canvas: which it is, and which nodes are in it, at any depth. */
interface Canvas {
	readonly session: number;
	readonly has: (id: NodeId) => boolean;
}

/** Jobs of a document in another tab write on that one's page; those of a document that is closed fill the results only. */
export function applyEvent(state: RunState, event: Event, canvas: Canvas, now: number): RunState {
	const job = event.type === 'status' ? undefined : jobOf(state, event.promptId ?? state.current);
	if (job === undefined || job.session === canvas.session || state.away[job.session] === undefined) {
		return applied(state, event, canvas, now);
	}
	const there = onPage(state, canvas.session, job.session);
	const ids = new Set(job.nodes);
	const has = (id: NodeId): boolean => ids.has(id);
	return onPage(applied(there, event, { session: job.session, has }, now), job.session, canvas.session);
}

function applied(state: RunState, event: Event, canvas: Canvas, now: number): RunState {
	if (event.type === 'status') {
		return { ...state, remaining: event.remaining, turns: state.turns + 1 };
	}
	if (event.type === 'executing' && event.node === null) {
		const ended = event.promptId === null || event.promptId === state.current;
		return ended ? { ...state, current: null, progress: null } : state;
	}
	const job = jobOf(state, event.promptId ?? state.current);
	const visible = job !== undefined && job.session === canvas.session;
	switch (event.type) {
		case 'execution_start':
			return start(state, event.promptId, visible ? job : undefined);
		case 'execution_cached':
			return visible ? { ...state, nodes: mark(state.nodes, event.nodes, 'cached', now) } : state;
		case 'executing':
			return visible && event.node !== null ? { ...state, nodes: run(state.nodes, event.node, now) } : state;
		case 'progress':
			// A node that came in by an expansion is not on the canvas; its progress is told with that of the node shown.
			return visible && canvas.has(event.node)
				? { ...state, nodes: advance(state.nodes, event.node, event.value, event.max, now) }
				: state;
		case 'progress_state':
			return visible ? { ...state, nodes: applyProgress(state.nodes, event.nodes, now) } : state;
		case 'job_progress':
			return event.promptId === state.current
				? { ...state, progress: { fraction: event.fraction, secondsLeft: event.secondsLeft } }
				: state;
		case 'model_loading':
			return visible ? { ...state, loads: applyLoading(state.loads, event) } : state;
		case 'executed':
			return addOutput(state, event.promptId, event.node, event.output, visible, job?.title ?? '', now);
		case 'execution_success':
			return finish(state, event.promptId, visible, now);
		case 'execution_interrupted':
			return stop(state, event.promptId, visible);
		case 'execution_error':
			return fail(state, event, canvas, visible, now);
	}
}

export function addOutput(
	state: RunState,
	promptId: string,
	node: NodeId,
	output: NodeOutput,
	visible: boolean,
	title: string,
	now: number,
	own = true,
): RunState {
	const shots = output.pictures.map((picture): Shot => {
		const key = `${picture.type}/${picture.subfolder}/${picture.filename}`;
		return { key, picture, version: promptId, title, at: now, own };
	});
	const fresh = new Set(shots.map((shot) => shot.key));
	const known = new Set(state.shots.map((shot) => shot.key));
	const next = {
		...state,
		// A picture served from the cache stays where it is; a file written anew under an old name comes first again.
		shots: shots.every((shot) => known.has(shot.key) && shot.picture.type === 'output')
			? state.shots
			: [...shots, ...state.shots.filter((shot) => !fresh.has(shot.key))].slice(0, SHOTS_KEPT),
	};
	if (!visible || (output.pictures.length === 0 && output.texts.length === 0)) {
		return next;
	}
	return { ...next, results: { ...next.results, [node]: { ...output, version: promptId } } };
}

export function markQueued(nodes: Nodes, ids: readonly NodeId[]): Nodes {
	return { ...nodes, ...Object.fromEntries(ids.map((id) => [id, { ...IDLE, state: 'queued' as const }])) };
}

function jobOf(state: RunState, id: string | null): Job | undefined {
	return id !== null && Object.hasOwn(state.jobs, id) ? state.jobs[id] : undefined;
}

function start(state: RunState, id: string, job: Job | undefined): RunState {
	if (job === undefined) {
		return { ...state, current: id, progress: null };
	}
	const jobs = { ...state.jobs, [id]: { ...job, started: true } };
	return { ...state, jobs, current: id, progress: null, nodes: markQueued({}, job.nodes), previews: {}, loads: {}, whys: {} };
}

function mark(nodes: Nodes, ids: readonly NodeId[], to: NodeState, now: number): Nodes {
	const next = { ...nodes };
	for (const id of ids) {
		next[id] = { ...IDLE, state: to, endedAt: now };
	}
	return next;
}

/** Others may run beside it; the progress of each tells when it ends. */
function run(nodes: Nodes, id: NodeId, now: number): Nodes {
	return nodes[id]?.state === 'running' ? nodes : { ...nodes, [id]: { ...IDLE, state: 'running', startedAt: now } };
}

function advance(nodes: Nodes, id: NodeId, value: number, max: number, now: number): Nodes {
	const before = nodes[id] ?? IDLE;
	const startedAt = before.state === 'running' ? before.startedAt : now;
	return { ...nodes, [id]: { state: 'running', value, max, startedAt, endedAt: 0 } };
}

function applyProgress(
	nodes: Nodes,
	entries: readonly { node: NodeId; state: string; value: number; max: number }[],
	now: number,
): Nodes {
	let next = nodes;
	for (const entry of entries) {
		const before = next[entry.node] ?? IDLE;
		if (entry.state === 'running') {
			if (before.state !== 'running' || before.value !== entry.value || before.max !== entry.max) {
				next = advance(next, entry.node, entry.value, entry.max, now);
			}
		} else if (
			entry.state === 'finished' &&
			before.state !== 'cached' &&
			before.state !== 'done' &&
			before.state !== 'error'
		) {
			next = { ...next, [entry.node]: { ...before, state: 'done', value: entry.value, max: entry.max, endedAt: now } };
		}
	}
	return next;
}

function applyLoading(loads: RunState['loads'], event: Extract<Event, { type: 'model_loading' }>): RunState['loads'] {
	if (event.loading) {
		const { model, phase, fraction } = event;
		return { ...loads, [event.node]: { model, phase, fraction } };
	}
	const { [event.node]: _over, ...others } = loads;
	return others;
}

function withoutJob(state: RunState, id: string): RunState {
	const { [id]: _gone, ...jobs } = state.jobs;
	return state.current === id ? { ...state, jobs, current: null, progress: null } : { ...state, jobs };
}

function settle(nodes: Nodes, change: (node: NodeRun) => NodeRun): Nodes {
	return Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, change(node)]));
}

function finish(state: RunState, id: string, visible: boolean, now: number): RunState {
	const next = withoutJob(state, id);
	if (!visible) {
		return next;
	}
	const nodes = settle(state.nodes, (node) => {
		if (node.state === 'running') {
			return { ...node, state: 'done', endedAt: now };
		}
		return node.state === 'queued' ? IDLE : node;
	});
	return { ...next, nodes, previews: {}, loads: {} };
}

function stop(state: RunState, id: string, visible: boolean): RunState {
	const next = withoutJob(state, id);
	const nodes = settle(state.nodes, (node) => (node.state === 'running' || node.state === 'queued' ? IDLE : node));
	return visible ? { ...next, nodes, previews: {}, loads: {} } : next;
}

function fail(
	state: RunState,
	event: Extract<Event, { type: 'execution_error' }>,
	canvas: Canvas,
	visible: boolean,
	now: number,
): RunState {
	const message = event.message || event.exception || t('run.noReason');
	// A blocked branch is reported like a failure, but the rest of the job goes on.
	const blocked = event.exception === 'ExecutionBlocked';
	const next = blocked ? state : stop(state, event.promptId, visible);
	// The worker may die between two nodes, and a node may have been deleted since it was queued.
	if (!visible || !canvas.has(event.node)) {
		const title = blocked ? t('run.part') : visible
				? t('run.failed')
				: t('run.otherFailed');
		return { ...next, failure: { message: title, details: message } };
	}
	const problem = {
		source: 'execution' as const,
		message,
		details: [event.exception, event.traceback].filter(Boolean).join('\n'),
		input: null,
	};
	const startedAt = state.nodes[event.node]?.startedAt ?? 0;
	return {
		...next,
		nodes: { ...next.nodes, [event.node]: { ...IDLE, state: 'error', startedAt, endedAt: now } },
		problems: { ...next.problems, [event.node]: [problem] },
	};
}
