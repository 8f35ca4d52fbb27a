/** The editor's own commands. */

import { tidy } from '../canvas/commands';
import { selectedEdges, selectedNodes, selectedParts } from '../canvas/flow';
import { copySelected, duplicateSelected, pasteText, removeSelected, selectAll } from '../canvas/selection';
import { fitView, lastPointer, zoomBy, zoomTo } from '../canvas/view';
import { fetchKinds } from '../api/http';
import { useKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { togglePanel } from '../dock/panels';
import { copyText } from '../inspect/clipboard';
import { openLatestJob } from '../inspect/shownJob';
import { maskable, openMask, type Masked } from '../mask/opening';
import { t } from '../i18n/i18n';
import type { en } from '../i18n/en';
import { chooseFile, openNew, saveFile } from '../panels/files';
import { clipboardPicture, pastePicture } from '../panels/pictures';
import { openSearch } from '../panels/searching';
import { showToast } from '../panels/toasts';
import { setPrefs, usePrefs } from '../prefs';
import { interruptRun, queueRuns, tell } from '../run/submit';
import { useRun } from '../run/store';
import { closeTab, hasClosed, nextTab, reopenTab, useTabs } from '../tabs/tabs';
import { save } from '../persist/saving';
import { openDialog } from './dialogs';
import { keysText } from './keys';
import { registerCommands, type Command } from './registry';

type Own = Omit<Command, 'title'> & { readonly id: keyof typeof en.commands };

const someSelected = (): boolean => selectedParts().size > 0;

const COMMANDS: readonly Own[] = [
	{ id: 'run', group: 'run', keys: ['Mod+Enter'], inFields: true, run: () => void queueRuns(1) },
	{
		id: 'interrupt',
		group: 'run',
		keys: ['Mod+Alt+Enter'],
		inFields: true,
		enabled: () => useRun.getState().current !== null,
		run: () => void interruptRun(),
	},
	{ id: 'undo', group: 'edit', keys: ['Mod+z'], enabled: canUndo, run: () => useGraph.getState().undo() },
	{ id: 'redo', group: 'edit', keys: ['Mod+y', 'Mod+Shift+z'], enabled: canRedo, run: () => useGraph.getState().redo() },
	{ id: 'cut', group: 'edit', keys: ['Mod+x'], byBrowser: true, enabled: someSelected, run: () => void cut() },
	{ id: 'copy', group: 'edit', keys: ['Mod+c'], byBrowser: true, enabled: someSelected, run: () => void copy() },
	{ id: 'paste', group: 'edit', keys: ['Mod+v'], byBrowser: true, run: () => void paste() },
	{ id: 'duplicate', group: 'edit', keys: ['Mod+d'], enabled: someSelected, run: duplicateSelected },
	{ id: 'selectAll', group: 'edit', keys: ['Mod+a'], run: selectAll },
	{
		id: 'remove',
		group: 'edit',
		keys: ['Delete', 'Backspace'],
		enabled: () => someSelected() || selectedEdges().length > 0,
		run: removeSelected,
	},
	{ id: 'addNode', group: 'graph', keys: ['/'], run: () => openSearch(lastPointer(), null) },
	{
		id: 'mask',
		group: 'graph',
		keys: ['Mod+Shift+m'],
		enabled: () => selectedPicture() !== null,
		run: () => {
			const found = selectedPicture();
			if (found !== null) {
				openMask(found);
			}
		},
	},
	{ id: 'tidy', group: 'graph', keys: ['Shift+t'], run: () => void tidy() },
	{ id: 'newTab', group: 'file', keys: ['Alt+n'], run: openNew },
	{ id: 'closeTab', group: 'file', keys: ['Alt+w'], run: () => closeTab(useTabs.getState().active) },
	{ id: 'nextTab', group: 'file', keys: ['Alt+ArrowRight'], enabled: manyTabs, run: () => nextTab(1) },
	{ id: 'previousTab', group: 'file', keys: ['Alt+ArrowLeft'], enabled: manyTabs, run: () => nextTab(-1) },
	{ id: 'open', group: 'file', keys: ['Mod+o'], run: chooseFile },
	{ id: 'save', group: 'file', keys: ['Mod+s'], inFields: true, once: true, run: save },
	{ id: 'saveAs', group: 'file', keys: ['Mod+Alt+s'], inFields: true, run: () => openDialog('saveAs') },
	{ id: 'reopenTab', group: 'file', keys: ['Alt+Shift+w'], enabled: hasClosed, run: reopenTab },
	{ id: 'download', group: 'file', keys: ['Mod+Shift+s'], run: saveFile },
	{ id: 'reload', group: 'file', keys: ['Alt+r'], run: () => void reload() },
	{ id: 'fit', group: 'view', keys: ['f'], run: () => fitView() },
	{ id: 'zoomIn', group: 'view', keys: ['+', '='], run: () => zoomBy(1.25) },
	{ id: 'zoomOut', group: 'view', keys: ['-'], run: () => zoomBy(0.8) },
	{ id: 'zoomReset', group: 'view', keys: ['0'], run: () => zoomTo(1) },
	{ id: 'theme', group: 'view', keys: ['Alt+t'], run: turnTheme },
	{ id: 'jobDetails', group: 'run', keys: ['Alt+j'], run: () => void openLatestJob() },
	{ id: 'models', group: 'panels', keys: ['Alt+m'], run: () => togglePanel('models') },
	{ id: 'plugins', group: 'panels', keys: ['Alt+p'], run: () => togglePanel('plugins') },
	{ id: 'logs', group: 'panels', keys: ['Alt+l'], run: () => togglePanel('logs') },
	{ id: 'settings', group: 'panels', keys: ['Mod+,'], run: () => togglePanel('settings') },
	{ id: 'palette', group: 'help', keys: ['Mod+k'], inFields: true, run: () => openDialog('palette') },
	{ id: 'shortcuts', group: 'help', keys: ['?'], run: () => openDialog('shortcuts') },
];

export function registerBuiltin(): void {
	registerCommands(COMMANDS.map((command) => ({ ...command, title: () => t(`commands.${command.id}`) })));
}

function selectedPicture(): Masked | null {
	const ids = [...selectedNodes()];
	return ids.length === 1 ? maskable(ids[0]) : null;
}

function canUndo(): boolean {
	return useGraph.getState().log.done > 0;
}

function canRedo(): boolean {
	const { log } = useGraph.getState();
	return log.done < log.operations.length;
}

function manyTabs(): boolean {
	return useTabs.getState().tabs.length > 1;
}

/** From a menu there is no clipboard event, so the page asks for the clipboard itself. False if there is nothing to copy. */
async function copy(): Promise<boolean> {
	const text = copySelected();
	if (text !== null) {
		await copyText(text);
	}
	return text !== null;
}

async function cut(): Promise<void> {
	if (await copy()) {
		removeSelected();
	}
}

async function paste(): Promise<void> {
	// Without TLS there is none to read, and a person may refuse it; a key brings a clipboard event even then.
	const text = await navigator.clipboard?.readText().catch(() => undefined);
	if (text === undefined) {
		showToast('info', t('clipboard.closed', { keys: keysText('Mod+v') }));
		return;
	}
	if (pasteText(text)) {
		return;
	}
	const picture = await clipboardPicture();
	if (picture === null) {
		showToast('info', t('clipboard.empty'));
	} else {
		await pastePicture(picture);
	}
}

async function reload(): Promise<void> {
	if (await tell(async () => useKinds.getState().set(await fetchKinds()))) {
		showToast('info', t('files.reloaded'));
	}
}

function turnTheme(): void {
	const { theme } = usePrefs.getState();
	const dark = theme === 'dark' || (theme === 'system' && document.documentElement.dataset.theme === 'dark');
	setPrefs({ theme: dark ? 'light' : 'dark' });
}
