/** Joins the server's events to the run state. */

import { clientId, openSocket } from '../api/socket';
import type { Event, Preview } from '../api/types';
import { currentDoc } from '../graph/store';
import { showToast } from '../panels/toasts';
import { applyEvent } from './events';
import { startBatch } from './batch';
import { noteClient } from './clients';
import { canvasOf } from './inside';
import { droppedPreviews } from './pages';
import { recover } from './recover';
import { useRun } from './store';
import type { Job } from './types';
import { t } from '../i18n/i18n';

const SETTLE_MS = 1500;
const hearers = new Set<(event: Event) => void>();
const endHearers = new Set<(end: End) => void>();

/** The end of a job; of one that this page knows, what it knew. */
export interface End {
	readonly event: Extract<Event, { type: 'execution_success' | 'execution_error' | 'execution_interrupted' }>;
	readonly job: Job | undefined;
}

let id = '';

export function ownClientId(): string {
	if (id === '') {
		id = clientId();
		noteClient(id);
	}
	return id;
}

/** Tell somebody of every event of the server, after the editor has it. Returns the way to stop. */
export function hearEvents(hear: (event: Event) => void): () => void {
	hearers.add(hear);
	return () => hearers.delete(hear);
}

/** Tell somebody of every end of a job of this page, after the editor has it. Returns the way to stop. */
export function hearEnds(hear: (end: End) => void): () => void {
	endHearers.add(hear);
	return () => endHearers.delete(hear);
}

/** Returns the way to stop. */
export function startClient(): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const batch = startBatch<Event>((events) => {
		const canvas = canvasOf(currentDoc());
		const now = Date.now();
		const ends = events.flatMap(endOf);
		useRun.setState((state) => events.reduce((next, event) => applyEvent(next, event, canvas, now), state));
		for (const hear of hearers) {
			events.forEach(hear);
		}
		for (const hear of endHearers) {
			ends.forEach(hear);
		}
	}, isTick);
	const close = openSocket(ownClientId(), {
		onConnection: (connection) => useRun.setState({ connection }),
		onOpen: () => void recover(ownClientId()),
		onEvent: (event) => {
			batch.add(event);
			if (event.type === 'execution_interrupted') {
				showToast('info', t('run.interrupted'));
			}
			// Jobs that somebody else took off the queue never report back.
			if (event.type === 'status' && event.remaining === 0 && Object.keys(useRun.getState().jobs).length > 0) {
				clearTimeout(timer);
				timer = setTimeout(() => void recover(ownClientId()), SETTLE_MS);
			}
		},
		onPreview: (preview) => {
			batch.flush();
			showPreview(preview);
		},
	});
	const stopCleaning = useRun.subscribe((state, before) => {
		for (const address of droppedPreviews(before, state)) {
			URL.revokeObjectURL(address);
		}
	});
	return () => {
		clearTimeout(timer);
		batch.flush();
		stopCleaning();
		close();
	};
}

/** Looked at before the events are applied: a job that is over is forgotten. */
function endOf(event: Event): End[] {
	switch (event.type) {
		case 'execution_success':
		case 'execution_error':
		case 'execution_interrupted':
			return [{ event, job: useRun.getState().jobs[event.promptId] }];
		default:
			return [];
	}
}

function isTick({ type }: Event): boolean {
	return type === 'progress' || type === 'progress_state' || type === 'job_progress';
}

function showPreview(preview: Preview): void {
	const { current, jobs, nodes, previews } = useRun.getState();
	const job = jobs[preview.promptId ?? current ?? ''];
	const node = preview.node ?? Object.keys(nodes).find((candidate) => nodes[candidate]?.state === 'running');
	if (job?.session === currentDoc().root.session && node !== undefined) {
		useRun.setState({ previews: { ...previews, [node]: URL.createObjectURL(preview.image) } });
	}
}
