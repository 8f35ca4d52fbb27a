/** `/v1/jobs` and `/v1/queue`. Fields that are missing or of another type are taken as empty. */

import { isList, isObject, type Json, type JsonObject } from '../json';
import { getJson, sendJson } from './http';
import { readOutput } from './messages';
import type { NodeOutput, Picture } from './types';

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export const JOB_STATES: readonly JobState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

export interface JobEntry {
	readonly id: string;
	readonly state: JobState;
	readonly title: string;
	readonly client: string;
	readonly number: number;
	/** Milliseconds since the epoch; 0 while it has not come to that. */
	readonly created: number;
	readonly started: number;
	readonly finished: number;
	/** Why it failed, and at which node. */
	readonly failure: { readonly message: string; readonly node: string | null } | null;
	readonly outputs: ReadonlyMap<string, NodeOutput>;
}

/** What a sweep is made of: the values of each axis, and for each combination the nodes that show its results. */
export interface SweepTable {
	readonly axes: readonly { readonly name: string; readonly values: readonly Json[] }[];
	readonly cells: readonly { readonly values: JsonObject; readonly nodes: readonly string[] }[];
	/** The nodes that save all as one picture. */
	readonly grids: readonly string[];
}

export interface JobDetail extends JobEntry {
	/** In API form. */
	readonly prompt: JsonObject;
	/** The native document it was made of; null for jobs that came without. */
	readonly document: JsonObject | null;
	readonly sweep: SweepTable | null;
	/** What it ran with: versions, device, settings. */
	readonly record: JsonObject | null;
}

export interface JobsPage {
	readonly items: readonly JobEntry[];
	/** Where the next page begins; null on the last one. */
	readonly next: string | null;
	readonly total: number;
}

export interface Step {
	readonly node: string;
	readonly ran: boolean;
	readonly why: { readonly code: string; readonly text: string } | null;
}

/** Newest first. */
export async function fetchJobs(states: readonly JobState[], limit: number, cursor?: string | null): Promise<JobsPage> {
	const query = new URLSearchParams([['limit', String(limit)], ...states.map((state) => ['state', state])]);
	if (cursor) {
		query.set('cursor', cursor);
	}
	const answer = await getJson(`v1/jobs?${query.toString()}`);
	const page = isObject(answer) ? answer : {};
	return {
		items: isList(page.items) ? page.items.filter(isObject).map(readJob) : [],
		next: text(page.next) || null,
		total: number(page.total),
	};
}

export async function fetchJobDetail(id: string): Promise<JobDetail> {
	return readDetail(await getJson(at(id)));
}

/** The nodes that have their results so far. */
export async function fetchSteps(id: string): Promise<readonly Step[]> {
	const answer = await getJson(`${at(id)}/steps`);
	const steps = isObject(answer) && isList(answer.steps) ? answer.steps.filter(isObject) : [];
	return steps.map(({ node, ran, why }) => ({
		node: text(node),
		ran: ran === true,
		why: isObject(why) ? { code: text(why.code), text: text(why.text) } : null,
	}));
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
	const answer = await sendJson('POST', `${at(id)}/retry`);
	return isObject(answer) ? text(answer.id) : '';
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
	return readDetail(await sendJson('POST', 'v1/jobs', { ...run }));
}

/** Of pictures below the output folder only: others go with the server. */
export async function deletePicture({ filename, subfolder }: Picture): Promise<void> {
	const path = [...subfolder.split('/'), filename].filter(Boolean).map(encodeURIComponent).join('/');
	await sendJson('DELETE', `v1/images/${path}`);
}

function readDetail(answer: Json): JobDetail {
	const job = isObject(answer) ? answer : {};
	const extra = isObject(job.extra) ? job.extra : {};
	const info = isObject(extra.extra_pnginfo) ? extra.extra_pnginfo : {};
	return {
		...readJob(job),
		prompt: isObject(job.prompt) ? job.prompt : {},
		document: isObject(info.lumengraph) ? info.lumengraph : null,
		sweep: isObject(job.sweep) ? readSweep(job.sweep) : null,
		record: isObject(job.record) ? job.record : null,
	};
}

function readJob(job: JsonObject): JobEntry {
	const failure = isObject(job.failure) ? job.failure : null;
	const outputs = isObject(job.outputs) ? Object.entries(job.outputs) : [];
	return {
		id: text(job.id),
		state: JOB_STATES.find((state) => state === job.state) ?? 'cancelled',
		title: text(job.title),
		client: text(job.client),
		number: number(job.number),
		created: 1000 * number(job.created),
		started: 1000 * number(job.started),
		finished: 1000 * number(job.finished),
		failure: failure === null ? null : { message: text(failure.message), node: text(failure.node) || null },
		outputs: new Map(outputs.map(([node, output]) => [node, readOutput(output)])),
	};
}

function readSweep(table: JsonObject): SweepTable {
	const axes = Object.entries(isObject(table.axes) ? table.axes : {});
	const cells = isList(table.cells) ? table.cells.filter(isObject) : [];
	const names = (value: Json | undefined): string[] => Object.values(isObject(value) ? value : {}).map(text);
	return {
		axes: axes.map(([name, values]) => ({ name, values: isList(values) ? values : [] })),
		cells: cells.map(({ values, nodes }) => ({ values: isObject(values) ? values : {}, nodes: names(nodes) })),
		grids: names(table.grids),
	};
}

function readPaused(answer: Json): boolean {
	return isObject(answer) && answer.paused === true;
}

function at(id: string): string {
	return `v1/jobs/${encodeURIComponent(id)}`;
}

function text(value: Json | undefined): string {
	return typeof value === 'string' ? value : '';
}

function number(value: Json | undefined): number {
	return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}
