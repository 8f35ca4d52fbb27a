/** What `/v1/check` tells beside problems: what would run, how long that takes, and what it needs. */

import { isList, isObject, type Json } from '../json';

export interface Preflight {
	/** Nodes that are in the cache, and those that would run; null if that cannot be told. */
	readonly outlook: { readonly cached: number; readonly pending: number; readonly seconds: number | null; readonly untimed: number } | null;
	/** Bytes at most, and how many there are; null if it needs no model, or nobody knows. */
	readonly memory: { readonly peak: number; readonly budget: number; readonly place: string; readonly refused: boolean } | null;
	/** Model files that the workflow asks for and that are not here. */
	readonly models: readonly string[];
	readonly kinds: readonly string[];
}

export const NO_PREFLIGHT: Preflight = { outlook: null, memory: null, models: [], kinds: [] };

export function readPreflight(answer: Json): Preflight {
	if (!isObject(answer)) {
		return NO_PREFLIGHT;
	}
	const { outlook, memory } = answer;
	const count = (value: Json | undefined): number => (isList(value) ? value.length : 0);
	const nodes = isObject(memory) && isList(memory.nodes) ? memory.nodes.filter(isObject) : [];
	return {
		outlook: isObject(outlook)
			? {
					cached: count(outlook.cached),
					pending: count(outlook.pending),
					seconds: typeof outlook.seconds === 'number' ? outlook.seconds : null,
					untimed: count(outlook.untimed),
				}
			: null,
		memory:
			isObject(memory) && nodes.length > 0
				? {
						peak: Number(memory.peak ?? 0),
						budget: Number(memory.budget ?? 0),
						place: String(memory.place ?? ''),
						refused: nodes.some((node) => node.plan === 'refused'),
					}
				: null,
		models: names(answer.models, 'name'),
		kinds: names(answer.missing, 'kind'),
	};
}

function names(list: Json | undefined, key: string): string[] {
	return (isList(list) ? list.filter(isObject) : []).flatMap((entry) => {
		const name = entry[key];
		return typeof name === 'string' ? [name] : [];
	});
}
