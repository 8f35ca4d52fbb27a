/** Joins the server's events to the run state. */

import { clientId, openSocket } from '../api/socket';
import type { Event, Preview } from '../api/types';
import { currentDoc } from '../graph/store';
import { showToast } from '../panels/toasts';
import { applyEvent } from './events';
import { startBatch } from './batch';
import { noteClient } from './clients';
import { noteEnd } from './notify';
import { learnWhys } from './whys';
import { canvasOf } from './inside';
import { loadOthers, recover } from './recover';
import { useRun } from './store';
import { tell } from './submit';
import { usePrefs } from '../prefs';
import { t } from '../i18n/i18n';

const SETTLE_MS = 1500;
const hearers = new Set<(event: Event) => void>();
const ENDS: ReadonlySet<Event['type']> = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

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
			if (ENDS.has(event.type) && 'promptId' in event && event.promptId !== null) {
				const { promptId } = event;
				const job = useRun.getState().jobs[promptId];
				const session = job?.session ?? 0;
				noteEnd(event, job?.title ?? '');
				void learnWhys(promptId, session);
			}
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
	const stopFollowing = followOthers();
	return () => {
		clearTimeout(timer);
		batch.flush();
		stopFollowing();
		stopCleaning();
		close();
	};
}

/** While their pictures are wanted, asks for them whenever some job has ended. */
function followOthers(): () => void {
	const ask = (): void => void tell(loadOthers);
	const stops = [
		usePrefs.subscribe((prefs, before) => {
			if (prefs.others && !before.others) {
				ask();
			}
		}),
		useRun.subscribe((state, before) => {
			if (state.turns !== before.turns && usePrefs.getState().others) {
				ask();
			}
		}),
	];
	return () => stops.forEach((stop) => stop());
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
