/** Saving on the server, so that nobody's changes are written over unseen. */

import { ServerError } from '../api/http';
import { fetchIfChanged, fetchStored, storeWorkflow, type Condition } from '../api/library';
import { closeDialog, openDialog } from '../commands/dialogs';
import { readDoc, writeDoc } from '../graph/document';
import { currentKinds } from '../graph/kinds';
import { editDoc, useGraph } from '../graph/store';
import { showToast } from '../panels/toasts';
import { tell } from '../run/submit';
import { activeTab, isUnsaved, lastEdit, markSaved, openedOf, useTabs, type Tab } from '../tabs/tabs';
import { notify, settle, useNotices } from './notices';
import { tellSaved } from './watch';
import { t } from '../i18n/i18n';

/** The last save of each tab that is under way, and whether it comes about. */
const underWay = new Map<Tab['id'], Promise<boolean>>();

export function save(): void {
	const { id, name } = activeTab();
	if (name === null) {
		openDialog('saveAs');
		return;
	}
	const turn = saveAfter(underWay.get(id), id);
	underWay.set(id, turn);
	void turn.finally(() => underWay.get(id) === turn && underWay.delete(id));
}

/** One save at a time: a second that does not know the ETag of the first would take it for somebody else's. */
async function saveAfter(before: Promise<boolean> | undefined, id: Tab['id']): Promise<boolean> {
	if (before !== undefined && !(await before)) {
		return false;
	}
	const tab = tabOf(id);
	const name = tab?.name ?? null;
	if (tab === undefined || name === null || (before !== undefined && !isUnsaved(tab))) {
		return true;
	}
	let saved = false;
	await tell(async () => {
		const outcome = await saveAs(tab, name, tab.etag === null ? null : { match: tab.etag });
		saved = outcome === 'saved';
		if (outcome === 'taken') {
			await look(tab);
			openDialog('conflict');
		} else if (outcome === 'readOnly') {
			openDialog('saveAs');
		}
	});
	return saved;
}

/** `taken`: the condition does not hold. `readOnly`: the workflow comes with the program. */
export async function saveAs(tab: Tab, name: string, condition: Condition): Promise<'saved' | 'taken' | 'readOnly'> {
	const { doc, log } = openedOf(tab);
	try {
		const etag = await storeWorkflow(name, writeDoc(doc), condition);
		markSaved(tab.id, name, etag, lastEdit(log));
		settle(tab.id);
		tellSaved(name);
		showToast('info', t('persist.saved', { name }));
		return 'saved';
	} catch (error) {
		if (error instanceof ServerError && error.status === 412) {
			return 'taken';
		}
		if (error instanceof ServerError && error.status === 403) {
			return 'readOnly';
		}
		throw error;
	}
}

/** Asks whether the server has something else than this tab began with, and notes it. */
export async function look(tab: Tab): Promise<void> {
	if (tab.name === null || tab.etag === null) {
		return;
	}
	const theirs = await fetchIfChanged(tab.name, tab.etag);
	const now = tabOf(tab.id);
	if (now?.name !== tab.name || now.etag !== tab.etag) {
		return; // It was saved or closed meanwhile: what is there may be its own.
	}
	if (theirs === null) {
		notify(tab.id, { about: 'gone' });
	} else if (theirs !== undefined) {
		notify(tab.id, { about: 'changed', theirs });
	} else {
		settle(tab.id, 'changed');
		settle(tab.id, 'gone');
	}
}

/** Their workflow comes onto the canvas, as an edit: undoing it brings back one's own. */
export function takeTheirs(): void {
	const tab = activeTab();
	const notice = useNotices.getState().tabs[tab.id];
	if (notice?.about !== 'changed' || tab.name === null) {
		return;
	}
	putDocument(notice.theirs.document);
	markSaved(tab.id, tab.name, notice.theirs.etag, lastEdit(useGraph.getState().log));
	settle(tab.id);
	closeDialog();
}

/** Another document in the place of the one on the canvas, as one edit. */
export function putDocument(document: Parameters<typeof readDoc>[0]): void {
	const next = readDoc(document, currentKinds());
	editDoc((doc) => ({ ...next, root: { ...next.root, session: doc.root.session } }));
}

export async function overwrite(): Promise<void> {
	const tab = activeTab();
	if (tab.name === null) {
		return;
	}
	const notice = useNotices.getState().tabs[tab.id];
	// What was shown is what is written over: a still later change is told again.
	const etag = notice?.about === 'changed' ? notice.theirs.etag : null;
	const outcome = await saveAs(tab, tab.name, etag === null ? 'new' : { match: etag });
	if (outcome === 'taken') {
		const theirs = await fetchStored(tab.name);
		notify(tab.id, { about: 'changed', theirs });
	} else {
		closeDialog();
	}
}

/** The tab as it is now; undefined once it is closed. */
function tabOf(id: Tab['id']): Tab | undefined {
	return useTabs.getState().tabs.find((tab) => tab.id === id);
}
