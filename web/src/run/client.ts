/** Joins the server's events to the run state. */

import { clientId, openSocket } from '../api/socket';
import type { Event, Preview } from '../api/types';
import { currentDoc } from '../graph/store';
import { showToast } from '../panels/toasts';
import { applyEvent } from './events';
import { startBatch } from './batch';
import { canvasOf } from './inside';
import { recover } from './recover';
import { useRun } from './store';
import { t } from '../i18n/i18n';

const SETTLE_MS = 1500;
const hearers = new Set<(event: Event) => void>();

let id = '';

export function ownClientId(): string {
	id ||= clientId();
	return id;
}

/** Tell somebody of every event of the server, after the editor has it. Returns the way to stop. */
export function hearEvents(hear: (event: Event) => void): () => void {
	hearers.add(hear);
	return () => hearers.delete(hear);
}

/** Returns the way to stop. */
export function startClient(): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const batch = startBatch<Event>((events) => {
		const canvas = canvasOf(currentDoc());
		const now = Date.now();
		useRun.setState((state) => events.reduce((next, event) => applyEvent(next, event, canvas, now), state));
		for (const hear of hearers) {
			events.forEach(hear);
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
		for (const [node, address] of Object.entries(before.previews)) {
			if (state.previews[node] !== address) {
				URL.revokeObjectURL(address);
			}
		}
	});
	return () => {
		clearTimeout(timer);
		batch.flush();
		stopCleaning();
		close();
	};
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
