/** A job with all that the server knows of it. */

import { isObject, type JsonObject } from '../json';
import { count, countOrNull, object, objects, text, textOrNull, texts } from './fields';
import { getJson } from './http';
import { readOutput } from './messages';
import type { NodeOutput } from './types';

export const OVER = ['succeeded', 'failed', 'cancelled'];

export interface JobDetail {
	readonly id: string;
	readonly state: string;
	readonly title: string;
	readonly client: string;
	/** Milliseconds since the epoch; null: not yet. */
	readonly created: number;
	readonly started: number | null;
	readonly finished: number | null;
	readonly attempts: number;
	/** Its place among the waiting ones, from 0. */
	readonly position: number | null;
	/** The graph in API form. */
	readonly prompt: JsonObject;
	/** The document it was queued from, if it was ours. */
	readonly document: JsonObject | null;
	readonly outputs: ReadonlyMap<string, NodeOutput>;
	readonly failure: JobFailure | null;
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

export interface JobStep {
	readonly node: string;
	readonly kind: string;
	readonly ran: boolean;
	readonly why: { readonly code: string; readonly text: string } | null;
	readonly seconds: number;
	readonly error: string | null;
}

export async function fetchJobDetail(id: string): Promise<JobDetail> {
	return readJob(object(await getJson(`v1/jobs/${encodeURIComponent(id)}`)));
}

export async function fetchJobSteps(id: string): Promise<readonly JobStep[]> {
	return objects(object(await getJson(`v1/jobs/${encodeURIComponent(id)}/steps`)).steps).map((step) => ({
		node: text(step.node),
		kind: text(step.kind),
		ran: step.ran === true,
		why: isObject(step.why) ? { code: text(step.why.code), text: text(step.why.text) } : null,
		seconds: count(step.seconds),
		error: textOrNull(step.error),
	}));
}

/** The newest job of all, or null. */
export async function fetchLatestJob(): Promise<string | null> {
	return textOrNull(objects(object(await getJson('v1/jobs?limit=1')).items)[0]?.id);
}

export function readJob(job: JsonObject): JobDetail {
	const info = object(object(job.extra).extra_pnginfo);
	const document = isObject(info.lumengraph) ? info.lumengraph : null;
	const milliseconds = (seconds: number | null): number | null => (seconds === null ? null : 1000 * seconds);
	return {
		id: text(job.id),
		state: text(job.state),
		title: text(document?.title),
		client: text(job.client),
		created: 1000 * count(job.created),
		started: milliseconds(countOrNull(job.started)),
		finished: milliseconds(countOrNull(job.finished)),
		attempts: count(job.attempts),
		position: countOrNull(job.position),
		prompt: object(job.prompt),
		document,
		outputs: new Map(Object.entries(object(job.outputs)).map(([node, output]) => [node, readOutput(output)])),
		failure: isObject(job.failure) ? readFailure(job.failure) : null,
		record: isObject(job.record) ? readRecord(job.record) : null,
	};
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
