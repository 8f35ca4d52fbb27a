/** Saving on the server, so that nobody's changes are written over unseen. */

import { ServerError } from '../api/http';
import { fetchIfChanged, fetchStored, storeWorkflow, type Condition } from '../api/library';
import { closeDialog, openDialog } from '../commands/dialogs';
import { readDoc, writeDoc } from '../graph/document';
import { currentKinds } from '../graph/kinds';
import { editDoc, useGraph } from '../graph/store';
import { showToast } from '../panels/toasts';
import { tell } from '../run/submit';
import { activeTab, lastEdit, markSaved, openedOf, type Tab } from '../tabs/tabs';
import { notify, settle, useNotices } from './notices';
import { tellSaved } from './watch';
import { t } from '../i18n/i18n';

export function save(): void {
	const tab = activeTab();
	const { name, etag } = tab;
	if (name === null) {
		openDialog('saveAs');
		return;
	}
	void tell(async () => {
		const outcome = await saveAs(tab, name, etag === null ? null : { match: etag });
		if (outcome === 'taken') {
			await look(tab);
			openDialog('conflict');
		} else if (outcome === 'readOnly') {
			openDialog('saveAs');
		}
	});
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
