/** Commands on runs and the queue. */

import { pauseQueue, fetchPaused } from '../api/jobs';
import { selectedNodes } from '../canvas/flow';
import { togglePanel } from '../dock/panels';
import { currentKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import type { en } from '../i18n/en';
import { showToast } from '../panels/toasts';
import { branchTargets } from '../run/branch';
import { queueRuns, tell } from '../run/submit';
import { openDialog } from './dialogs';
import { registerCommands, type Command } from './registry';

type Own = Omit<Command, 'title'> & { readonly id: keyof typeof en.commands };

const COMMANDS: readonly Own[] = [
	{ id: 'runFront', group: 'run', keys: ['Mod+Shift+Enter'], inFields: true, run: () => void queueRuns(1, { front: true }) },
	{
		id: 'runBranch',
		group: 'run',
		keys: ['Alt+Enter'],
		enabled: () => selectedNodes().size > 0,
		run: runBranch,
	},
	{ id: 'runForm', group: 'run', keys: ['Shift+r'], run: () => openDialog('runForm') },
	{ id: 'pauseQueue', group: 'run', keys: ['Shift+p'], run: () => void turnQueue() },
	{ id: 'history', group: 'panels', keys: ['Shift+h'], run: () => togglePanel('history') },
];

export function registerRunCommands(): void {
	registerCommands(COMMANDS.map((command) => ({ ...command, title: () => t(`commands.${command.id}`) })));
}

function runBranch(): void {
	const { doc, path } = useGraph.getState();
	const targets = branchTargets(doc, path, selectedNodes(), currentKinds());
	if (targets.length === 0) {
		showToast('info', t('running.noBranch'));
	} else {
		void queueRuns(1, { targets });
	}
}

async function turnQueue(): Promise<void> {
	await tell(async () => {
		const paused = await pauseQueue(!(await fetchPaused()));
		showToast('info', paused ? t('running.queue.paused') : t('running.queue.resumed'));
	});
}
