/** What was open before: after a reload, a crash, or in a window that is gone. */

import type { Doc } from '../graph/doc';
import { DocumentError } from '../graph/document';
import { readText } from '../graph/open';
import { nextSession } from '../graph/session';
import type { Kinds } from '../graph/types';
import { openTab, rememberClosed, switchTab, type Origin } from '../tabs/tabs';
import { forgetWindow, readTab, readWindows, type KeptTab, type KeptWindow } from './database';
import { markOf } from './keeper';
import { openWindows } from './windows';

/** Where documents were kept before there was a database. */
const FORMER_KEY = 'lumengraph.autosave';
const ASIDE_KEY = 'lumengraph.aside';

/** Opens the tabs that this window had, or else those of the last window that was closed; false if there are none. */
export async function restoreTabs(windowId: string): Promise<boolean> {
	const kept = await readWindows();
	const own = kept.find(({ id }) => id === windowId) ?? (await lastClosed(kept));
	if (own === undefined) {
		return false;
	}
	if (sessionStorage.getItem(ASIDE_KEY) !== null) {
		// The tabs stay in the database and among the server's drafts.
		sessionStorage.removeItem(ASIDE_KEY);
		await forgetWindow(own.id);
		return false;
	}
	const [tabs, closed] = await Promise.all([readKept(own.tabs), readKept(own.closed ?? [])]);
	const opened = new Map<string, string>();
	for (const [doc, origin] of tabs) {
		opened.set(origin.draft, openTab(doc, origin));
	}
	rememberClosed(closed);
	const active = opened.get(own.active);
	if (active !== undefined) {
		switchTab(active);
	}
	if (own.id !== windowId) {
		await forgetWindow(own.id);
	}
	return opened.size > 0;
}

/** Those of them that are there. */
async function readKept(drafts: readonly string[]): Promise<readonly (readonly [Doc, Origin & Pick<KeptTab, 'draft'>])[]> {
	const found = await Promise.all(drafts.map(readTab));
	return found.flatMap((kept) => {
		if (kept === null) {
			return [];
		}
		const { tab, operations } = kept;
		// A torn log would undo to something that never was.
		const whole = operations.length === tab.count;
		const log = whole ? { operations, done: tab.done } : { operations: [], done: 0 };
		const doc = { ...tab.doc, root: { ...tab.doc.root, session: nextSession() } };
		const mark = whole ? markOf(tab, operations) : undefined;
		const { name, etag, path, draft } = tab;
		return [[doc, { name, etag, path, draft, log, mark }] as const];
	});
}

async function lastClosed(kept: readonly KeptWindow[]): Promise<KeptWindow | undefined> {
	const open = await openWindows();
	return open === null
		? undefined
		: kept.filter(({ id }) => !open.has(id)).reduce<KeptWindow | undefined>((a, b) => (a === undefined || b.at > a.at ? b : a), undefined);
}

/** Opens what an earlier version of the editor kept. It is removed once `written` says that it is kept anew. */
export function restoreFormer(kinds: Kinds): boolean {
	const text = localStorage.getItem(FORMER_KEY);
	if (text === null) {
		return false;
	}
	try {
		const doc = readText(text, kinds);
		if (Object.keys(doc.root.nodes).length === 0) {
			return false;
		}
		openTab(doc, { mark: undefined });
		return true;
	} catch (error) {
		if (error instanceof DocumentError) {
			return false;
		}
		throw error;
	}
}

export function removeFormer(): void {
	localStorage.removeItem(FORMER_KEY);
}

/** The next start opens without the tabs that are open now, such as when one of them cannot be drawn. */
export function setAside(): void {
	sessionStorage.setItem(ASIDE_KEY, '1');
}
