/** Brings the editor up: kinds, then a graph, then the running connection. */

import { create } from 'zustand';
import { fetchKinds, ServerError } from './api/http';
import { fetchStored } from './api/library';
import { registerBuiltin } from './commands/builtin';
import { registerBuildingCommands } from './commands/building';
import { registerGraphCommands } from './commands/graph';
import { registerRunCommands } from './commands/running';
import { openDoor } from './door';
import { registerBuiltinPanels } from './dock/builtin';
import { startFlow } from './canvas/flow';
import { startShortcuts } from './canvas/shortcuts';
import { emptyDoc, type Doc } from './graph/doc';
import { DocumentError } from './graph/document';
import { useKinds } from './graph/kinds';
import { readAny } from './graph/open';
import { useGraph } from './graph/store';
import type { Kinds } from './graph/types';
import { startDropping } from './opening/dropping';
import { showToast } from './panels/toasts';
import { offerDrafts, startDrafts } from './persist/drafts';
import { startKeeping } from './persist/keeper';
import { removeFormer, restoreFormer, restoreTabs } from './persist/restore';
import { startWatching } from './persist/watch';
import { holdWindow } from './persist/windows';
import { startPrefs } from './prefs';
import { startChecking } from './run/check';
import { ownClientId, startClient } from './run/client';
import { startNotifying, titleMark } from './run/notify';
import { followOthers } from './run/others';
import { loadHistory } from './run/recover';
import { startLearningWhys } from './run/whys';
import { useRun } from './run/store';
import { tell } from './run/submit';
import { openTab, type Origin } from './tabs/tabs';
import { t } from './i18n/i18n';

const FIRST_WORKFLOW = 'text_to_image';
const RETRY_MS = 1500;

interface Boot {
	readonly ready: boolean;
	/** Why the editor is not ready yet. */
	readonly waiting: string;
}

export const useBoot = create<Boot>()(() => ({ ready: false, waiting: '' }));

export async function boot(): Promise<void> {
	startPrefs();
	const kinds = await untilKinds();
	useKinds.getState().set(kinds);
	const id = ownClientId();
	holdWindow(id);
	const restored = await restoreTabs(id).catch(notKept);
	const former = restoreFormer(kinds);
	if (!restored && !former) {
		openTab(...(await firstDoc(kinds)));
	}
	registerBuiltin();
	registerGraphCommands();
	registerRunCommands();
	registerBuildingCommands();
	registerBuiltinPanels();
	startFlow();
	startShortcuts();
	const keep = startKeeping(id, notKept);
	if (former) {
		await keep();
		removeFormer();
	}
	startClient();
	startDrafts(id);
	startWatching(id);
	startDropping();
	startChecking();
	startLearningWhys();
	followOthers();
	reloadKindsOnReturn();
	nameWindow();
	openDoor();
	useBoot.setState({ ready: true, waiting: '' });
	void import('./extensions/load').then(({ loadExtensions }) => loadExtensions());
	await tell(() => loadHistory(id));
	await tell(offerDrafts);
}

function notKept(): false {
	showToast('error', t('app.notKept'));
	return false;
}

async function untilKinds(): Promise<Kinds> {
	for (;;) {
		try {
			return await fetchKinds();
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
			useBoot.setState({ waiting: error.message });
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		}
	}
}

async function firstDoc(kinds: Kinds): Promise<[Doc, Origin?]> {
	try {
		const { document, etag } = await fetchStored(FIRST_WORKFLOW);
		return [readAny(document, kinds), { name: FIRST_WORKFLOW, etag }];
	} catch (error) {
		if (!(error instanceof ServerError) && !(error instanceof DocumentError)) {
			throw error;
		}
		showToast('error', t('app.noFirst', { reason: error.message }));
		return [emptyDoc()];
	}
}

/** A server that was away may come back with other nodes. */
function reloadKindsOnReturn(): void {
	useRun.subscribe((state, before) => {
		if (state.connection === 'open' && before.connection === 'lost') {
			void tell(async () => useKinds.getState().set(await fetchKinds()));
		}
	});
}

function nameWindow(): void {
	const name = (): void => {
		const { title } = useGraph.getState().graph;
		document.title = titleMark() + (title === '' ? 'Lumengraph' : `${title} · Lumengraph`);
	};
	name();
	useGraph.subscribe(name);
	startNotifying(name);
}
