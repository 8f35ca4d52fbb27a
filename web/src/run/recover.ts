/** After a dropped connection or a reload: what became of our jobs, and the pictures of earlier ones. */

import { fetchHistory, fetchJob, fetchQueue, ServerError } from '../api/http';
import type { HistoryEntry, QueueItem } from '../api/types';
import { isObject } from '../json';
import { currentDoc } from '../graph/store';
import type { Doc } from '../graph/doc';
import { canvasOf, locate } from './inside';
import { addOutput, applyEvent, markQueued } from './events';
import { isOwnClient } from './clients';
import { useRun } from './store';
import type { Job, RunState } from './types';

const HISTORY_SHOWN = 40;

export async function recover(client: string): Promise<void> {
	try {
		const asked = Object.keys(useRun.getState().jobs);
		const queue = await fetchQueue();
		const mine = [...queue.running, ...queue.pending].filter(
			(item) => item.clientId === client || asked.includes(item.promptId),
		);
		const waiting = new Set(mine.map((item) => item.promptId));
		const ended = asked.filter((id) => !waiting.has(id));
		const entries = await Promise.all(ended.map(async (id) => [id, await fetchJob(id)] as const));
		useRun.setState((state) => {
			const settled = entries.reduce((next, [id, entry]) => settleJob(next, id, entry), state);
			return adopt(settled, mine, queue.running[0]?.promptId ?? null);
		});
	} catch (error) {
		// The socket's own state already tells that the server is away; the next opening tries again.
		if (!(error instanceof ServerError)) {
			throw error;
		}
	}
}

/** Fills the results panel and, after a reload, the nodes that this client's jobs were made by. */
export async function loadHistory(client: string): Promise<void> {
	const entries = await fetchHistory(HISTORY_SHOWN);
	useRun.setState((state) => entries.reduce((next, entry) => addEntry(next, entry, currentDoc(), client), state));
}

/** What other clients have made since: their pictures for the gallery. */
export async function loadOthers(): Promise<void> {
	const entries = (await fetchHistory(HISTORY_SHOWN)).filter((entry) => !isOwnClient(entry.clientId));
	useRun.setState((state) => entries.reduce((next, entry) => addEntry(next, entry, currentDoc(), ''), state));
}

function addEntry(state: RunState, entry: HistoryEntry, doc: Doc, client: string): RunState {
	let next = state;
	for (const [node, output] of entry.outputs) {
		const made = entry.prompt[node];
		const same = isObject(made) && locate(doc, node)?.node.kind === made.class_type && entry.title === doc.root.title;
		next = addOutput(
			next,
			entry.promptId,
			node,
			output,
			same && entry.clientId === client,
			entry.title,
			entry.finishedAt,
			isOwnClient(entry.clientId),
		);
	}
	return next;
}

function settleJob(state: RunState, id: string, entry: HistoryEntry | null): RunState {
	const canvas = canvasOf(currentDoc());
	if (entry === null) {
		// Neither queued nor remembered: it was taken off the queue, or has not arrived there yet.
		const job = state.jobs[id];
		return job === undefined || !job.accepted
			? state
			: applyEvent(state, { type: 'execution_interrupted', promptId: id, node: '' }, canvas, Date.now());
	}
	let next = state;
	for (const [node, output] of entry.outputs) {
		next = applyEvent(next, { type: 'executed', promptId: id, node, output }, canvas, Date.now());
	}
	const last = entry.messages.findLast((event) => event.type !== 'status');
	const end =
		last?.type === 'execution_error'
			? last
			: ({ type: entry.succeeded ? 'execution_success' : 'execution_interrupted', promptId: id, node: '' } as const);
	return applyEvent(next, end, canvas, Date.now());
}

/** Jobs that a reloaded page does not know any more, and which of them runs. */
function adopt(state: RunState, mine: readonly QueueItem[], running: string | null): RunState {
	const doc = currentDoc();
	const jobs: { [id: string]: Job } = { ...state.jobs };
	let { nodes } = state;
	for (const item of mine) {
		const ids = Object.keys(item.prompt);
		if (jobs[item.promptId] === undefined) {
			const same = item.title === doc.root.title && ids.every((id) => locate(doc, id) !== null);
			const session = same ? doc.root.session : 0;
			jobs[item.promptId] = {
				id: item.promptId,
				session,
				title: item.title,
				nodes: ids,
				started: false,
				accepted: true,
			};
			if (same) {
				const unmarked = ids.filter((id) => (nodes[id]?.state ?? 'idle') === 'idle');
				nodes = { ...nodes, ...markQueued({}, unmarked) };
			}
		}
	}
	return { ...state, jobs, nodes, current: running !== null && jobs[running] !== undefined ? running : state.current };
}
