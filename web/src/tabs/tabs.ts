/** The documents that are open, one of them on the canvas. */

import { create } from 'zustand';
import type { Doc } from '../graph/doc';
import { emptyDoc } from '../graph/doc';
import { NO_LOG } from '../graph/log';
import { useGraph, type Opened } from '../graph/store';
import { onPage, withoutPage } from '../run/pages';
import { useRun } from '../run/store';

export interface Tab {
	readonly id: string;
	/** The workflow of the server that it was opened from or saved to; null: not saved there yet. */
	readonly name: string | null;
	/** What the server had when it was opened or saved last, so that nobody's later change is written over. */
	readonly etag: string | null;
	/** The document as it was saved last; it is changed when it is another one now. */
	readonly saved: Doc | null;
	/** What is on the canvas is in the graph's store; this is where it was when the tab was left. */
	readonly opened: Opened;
}

interface TabStore {
	readonly tabs: readonly Tab[];
	readonly active: string;
}

export type Origin = Partial<Pick<Tab, 'name' | 'etag' | 'saved'>>;

let last = 0;
const first = newTab(emptyDoc());
export const useTabs = create<TabStore>()(() => ({ tabs: [first], active: first.id }));

/** Opens a document: in the tab on the canvas if nothing was done there yet, else in one of its own. */
export function openTab(doc: Doc, origin: Origin = {}): string {
	const tab = newTab(doc, origin);
	const { tabs, active } = useTabs.getState();
	const { doc: here, log } = useGraph.getState();
	const untouched = log.operations.length === 0 && Object.keys(here.root.nodes).length === 0;
	leave();
	useTabs.setState({
		tabs: untouched ? useTabs.getState().tabs.map((one) => (one.id === active ? tab : one)) : [...useTabs.getState().tabs, tab],
		active: tab.id,
	});
	if (untouched && tabs.length > 0) {
		useRun.setState((state) => withoutPage(state, here.root.session));
	}
	arrive(tab);
	return tab.id;
}

export function switchTab(id: string): void {
	const { tabs, active } = useTabs.getState();
	const tab = tabs.find((one) => one.id === id);
	if (tab === undefined || id === active) {
		return;
	}
	leave();
	useTabs.setState({ active: id });
	arrive(tab);
}

/** The tab that many places further, round the end. */
export function nextTab(by: number): void {
	const { tabs, active } = useTabs.getState();
	const at = tabs.findIndex((tab) => tab.id === active);
	const next = tabs[(at + by + tabs.length) % tabs.length];
	if (next !== undefined) {
		switchTab(next.id);
	}
}

/** The tab beside it comes onto the canvas; after the last one, an empty document. */
export function closeTab(id: string): void {
	const { tabs, active } = useTabs.getState();
	const at = tabs.findIndex((one) => one.id === id);
	const tab = tabs[at];
	if (tab === undefined) {
		return;
	}
	const left = tabs.filter((one) => one.id !== id);
	if (id !== active) {
		useTabs.setState({ tabs: left });
	} else {
		leave();
		const next = left[Math.min(at, left.length - 1)] ?? newTab(emptyDoc());
		useTabs.setState({ tabs: left.length === 0 ? [next] : left, active: next.id });
		arrive(next);
	}
	useRun.setState((state) => withoutPage(state, sessionOf(tab)));
}

export function activeTab(): Tab {
	const { tabs, active } = useTabs.getState();
	return tabs.find((tab) => tab.id === active) ?? first;
}

/** What an open tab holds now, on the canvas or not. */
export function openedOf(tab: Tab): Opened {
	if (tab.id !== useTabs.getState().active) {
		return tab.opened;
	}
	const { doc, log, path } = useGraph.getState();
	return { doc, log, path };
}

/** Notes that the document on the canvas is saved, and under which name. */
export function markSaved(id: string, name: string, etag: string | null, saved: Doc): void {
	useTabs.setState(({ tabs }) => ({ tabs: tabs.map((tab) => (tab.id === id ? { ...tab, name, etag, saved } : tab)) }));
}

function newTab(doc: Doc, { name = null, etag = null, saved = null }: Origin = {}): Tab {
	last += 1;
	return { id: `tab-${last}`, name, etag, saved, opened: { doc, log: NO_LOG, path: [] } };
}

function sessionOf(tab: Tab): number {
	return openedOf(tab).doc.root.session;
}

function leave(): void {
	const { active } = useTabs.getState();
	const { doc, log, path } = useGraph.getState();
	useTabs.setState(({ tabs }) => ({
		tabs: tabs.map((tab) => (tab.id === active ? { ...tab, opened: { doc, log, path } } : tab)),
	}));
}

function arrive(tab: Tab): void {
	const from = useGraph.getState().doc.root.session;
	useGraph.getState().show(tab.opened);
	useRun.setState((state) => onPage(state, from, tab.opened.doc.root.session));
}
