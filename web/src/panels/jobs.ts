/** What people do with jobs that are over: open their graphs, compare them, run them again. */

import { fetchFile, ServerError } from '../api/http';
import type { JobDetail } from '../api/jobreader';
import { fetchJobDetail, retryJob } from '../api/jobs';
import { openDialog } from '../commands/dialogs';
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
export async function openJobGraph(id: string): Promise<void> {
	await tell(async () => void openGraphOf(await fetchJobDetail(id)));
}

/** False, and told, if it cannot be read. */
export function openGraphOf(job: JobDetail): boolean {
	try {
		openTab(readAny(graphOf(job), currentKinds()));
		return true;
	} catch (error) {
		if (!(error instanceof DocumentError)) {
			throw error;
		}
		showToast('error', error.message);
		return false;
	}
}

/** The workflow that a picture carries, or else that of the job that made it. */
export async function openShot({ url, version }: LightboxShot): Promise<void> {
	const carries = await fetchFile(url).then((content) => embeddedWorkflow(content) !== null, isAway);
	if (carries || version === undefined) {
		await openFromPicture(url);
	} else {
		await openJobGraph(version);
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

/** The id of the new job; null, and told, if there is none. */
export async function retry(id: string): Promise<string | null> {
	let made: string | null = null;
	await tell(async () => {
		made = await retryJob(id);
		showToast('info', t('running.retried'));
		await recover(ownClientId());
	});
	return made;
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
