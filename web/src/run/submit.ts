/** Queue and interrupt. */

import { interrupt, ServerError, submitJob, type JobOptions } from '../api/http';
import { submitForm, type FormRun } from '../api/jobs';
import type { Reason, Submitted } from '../api/types';
import { showToast } from '../panels/toasts';
import { eachGraph, type Doc, type Scope } from '../graph/doc';
import { currentKinds } from '../graph/kinds';
import { toRequest } from '../graph/request';
import { advanceSeeds } from '../graph/seeds';
import { currentDoc, editDoc } from '../graph/store';
import { upstream } from '../graph/links';
import type { Kinds, NodeId } from '../graph/types';
import type { Json } from '../json';
import { ownClientId } from './client';
import { markQueued } from './events';
import { locate, runIds } from './inside';
import { addProblems, clearProblems, useRun } from './store';
import type { Job, Problem } from './types';
import { t } from '../i18n/i18n';

const queuedValues = new Map<string, Json>();

/** What of a job a person may choose. */
export type RunOptions = Pick<JobOptions, 'front' | 'targets'>;

export async function queueRuns(count: number, options: RunOptions = {}): Promise<void> {
	for (let run = 0; run < count; run += 1) {
		if (!(await queueRun(options))) {
			return;
		}
	}
}

export async function interruptRun(): Promise<void> {
	const { current, jobs } = useRun.getState();
	const job = current ?? Object.values(jobs).find((candidate) => candidate.started)?.id;
	if (job !== undefined) {
		await tell(() => interrupt(job));
	}
}

/** Runs a request whose failure is worth a toast and nothing more. */
export async function tell(action: () => Promise<void>): Promise<boolean> {
	try {
		await action();
		return true;
	} catch (error) {
		if (!(error instanceof ServerError)) {
			throw error;
		}
		showToast('error', error.message);
		return false;
	}
}

async function queueRun(options: RunOptions): Promise<boolean> {
	const kinds = currentKinds();
	editDoc((before) => advancedSeeds(before, kinds), 'seeds');
	const doc = currentDoc();
	if (Object.keys(doc.root.nodes).length === 0) {
		showToast('info', t('run.nothing'));
		return false;
	}
	noteValues(doc);
	clearProblems();
	const job: Job = {
		id: promptId(),
		session: doc.root.session,
		title: doc.root.title,
		nodes: neededNodes(doc, kinds, options.targets),
		started: false,
		accepted: false,
	};
	register(job);
	let answer: Submitted;
	try {
		answer = await submitJob(toRequest(doc, kinds), { ...options, id: job.id, client: ownClientId() });
	} catch (error) {
		forget(job);
		if (!(error instanceof ServerError)) {
			throw error;
		}
		showToast('error', t('run.notQueued', { reason: error.message }));
		return false;
	}
	accept(job, answer);
	report(answer);
	return answer.promptId !== null;
}

/** Queues a workflow with values for its named inputs; gives the job's id, or null if it was refused. */
export async function queueForm(run: Omit<FormRun, 'id' | 'client'>, title: string): Promise<string | null> {
	const id = promptId();
	// It belongs to no document: a sweep has nodes that are on no canvas.
	const job: Job = { id, session: 0, title, nodes: [], started: false, accepted: false };
	register(job);
	const taken = await tell(async () => void (await submitForm({ ...run, id, client: ownClientId() })));
	if (!taken) {
		forget(job);
		return null;
	}
	accept(job, { promptId: id, refusal: null, problems: new Map() });
	return id;
}

/** Known before the request is sent, since the events of a short job can overtake the answer. */
function register(job: Job): void {
	useRun.setState((state) => {
		const idle = Object.keys(state.jobs).length === 0;
		const marks = idle && job.nodes.length > 0;
		return { jobs: { ...state.jobs, [job.id]: job }, nodes: marks ? markQueued({}, job.nodes) : state.nodes };
	});
}

function forget(job: Job): void {
	useRun.setState((state) => {
		const { [job.id]: _gone, ...jobs } = state.jobs;
		return { jobs, nodes: Object.keys(jobs).length === 0 ? {} : state.nodes };
	});
}

function accept(job: Job, answer: Submitted): void {
	if (answer.promptId === null) {
		forget(job);
		return;
	}
	const id = answer.promptId;
	useRun.setState((state) => {
		const { [job.id]: known, ...others } = state.jobs;
		return known === undefined ? state : { jobs: { ...others, [id]: { ...known, id, accepted: true } } };
	});
}

function report({ refusal, problems }: Submitted): void {
	const entries = new Map([...problems].map(([id, reasons]) => [id, reasons.map(toProblem)]));
	addProblems(entries);
	if (refusal !== null && entries.size === 0) {
		useRun.setState({
			failure: { message: refusal.message || t('run.refused'), details: refusal.details },
		});
	}
}

function toProblem(reason: Reason): Problem {
	return { source: 'validation', message: reason.message, details: reason.details, input: reason.input };
}

/** What a run touches: the sinks, or those that were chosen, and all they need. */
function neededNodes(doc: Doc, kinds: Kinds, targets?: readonly NodeId[]): NodeId[] {
	const graph = doc.root;
	const ends =
		targets ??
		Object.values(graph.nodes)
			.filter((node) => kinds.get(node.kind)?.isSink === true)
			.map(({ id }) => id);
	// What is in an instance needs what the instance is given.
	const roots = ends.map((id) => locate(doc, id)?.path[0]?.instance ?? id);
	const needed = new Set(roots.flatMap((id) => [...upstream(graph, id)]));
	return [...needed].flatMap((id) => {
		const node = graph.nodes[id];
		return node === undefined ? [] : runIds(doc, node, id);
	});
}

/** The seeds that change between runs, in subgraphs too. A document without such seeds stays the same object. */
function advancedSeeds(doc: Doc, kinds: Kinds): Doc {
	return eachGraph(doc, (graph, scope) =>
		advanceSeeds(graph, kinds, (id, input, value) => queuedValues.get(valueKey(scope, id, input)) === value),
	);
}

function noteValues(doc: Doc): void {
	eachGraph(doc, (graph, scope) => {
		for (const node of Object.values(graph.nodes)) {
			for (const [input, value] of Object.entries(node.inputs)) {
				if ('constant' in value) {
					queuedValues.set(valueKey(scope, node.id, input), value.constant);
				}
			}
		}
		return graph;
	});
}

function valueKey(scope: Scope, id: NodeId, input: string): string {
	return `${scope}/${id}/${input}`;
}

/** A version 4 UUID; `crypto.randomUUID` is missing on plain-http pages other than localhost. */
function promptId(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
	bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
	const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
