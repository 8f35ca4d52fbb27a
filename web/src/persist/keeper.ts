/** Writes every change of the open tabs into the browser's database, with their logs: a crash loses no step. */

import type { Operation } from '../graph/log';
import { useGraph, type Opened } from '../graph/store';
import { lastEdit, openedOf, useTabs, type Tab } from '../tabs/tabs';
import { write, type KeptTab } from './database';

const DELAY_MS = 100;

interface Written {
	readonly tab: Omit<Tab, 'opened' | 'id'>;
	readonly opened: Opened;
}

/** Keeps the tabs of this window from now on; returns the way to write at once. `onFailure` is called once per trouble. */
export function startKeeping(windowId: string, onFailure: () => void): () => Promise<void> {
	const written = new Map<string, Written>();
	let timer: ReturnType<typeof setTimeout> | undefined;
	let order = '';
	let failed = false;
	let turn = Promise.resolve();

	const flush = async (): Promise<void> => {
		clearTimeout(timer);
		timer = undefined;
		const { tabs, active, closed } = useTabs.getState();
		const drafts = tabs.map((tab) => tab.draft);
		const left = closed.map((tab) => tab.draft);
		const shown = tabs.find((tab) => tab.id === active)?.draft ?? '';
		// Closed ones can be opened again after a reload too.
		const changed = [...tabs, ...closed]
			.map((tab) => ({ tab, opened: openedOf(tab), before: written.get(tab.draft) }))
			.filter(({ tab, opened, before }) => before === undefined || isOther(before, tab, opened));
		const gone = [...written.keys()].filter((draft) => !drafts.includes(draft) && !left.includes(draft));
		const now = [...drafts, shown, ...left].join(' ');
		if (changed.length === 0 && gone.length === 0 && now === order) {
			return;
		}
		try {
			await write({
				window: { id: windowId, tabs: drafts, closed: left, active: shown, at: Date.now() },
				tabs: changed.map(({ tab, opened, before }) => {
					const from = sameUpTo(before?.opened.log.operations ?? [], opened.log.operations);
					return { tab: keptOf(tab, opened), from, operations: opened.log.operations.slice(from) };
				}),
				gone,
			});
			order = now;
			changed.forEach(({ tab, opened }) => written.set(tab.draft, { tab, opened }));
			gone.forEach((draft) => written.delete(draft));
			failed = false;
		} catch {
			if (!failed) {
				onFailure();
			}
			failed = true;
		}
	};
	// One after the other: what is written depends on what was written before.
	const next = (): Promise<void> => (turn = turn.then(flush));
	const soon = (): void => {
		timer ??= setTimeout(() => void next(), DELAY_MS);
	};
	useGraph.subscribe(soon);
	useTabs.subscribe(soon);
	window.addEventListener('pagehide', () => void next());
	document.addEventListener('visibilitychange', () => void next());
	soon();
	return next;
}

export function keptOf(tab: Tab, { doc, log, path }: Opened): KeptTab {
	return {
		draft: tab.draft,
		name: tab.name,
		etag: tab.etag,
		saved: savedCount(tab.mark, log.operations),
		doc,
		path,
		done: log.done,
		count: log.operations.length,
	};
}

/** The edit that a count of edits ended with, as `keptOf` wrote it. */
export function markOf({ saved }: Pick<KeptTab, 'saved'>, operations: readonly Operation[]): Operation | null | undefined {
	return saved === null ? undefined : lastEdit({ operations, done: saved });
}

function savedCount(mark: Operation | null | undefined, operations: readonly Operation[]): number | null {
	if (mark === null) {
		return 0;
	}
	const index = mark === undefined ? -1 : operations.indexOf(mark);
	return index === -1 ? null : index + 1;
}

function isOther(before: Written, tab: Tab, opened: Opened): boolean {
	return (
		before.tab.name !== tab.name ||
		before.tab.etag !== tab.etag ||
		before.tab.mark !== tab.mark ||
		before.opened.doc !== opened.doc ||
		before.opened.log !== opened.log ||
		before.opened.path !== opened.path
	);
}

function sameUpTo(before: readonly Operation[], after: readonly Operation[]): number {
	const most = Math.min(before.length, after.length);
	// Logs differ at their ends, if at all.
	let from = most;
	while (from > 0 && before[from - 1] !== after[from - 1]) {
		from -= 1;
	}
	return from;
}
