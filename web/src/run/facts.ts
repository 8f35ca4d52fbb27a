/** What is worth telling of a job: the values that people ask for when they see a picture. */

import { isList, isObject, type Json, type JsonObject } from '../json';
import type { JobDetail } from '../api/jobs';

export interface Facts {
	readonly seeds: readonly string[];
	/** The longest first. */
	readonly texts: readonly string[];
	/** Model files. */
	readonly models: readonly string[];
	/** What it ran with, name and value. */
	readonly record: readonly (readonly [string, string])[];
}

export function factsOf({ prompt, record }: Pick<JobDetail, 'prompt' | 'record'>): Facts {
	const values = Object.values(prompt).flatMap((node) =>
		isObject(node) && isObject(node.inputs) ? Object.entries(node.inputs) : [],
	);
	const named = (wanted: (name: string, value: Json) => boolean): string[] => [
		...new Set(values.filter(([name, value]) => !isList(value) && wanted(name, value)).map(([, value]) => String(value))),
	];
	return {
		seeds: named((name, value) => /(^|_)seed$/.test(name) && (typeof value === 'number' || typeof value === 'bigint')),
		texts: named((name, value) => /(^|_)(text|prompt)(_|$)/.test(name) && typeof value === 'string' && value.trim() !== '').sort(
			(a, b) => b.length - a.length,
		),
		models: named((_name, value) => typeof value === 'string' && /\.(safetensors|ckpt|pt|pth|gguf|bin)$/.test(value)),
		record: record === null ? [] : plain(record),
	};
}

/** The plain values of a record, and those one level below. */
function plain(record: JsonObject): [string, string][] {
	return Object.entries(record).flatMap(([name, value]): [string, string][] => {
		if (isObject(value)) {
			const inner = Object.entries(value).filter(([, one]) => isPlain(one));
			return inner.length === 0 ? [] : [[name, inner.map(([key, one]) => `${key} ${String(one)}`).join(', ')]];
		}
		return isPlain(value) && value !== '' ? [[name, String(value)]] : [];
	});
}

function isPlain(value: Json): boolean {
	return value !== null && typeof value !== 'object';
}
