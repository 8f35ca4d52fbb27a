/** The documents that are open, one of them on the canvas. */

import { create } from 'zustand';
import type { Doc } from '../graph/doc';
import { emptyDoc } from '../graph/doc';
import { nextSession } from '../graph/session';
import { NO_LOG, type Log, type Operation } from '../graph/log';
import { useGraph, type Opened } from '../graph/store';
import { onPage, withoutPage } from '../run/pages';
import { useRun } from '../run/store';

export interface Tab {
	readonly id: string;
	/** The workflow of the server that it was opened from or saved to; null: not saved there yet. */
	readonly name: string | null;
	/** What the server had when it was opened or saved last, so that nobody's later change is written over. */
	readonly etag: string | null;
	/** Under which it is kept while it is not saved, here and on the server. */
	readonly draft: string;
	/** The last edit in what was saved; null: none was made before, undefined: it is saved nowhere. */
	readonly mark: Operation | null | undefined;
	/** What is on the canvas is in the graph's store; this is where it was when the tab was left. */
	readonly opened: Opened;
}

interface TabStore {
	readonly tabs: readonly Tab[];
	readonly active: string;
	/** Those that were closed lately, the last one at the end. */
	readonly closed: readonly Tab[];
}

export type Origin = Partial<Pick<Tab, 'name' | 'etag' | 'mark' | 'draft'> & Pick<Opened, 'log' | 'path'>>;

const REMEMBERED = 10;

let last = 0;
const first = newTab(emptyDoc());
export const useTabs = create<TabStore>()(() => ({ tabs: [first], active: first.id, closed: [] }));

/** Opens a document: in the tab on the canvas if nothing was done there yet, else in one of its own. */
export function openTab(doc: Doc, origin: Origin = {}): string {
	const tab = newTab(doc, origin);
	const { tabs, active } = useTabs.getState();
	const { doc: here, log } = useGraph.getState();
	const untouched =
		log.operations.length === 0 && Object.keys(here.root.nodes).length === 0 && activeTab().mark !== undefined;
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
	const closed = [...useTabs.getState().closed, { ...tab, opened: openedOf(tab) }].slice(-REMEMBERED);
	const left = tabs.filter((one) => one.id !== id);
	if (id !== active) {
		useTabs.setState({ tabs: left, closed });
	} else {
		leave();
		const next = left[Math.min(at, left.length - 1)] ?? newTab(emptyDoc());
		useTabs.setState({ tabs: left.length === 0 ? [next] : left, active: next.id, closed });
		arrive(next);
	}
	useRun.setState((state) => withoutPage(state, sessionOf(tab)));
}

export function hasClosed(): boolean {
	return useTabs.getState().closed.length > 0;
}

/** The tab that was closed last comes back, with all that can be undone in it. */
export function reopenTab(): void {
	const { closed } = useTabs.getState();
	const tab = closed.at(-1);
	if (tab !== undefined) {
		const { doc, log, path } = tab.opened;
		useTabs.setState({ closed: closed.slice(0, -1) });
		openTab({ ...doc, root: { ...doc.root, session: nextSession() } }, { ...tab, log, path });
	}
}

/** Tabs that were closed before the page was loaded, the last one at the end. */
export function rememberClosed(docs: readonly (readonly [Doc, Origin])[]): void {
	useTabs.setState({ closed: docs.map(([doc, origin]) => newTab(doc, origin)) });
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

/** Notes that a document is saved with all edits up to `mark`, and under which name. */
export function markSaved(id: string, name: string, etag: string | null, mark: Operation | null): void {
	useTabs.setState(({ tabs }) => ({ tabs: tabs.map((tab) => (tab.id === id ? { ...tab, name, etag, mark } : tab)) }));
}

/** The last edit that is done and not undone. */
export function lastEdit(log: Log): Operation | null {
	return log.operations[log.done - 1] ?? null;
}

/** Whether something of it would be lost if it were closed. */
export function isUnsaved(tab: Tab): boolean {
	return tab.mark !== lastEdit(openedOf(tab).log);
}

function newTab(doc: Doc, origin: Origin = {}): Tab {
	last += 1;
	const { name = null, etag = null, draft = newDraftId(), log = NO_LOG, path = [] } = origin;
	const mark = 'mark' in origin ? origin.mark : null;
	return { id: `tab-${last}`, name, etag, draft, mark, opened: { doc, log, path } };
}

function newDraftId(): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
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
