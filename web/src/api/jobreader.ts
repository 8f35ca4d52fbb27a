/** What the server tells of jobs, as `/v1/jobs` does. Fields that are missing or of another type are taken as empty. */

import { isList, isObject, type Json, type JsonObject } from '../json';
import { count, countOrNull, object, objects, text, textOrNull, texts } from '../fields';
import { readOutput } from './messages';
import type { NodeOutput } from './types';

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
const JOB_STATES: readonly JobState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];
export const OVER: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

export interface JobEntry {
	readonly id: string;
	readonly state: JobState;
	readonly title: string;
	readonly client: string;
	readonly number: number;
	/** Milliseconds since the epoch; null: it has not come to that. */
	readonly created: number;
	readonly started: number | null;
	readonly finished: number | null;
	readonly attempts: number;
	/** Why it failed, and at which node. */
	readonly failure: JobFailure | null;
	readonly outputs: ReadonlyMap<string, NodeOutput>;
}

export interface JobDetail extends JobEntry {
	/** Its place among the waiting ones, from 0. */
	readonly position: number | null;
	/** In API form. */
	readonly prompt: JsonObject;
	/** The native document it was made of; null for jobs that came without. */
	readonly document: JsonObject | null;
	readonly sweep: SweepTable | null;
	readonly record: RunRecord | null;
}

export interface JobFailure {
	readonly message: string;
	readonly exception: string;
	readonly node: string | null;
	readonly kind: string;
	readonly traceback: string;
	/** What its worker wrote last, if it died of it. */
	readonly log: readonly string[];
}

/** What it ran with. */
export interface RunRecord {
	/** Programs and libraries with their versions. */
	readonly versions: readonly (readonly [string, string])[];
	readonly device: string;
	readonly profile: string;
	readonly files: readonly { readonly folder: string; readonly name: string; readonly digest: string }[];
}

/** What a sweep is made of: the values of each axis, and for each combination the nodes that show its results. */
export interface SweepTable {
	readonly axes: readonly { readonly name: string; readonly values: readonly Json[] }[];
	readonly cells: readonly { readonly values: JsonObject; readonly nodes: readonly string[] }[];
	/** The nodes that save all as one picture. */
	readonly grids: readonly string[];
}

export interface JobStep {
	readonly node: string;
	readonly kind: string;
	readonly ran: boolean;
	readonly why: Why | null;
	readonly seconds: number;
	readonly error: string | null;
}

/** What an input was given: a constant as JSON, cut short, or an output of a node. */
export interface Given {
	readonly constant: string | null;
	readonly node: string | null;
	readonly output: number;
}

/** Why a node ran, or did not: `text` in the server's own words, the rest to say the same in others. */
export interface Why {
	readonly code: string;
	readonly text: string;
	readonly cause: string | null;
	/** null: not given. */
	readonly changes: readonly { readonly input: string; readonly before: Given | null; readonly after: Given | null }[];
	/** How many inputs changed beside those. */
	readonly more: number;
	readonly nodes: readonly string[];
	/** Of the node's code, before and after; empty if that has not changed. */
	readonly versions: readonly string[];
}

/** How long it ran, in seconds; null before its end, and for one that never began. */
export function secondsOf({ started, finished }: JobEntry): number | null {
	return started === null || finished === null ? null : (finished - started) / 1000;
}

export function readJob(job: JsonObject): JobEntry {
	return {
		id: text(job.id),
		state: JOB_STATES.find((state) => state === job.state) ?? 'cancelled',
		title: text(job.title),
		client: text(job.client),
		number: count(job.number),
		created: 1000 * count(job.created),
		started: milliseconds(job.started),
		finished: milliseconds(job.finished),
		attempts: count(job.attempts),
		failure: isObject(job.failure) ? readFailure(job.failure) : null,
		outputs: new Map(Object.entries(object(job.outputs)).map(([node, output]) => [node, readOutput(output)])),
	};
}

export function readDetail(job: JsonObject): JobDetail {
	const info = object(object(job.extra).extra_pnginfo);
	return {
		...readJob(job),
		position: countOrNull(job.position),
		prompt: object(job.prompt),
		document: isObject(info.lumengraph) ? info.lumengraph : null,
		sweep: isObject(job.sweep) ? readSweep(job.sweep) : null,
		record: isObject(job.record) ? readRecord(job.record) : null,
	};
}

export function readStep(step: JsonObject): JobStep {
	return {
		node: text(step.node),
		kind: text(step.kind),
		ran: step.ran === true,
		why: isObject(step.why) ? readWhy(step.why) : null,
		seconds: count(step.seconds),
		error: textOrNull(step.error),
	};
}

function readWhy(why: JsonObject): Why {
	return {
		code: text(why.code),
		text: text(why.text),
		cause: textOrNull(why.cause),
		changes: objects(why.changes).map(({ input, before, after }) => ({
			input: text(input),
			before: readGiven(before),
			after: readGiven(after),
		})),
		more: count(why.more),
		nodes: texts(why.nodes),
		versions: texts(why.versions),
	};
}

function readGiven(given: Json | undefined): Given | null {
	return isObject(given)
		? { constant: textOrNull(given.constant), node: textOrNull(given.node), output: count(given.output) }
		: null;
}

function readFailure(failure: JsonObject): JobFailure {
	return {
		message: text(failure.message),
		exception: text(failure.exception_type),
		node: textOrNull(failure.node),
		kind: text(failure.kind),
		traceback: texts(failure.traceback).join(''),
		log: texts(failure.log),
	};
}

function readRecord(record: JsonObject): RunRecord {
	const named = (value: JsonObject): (readonly [string, string])[] =>
		Object.entries(value).map(([name, version]) => [name, text(version)]);
	return {
		versions: [
			['Lumengraph', text(record.program)],
			['Python', text(record.python)],
			...named(object(record.libraries)),
			...named(object(record.packs)),
		],
		device: [text(record.device), text(record.processor)].filter(Boolean).join(' · '),
		profile: [text(record.profile), text(record.precision)].filter(Boolean).join(' · '),
		files: [...objects(record.models), ...objects(record.inputs)].map((file) => ({
			folder: text(file.folder),
			name: text(file.name),
			digest: text(file.digest),
		})),
	};
}

function readSweep(table: JsonObject): SweepTable {
	const names = (value: Json | undefined): string[] => Object.values(object(value)).map(text);
	return {
		axes: Object.entries(object(table.axes)).map(([name, values]) => ({ name, values: isList(values) ? values : [] })),
		cells: objects(table.cells).map(({ values, nodes }) => ({ values: object(values), nodes: names(nodes) })),
		grids: names(table.grids),
	};
}

function milliseconds(seconds: Json | undefined): number | null {
	const known = countOrNull(seconds);
	return known === null ? null : 1000 * known;
}
