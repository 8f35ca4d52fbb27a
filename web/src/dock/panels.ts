/** The panels of the dock at the left. Each is loaded when it is first opened. */

import { lazy, type ComponentType } from 'react';
import { create } from 'zustand';
import type { IconName } from '../panels/icons';
import { setPrefs, usePrefs } from '../prefs';

export interface PanelEntry {
	readonly id: string;
	/** In the language of the moment. */
	readonly title: () => string;
	readonly icon: IconName;
	readonly component: ComponentType;
}

export const usePanels = create<{ readonly panels: readonly PanelEntry[] }>()(() => ({ panels: [] }));

/** Returns the way to take it back. A panel takes the place of one of the same id. */
export function registerPanel(entry: PanelEntry): () => void {
	usePanels.setState(({ panels }) => ({
		panels: panels.some((panel) => panel.id === entry.id)
			? panels.map((panel) => (panel.id === entry.id ? entry : panel))
			: [...panels, entry],
	}));
	return () => usePanels.setState(({ panels }) => ({ panels: panels.filter((panel) => panel !== entry) }));
}

/** A component of a module that is not part of what the page loads first. */
export function lazyPanel(load: () => Promise<{ readonly default: ComponentType }>): ComponentType {
	return lazy(load);
}

export function openPanel(id: string | null): void {
	setPrefs({ panel: id });
}

export function togglePanel(id: string): void {
	openPanel(usePrefs.getState().panel === id ? null : id);
}
