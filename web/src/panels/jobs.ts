/** What people do with jobs that are over: open their graphs, compare them, run them again. */

import { fetchFile, ServerError } from '../api/http';
import type { JobDetail } from '../api/jobreader';
import { fetchJobDetail, retryJob } from '../api/jobs';
import { openDialog } from '../commands/dialogs';
import type { Doc } from '../graph/doc';
import { DocumentError } from '../graph/document';
import { currentKinds } from '../graph/kinds';
import { readAny } from '../graph/open';
import { embeddedWorkflow } from '../graph/picture';
import type { JsonObject } from '../json';
import { useCompared } from '../run/compared';
import { ownClientId } from '../run/client';
import { recover } from '../run/recover';
import { tell } from '../run/submit';
import { openTab } from '../tabs/tabs';
import { openFromPicture } from './files';
import type { LightboxShot } from './lightbox';
import { showToast } from './toasts';
import { t } from '../i18n/i18n';

/** Opens the graph of a job, in a tab. */
export async function openJob(id: string): Promise<void> {
	await tell(async () => {
		try {
			openTab(docOfJob(await fetchJobDetail(id)));
		} catch (error) {
			if (!(error instanceof DocumentError)) {
				throw error;
			}
			showToast('error', error.message);
		}
	});
}

/** The workflow that a picture carries, or else that of the job that made it. */
export async function openShot({ url, version }: LightboxShot): Promise<void> {
	const carries = await fetchFile(url).then((content) => embeddedWorkflow(content) !== null, isAway);
	if (carries || version === undefined) {
		await openFromPicture(url);
	} else {
		await openJob(version);
	}
}

/** Shows what is another on the canvas than in a job's graph. */
export async function compareJob(id: string): Promise<void> {
	await tell(async () => {
		const job = await fetchJobDetail(id);
		useCompared.setState({ title: job.title || t('tabs.untitled'), before: graphOf(job) });
		openDialog('difference');
	});
}

export async function retry(id: string): Promise<void> {
	if (await tell(async () => void (await retryJob(id)))) {
		showToast('info', t('running.retried'));
		await recover(ownClientId());
	}
}

function docOfJob(job: JobDetail): Doc {
	return readAny(graphOf(job), currentKinds());
}

function graphOf({ document, prompt }: JobDetail): JsonObject {
	return document ?? prompt;
}

function isAway(error: unknown): boolean {
	if (!(error instanceof ServerError)) {
		throw error;
	}
	return false;
}
