/** The dialog about one job. */

import { create } from 'zustand';
import { fetchLatestJob } from '../api/jobs';
import { openDialog } from '../commands/dialogs';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { useRun } from '../run/store';
import { tell } from '../run/submit';

export const useShownJob = create<{ readonly id: string }>()(() => ({ id: '' }));

export function showJob(id: string): void {
	useShownJob.setState({ id });
	openDialog('job');
}

/** The running job, or else the newest one. */
export async function openLatestJob(): Promise<void> {
	await tell(async () => {
		const id = useRun.getState().current ?? (await fetchLatestJob());
		if (id === null) {
			showToast('info', t('inspect.job.none'));
		} else {
			showJob(id);
		}
	});
}
