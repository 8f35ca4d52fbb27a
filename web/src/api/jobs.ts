/** What is asked of `/v1/jobs` and `/v1/queue`; `jobreader.ts` reads the answers. */

import type { Json, JsonObject } from '../json';
import { count, object, objects, text } from '../fields';
import { getJson, sendJson } from './http';
import { readDetail, readJob, readStep, type JobDetail, type JobEntry, type JobState, type JobStep } from './jobreader';
import type { Picture } from './types';

export interface JobsPage {
	readonly items: readonly JobEntry[];
	/** Where the next page begins; null on the last one. */
	readonly next: string | null;
	readonly total: number;
}

/** Newest first. */
export async function fetchJobs(states: readonly JobState[], limit: number, cursor?: string | null): Promise<JobsPage> {
	const query = new URLSearchParams([['limit', String(limit)], ...states.map((state) => ['state', state])]);
	if (cursor) {
		query.set('cursor', cursor);
	}
	const page = object(await getJson(`v1/jobs?${query.toString()}`));
	return { items: objects(page.items).map(readJob), next: text(page.next) || null, total: count(page.total) };
}

export async function fetchJobDetail(id: string): Promise<JobDetail> {
	return readDetail(object(await getJson(at(id))));
}

/** The nodes that have their results so far. */
export async function fetchSteps(id: string): Promise<readonly JobStep[]> {
	return objects(object(await getJson(`${at(id)}/steps`)).steps).map(readStep);
}

/** The id of the newest job of all, or null. */
export async function fetchLatestJob(): Promise<string | null> {
	return (await fetchJobs([], 1)).items[0]?.id ?? null;
}

/** Puts a waiting job right before another, or behind all that wait. */
export async function moveJob(id: string, before: string | null): Promise<void> {
	if (before !== null) {
		await sendJson('PATCH', at(id), { before });
		return;
	}
	const waiting = (await fetchJobs(['queued'], 200)).items.map((job) => job.number);
	await sendJson('PATCH', at(id), { number: Math.max(0, ...waiting) + 1 });
}

export async function cancelJob(id: string): Promise<void> {
	await sendJson('POST', `${at(id)}/cancel`);
}

/** Once more, as a new job: its id. */
export async function retryJob(id: string): Promise<string> {
	return text(object(await sendJson('POST', `${at(id)}/retry`)).id);
}

export async function forgetJob(id: string): Promise<void> {
	await sendJson('DELETE', at(id));
}

export async function fetchPaused(): Promise<boolean> {
	return readPaused(await getJson('v1/queue'));
}

export async function pauseQueue(paused: boolean): Promise<boolean> {
	return readPaused(await sendJson('POST', `v1/queue/${paused ? 'pause' : 'resume'}`));
}

/** What a workflow takes to be run like a function; a sweep over several values of some inputs makes one job of all. */
export interface FormRun {
	readonly id: string;
	readonly workflow: JsonObject;
	readonly inputs: JsonObject;
	readonly sweep: JsonObject;
	readonly client: string;
}

export async function submitForm(run: FormRun): Promise<JobDetail> {
	return readDetail(object(await sendJson('POST', 'v1/jobs', { ...run })));
}

/** Of pictures below the output folder only: others go with the server. */
export async function deletePicture({ filename, subfolder }: Picture): Promise<void> {
	const path = [...subfolder.split('/'), filename].filter(Boolean).map(encodeURIComponent).join('/');
	await sendJson('DELETE', `v1/images/${path}`);
}

function readPaused(answer: Json): boolean {
	return object(answer).paused === true;
}

function at(id: string): string {
	return `v1/jobs/${encodeURIComponent(id)}`;
}
