/** Seeds that change from run to run. The seed is moved before a run, so the one on the canvas made the picture on the canvas. */

import { isObject, own, type Json } from '../json';
import { setConstant, updateNode } from './edit';
import { constantOf, type Graph, type GraphNode, type InputInfo, type Kinds } from './types';

export const SEED_MODES = ['fixed', 'randomise', 'increment'] as const;
export type SeedMode = (typeof SEED_MODES)[number];

const SEED_NAMES = ['seed', 'noise_seed'];
const PLACE_KEY = 'seeds';

export function isSeed(input: InputInfo): boolean {
	const marked = input.options.control_after_generate;
	return input.type === 'INT' && ((marked !== undefined && marked !== false) || SEED_NAMES.includes(input.name));
}

export function seedMode(node: GraphNode, input: string): SeedMode {
	const modes = node.place.extra[PLACE_KEY];
	const mode = isObject(modes) ? own(modes, input) : undefined;
	return SEED_MODES.find((known) => known === mode) ?? 'fixed';
}

export function setSeedMode(graph: Graph, id: string, input: string, mode: SeedMode): Graph {
	return updateNode(graph, id, (node) => {
		const modes = isObject(node.place.extra[PLACE_KEY]) ? node.place.extra[PLACE_KEY] : {};
		return {
			...node,
			place: { ...node.place, extra: { ...node.place.extra, [PLACE_KEY]: { ...modes, [input]: mode } } },
		};
	});
}

export function randomSeed(random: () => number = Math.random): number {
	return Math.floor(random() * 2 ** 53);
}

/** `used` tells whether a value has been queued before: an increment starts from the seed that was typed. */
export function advanceSeeds(
	graph: Graph,
	kinds: Kinds,
	used: (id: string, input: string, value: Json) => boolean,
	random: () => number = Math.random,
): Graph {
	let next = graph;
	for (const node of Object.values(graph.nodes)) {
		for (const input of kinds.get(node.kind)?.inputs.filter(isSeed) ?? []) {
			const value = constantOf(node.inputs[input.name]);
			const mode = seedMode(node, input.name);
			if (value === undefined || mode === 'fixed') {
				continue;
			}
			if (mode === 'randomise') {
				next = setConstant(next, node.id, input.name, randomSeed(random));
			} else if (used(node.id, input.name, value)) {
				next = setConstant(next, node.id, input.name, increment(value, input.options.max));
			}
		}
	}
	return next;
}

function increment(value: Json, max: Json | undefined): Json {
	if (typeof value !== 'number' && typeof value !== 'bigint') {
		return value;
	}
	if ((typeof max === 'number' || typeof max === 'bigint') && value >= max) {
		return 0;
	}
	const next = (typeof value === 'bigint' ? value : BigInt(Math.trunc(value))) + 1n;
	return next <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(next) : next;
}
