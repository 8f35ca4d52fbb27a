/** Figures as people read them, in the page's language. */

import i18next from 'i18next';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function bytesText(bytes: number): string {
	const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
	const digits = power === 0 ? 0 : bytes / 1000 ** power < 10 ? 2 : 1;
	return new Intl.NumberFormat(i18next.language, {
		style: 'unit',
		unit: UNITS[power] ?? 'byte',
		maximumFractionDigits: digits,
	}).format(bytes / 1000 ** power);
}

export function secondsText(seconds: number): string {
	if (seconds >= 60) {
		const whole = Math.round(seconds);
		return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
	}
	const digits = seconds < 0.0995 ? 3 : seconds < 9.95 ? 2 : 1;
	return `${new Intl.NumberFormat(i18next.language, { maximumFractionDigits: digits }).format(seconds)} s`;
}

export function timeText(milliseconds: number): string {
	return new Intl.DateTimeFormat(i18next.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(milliseconds);
}

/** Hours, minutes, seconds: enough for a log. */
export function clockText(milliseconds: number): string {
	return new Date(milliseconds).toLocaleTimeString('en-GB');
}

export function percent(done: number, total: number): number {
	return total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
}
