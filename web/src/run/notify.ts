/** Tells that a job is over to somebody who looks elsewhere: by a notification if wanted, and in the page's title. */

import { usePrefs } from '../prefs';
import { showToast } from '../panels/toasts';
import { t } from '../i18n/i18n';
import { hearEnds, type End } from './client';
import { useRun } from './store';

export type Outcome = 'done' | 'failed';

let unseen: Outcome | null = null;
let rename: () => void = () => undefined;

/** What stands before the page's title: how far the running job is, or that one ended unseen. */
export function titleMark(): string {
	const { current, progress } = useRun.getState();
	if (current !== null) {
		return progress === null ? '▶ ' : `${Math.floor(100 * progress.fraction)} % · `;
	}
	return unseen === null ? '' : unseen === 'done' ? '✓ ' : '✗ ';
}

/** `name` writes the title anew. Returns the way to stop. */
export function startNotifying(name: () => void): () => void {
	rename = name;
	const seen = (): void => {
		if (!document.hidden) {
			unseen = null;
			name();
		}
	};
	document.addEventListener('visibilitychange', seen);
	const stopHearing = hearEnds(noteEnd);
	const stopRun = useRun.subscribe((state, before) => {
		if (state.current !== before.current || state.progress !== before.progress) {
			name();
		}
	});
	const stopPrefs = usePrefs.subscribe((prefs, before) => {
		if (prefs.notify && !before.notify) {
			void askPermission();
		}
	});
	return () => {
		document.removeEventListener('visibilitychange', seen);
		stopHearing();
		stopRun();
		stopPrefs();
	};
}

/** Told to who does not see it. A part of a job that was passed over is no end: the job is known still. */
function noteEnd({ event, job }: End): void {
	if (!document.hidden || event.type === 'execution_interrupted' || useRun.getState().jobs[event.promptId] !== undefined) {
		return;
	}
	const title = job?.title ?? '';
	unseen = event.type === 'execution_success' ? 'done' : 'failed';
	rename();
	if (usePrefs.getState().notify && 'Notification' in window && Notification.permission === 'granted') {
		const words = t(`running.notify.${unseen}`, { title: title || t('tabs.untitled') });
		const note = new Notification(words, {
			tag: event.promptId,
			icon: './favicon.svg',
			...(event.type === 'execution_error' ? { body: event.message } : {}),
		});
		note.onclick = () => {
			window.focus();
			note.close();
		};
	}
}

async function askPermission(): Promise<void> {
	const answer = 'Notification' in window ? await Notification.requestPermission() : 'denied';
	if (answer !== 'granted') {
		showToast('info', t('running.notify.denied'));
	}
}
