/** What is worth telling of a job: the values that people ask for when they see a picture. */

import { isList, isObject, type Json } from '../json';
import type { JobDetail } from '../api/jobreader';

export interface Facts {
	readonly seeds: readonly string[];
	/** The longest first. */
	readonly texts: readonly string[];
	/** Model files. */
	readonly models: readonly string[];
}

export function factsOf({ prompt }: Pick<JobDetail, 'prompt'>): Facts {
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
	};
}
