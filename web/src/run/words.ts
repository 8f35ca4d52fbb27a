/** Times and sizes in words. */

import i18next from 'i18next';
import { t } from '../i18n/i18n';
import type { RunState } from './types';

export function durationWords(seconds: number): string {
	if (seconds < 1) {
		return t('running.time.moment');
	}
	if (seconds < 90) {
		return t('running.time.seconds', { count: Math.round(seconds) });
	}
	return seconds < 5400
		? t('running.time.minutes', { count: Math.round(seconds / 60) })
		: t('running.time.hours', { count: Math.round(seconds / 360) / 10 });
}

export function sizeWords(bytes: number): string {
	const mib = bytes / 2 ** 20;
	return mib < 1000 ? `${Math.max(1, Math.round(mib))} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** How far the running job is, in words. */
export function runningWords(progress: RunState['progress']): string {
	if (progress === null) {
		return t('queue.running');
	}
	const left = progress.secondsLeft;
	const percent = Math.floor(100 * progress.fraction);
	if (left === null) {
		return t('queue.percent', { percent });
	}
	return left < 90
		? t('queue.seconds', { percent, left: Math.ceil(left) })
		: t('queue.minutes', { percent, left: Math.round(left / 60) });
}

export function timeWords(at: number): string {
	return at === 0 ? '' : new Date(at).toLocaleTimeString(i18next.language, { hour: '2-digit', minute: '2-digit' });
}

/** The day of a moment: today, yesterday, or its date. */
export function dayWords(at: number, now = Date.now()): string {
	const day = new Date(at).toDateString();
	if (day === new Date(now).toDateString()) {
		return t('running.time.today');
	}
	const before = new Date(now);
	before.setDate(before.getDate() - 1);
	return day === before.toDateString()
		? t('running.time.yesterday')
		: new Date(at).toLocaleDateString(i18next.language, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
}
