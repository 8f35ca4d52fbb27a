/** Keeps what is not saved on the server too, as drafts: there another browser finds it. */

import { dropDraft, fetchDraft, fetchDrafts, keepDraft, type DraftEntry } from '../api/library';
import { ServerError } from '../api/http';
import type { Doc } from '../graph/doc';
import { readDoc, writeDoc } from '../graph/document';
import { currentKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { useRun } from '../run/store';
import { isUnsaved, openedOf, openTab, useTabs, type Tab } from '../tabs/tabs';
import { useNotices } from './notices';
import { openWindows } from './windows';

const DELAY_MS = 2000;

/** Those of our tabs that the server has, as far as is known. */
const there = new Set<string>();

export function startDrafts(client: string): void {
	/** What the server has of each draft. */
	const sent = new Map<string, { readonly doc: Doc; readonly name: string | null }>();
	let timer: ReturnType<typeof setTimeout> | undefined;

	const put = async (tab: Tab, last: boolean): Promise<void> => {
		const { doc } = openedOf(tab);
		const before = sent.get(tab.draft);
		if (before?.doc === doc && before.name === tab.name) {
			return;
		}
		sent.set(tab.draft, { doc, name: tab.name });
		there.add(tab.draft);
		const { draft: id, name: workflow, etag } = tab;
		try {
			await keepDraft({ id, document: writeDoc(doc), workflow, etag, client }, last);
		} catch (error) {
			sent.delete(tab.draft);
			// Too large to outlive the page, or no server: it is in the browser's database, and sent when that is back.
			if (!(error instanceof ServerError)) {
				throw error;
			}
		}
	};
	const drop = async (id: string): Promise<void> => {
		sent.delete(id);
		there.delete(id);
		try {
			await dropDraft(id);
		} catch (error) {
			there.add(id);
			if (!(error instanceof ServerError)) {
				throw error;
			}
		}
	};
	const flush = (last = false): void => {
		clearTimeout(timer);
		timer = undefined;
		const { tabs } = useTabs.getState();
		const unsaved = tabs.filter(isUnsaved);
		const kept = new Set(unsaved.map((tab) => tab.draft));
		for (const tab of unsaved) {
			void put(tab, last);
		}
		for (const id of [...there].filter((draft) => !kept.has(draft))) {
			void drop(id);
		}
	};
	const soon = (): void => {
		clearTimeout(timer);
		timer = setTimeout(flush, DELAY_MS);
	};
	useGraph.subscribe(soon);
	useTabs.subscribe(soon);
	useRun.subscribe((state, before) => {
		if (state.connection === 'open' && before.connection !== 'open') {
			sent.clear();
			soon();
		}
	});
	window.addEventListener('pagehide', () => flush(true));
	soon();
}

/** Asks the server for drafts whose editor is gone, and offers them. */
export async function offerDrafts(): Promise<void> {
	const mine = new Set(useTabs.getState().tabs.map((tab) => tab.draft));
	const open = (await openWindows()) ?? new Set<string>();
	const all = await fetchDrafts();
	for (const { id } of all.filter((draft) => mine.has(draft.id))) {
		there.add(id);
	}
	const drafts = all.filter((draft) => !draft.open && !mine.has(draft.id) && !open.has(draft.client));
	useNotices.setState({ drafts });
}

export async function restoreDrafts(drafts: readonly DraftEntry[]): Promise<void> {
	useNotices.setState({ drafts: [] });
	for (const { id, workflow, etag } of drafts) {
		const doc = readDoc(await fetchDraft(id), currentKinds());
		there.add(id);
		openTab(doc, { name: workflow, etag, draft: id, mark: undefined });
	}
}

export async function discardDrafts(drafts: readonly DraftEntry[]): Promise<void> {
	useNotices.setState({ drafts: [] });
	await Promise.all(drafts.map(({ id }) => dropDraft(id)));
}
