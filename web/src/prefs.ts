/** What a person has chosen for this browser. */

import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { preferredLanguage, speak, type Language } from './i18n/i18n';

export type Theme = 'system' | 'light' | 'dark';

export interface Prefs {
	readonly theme: Theme;
	readonly language: Language;
	/** Nodes that are dragged land on the grid. */
	readonly snap: boolean;
	/** What is dragged is drawn to the lines of what stands near it. */
	readonly guides: boolean;
	readonly minimap: boolean;
	/** Tell when a job is over while the page is in the background. */
	readonly notify: boolean;
	/** Jobs and pictures of other clients are shown too. */
	readonly others: boolean;
	/** Kinds that were added lately, the last one first. */
	readonly recent: readonly string[];
	/** The panel that is open at the left, and how wide it is, in pixels. */
	readonly panel: string | null;
	readonly panelWidth: number;
}

function untouched(): Prefs {
	return {
		theme: 'system',
		language: preferredLanguage(),
		snap: false,
		guides: true,
		recent: [],
		minimap: true,
		notify: false,
		others: false,
		panel: null,
		panelWidth: 300,
	};
}

export const usePrefs = create<Prefs>()(persist(untouched, { name: 'lumengraph.prefs', version: 1 }));

export function setPrefs(change: Partial<Prefs>): void {
	usePrefs.setState(change);
}

const MOST_RECENT = 12;

export function noteRecent(kind: string): void {
	const { recent } = usePrefs.getState();
	setPrefs({ recent: [kind, ...recent.filter((other) => other !== kind)].slice(0, MOST_RECENT) });
}

/** All as it was before anything was chosen; the panel stays where it is. */
export function resetPrefs(): void {
	const { panel } = usePrefs.getState();
	usePrefs.setState({ ...untouched(), panel });
}

/** What is on the page: components that read its colours are told only when these are there. */
const useSeen = create<{ readonly theme: 'light' | 'dark' }>()(() => ({ theme: 'light' }));

/** The theme that is seen, with the system's where that was chosen. */
export function useTheme(): 'light' | 'dark' {
	return useSeen(({ theme }) => theme);
}

/** Puts theme and language on the page, and keeps them there; returns the way to stop. */
export function startPrefs(): () => void {
	const dark = matchMedia('(prefers-color-scheme: dark)');
	const show = (): void => {
		const { theme: chosen } = usePrefs.getState();
		const theme = chosen === 'system' ? systemTheme() : chosen;
		document.documentElement.dataset.theme = theme;
		useSeen.setState({ theme });
	};
	show();
	void speak(usePrefs.getState().language);
	dark.addEventListener('change', show);
	const stop = usePrefs.subscribe((prefs, before) => {
		show();
		if (prefs.language !== before.language) {
			void speak(prefs.language);
		}
	});
	return () => {
		dark.removeEventListener('change', show);
		stop();
	};
}

function systemTheme(): 'light' | 'dark' {
	return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
