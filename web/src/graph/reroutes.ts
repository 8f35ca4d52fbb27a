/** Points that links are drawn through. They change nothing of what runs. */

import { freeId } from './names';
import { linkOf, outerOf, type Graph, type NodeId, type Reroute } from './types';

export interface End {
	readonly node: NodeId;
	readonly input: string;
}

export interface Spot {
	readonly x: number;
	readonly y: number;
}

/** A link by the input where it ends. */
export function endKey({ node, input }: End): string {
	return JSON.stringify([node, input]);
}

/** For each link that has some, the ids of its points from its source to its end. */
export function pointsByLink(reroutes: Graph['reroutes']): ReadonlyMap<string, readonly string[]> {
	const found = new Map<string, string[]>();
	const ids = Object.keys(reroutes).sort((a, b) => depth(reroutes, a) - depth(reroutes, b));
	for (const id of ids) {
		for (const end of reroutes[id]?.links ?? []) {
			const key = endKey(end);
			const known = found.get(key);
			if (known === undefined) {
				found.set(key, [id]);
			} else {
				known.push(id);
			}
		}
	}
	return found;
}

/** Puts a point into a link, between the two points or ends that it lies nearest to. */
export function addReroute(graph: Graph, end: End, at: Spot, from: Spot, to: Spot): { graph: Graph; id: string } {
	const chain = pointsByLink(graph.reroutes).get(endKey(end)) ?? [];
	const spots = [from, ...chain.map((id) => graph.reroutes[id] ?? at), to];
	const index = nearestGap(spots, at);
	const after = chain[index - 1] ?? null;
	const next = chain[index];
	const id = freeId('point', (taken) => Object.hasOwn(graph.reroutes, taken));
	// All that run through the next point come through the new one.
	const links = next === undefined ? [end] : (graph.reroutes[next]?.links ?? [end]);
	const point: Reroute = { x: Math.round(at.x), y: Math.round(at.y), after, links, extra: {} };
	const moved = next === undefined ? {} : { [next]: { ...graph.reroutes[next]!, after: id } };
	return { graph: { ...graph, reroutes: { ...graph.reroutes, [id]: point, ...moved } }, id };
}

/** Without these points; those behind them follow those before. */
export function removeReroutes(graph: Graph, ids: readonly string[]): Graph {
	const gone = new Set(ids.filter((id) => Object.hasOwn(graph.reroutes, id)));
	return gone.size === 0 ? graph : { ...graph, reroutes: kept(graph.reroutes, (id) => !gone.has(id)) };
}

/** Without the points that no link runs through any more, and without links that are gone or have another source. */
export function settleReroutes(graph: Graph, before: Graph = graph): Graph {
	if (Object.keys(graph.reroutes).length === 0) {
		return graph;
	}
	let changed = false;
	const reroutes = Object.fromEntries(
		Object.entries(graph.reroutes).map(([id, point]) => {
			const links = point.links.filter((end) => isLinked(graph, end) && sameSource(before, graph, end));
			changed ||= links.length !== point.links.length || links.length === 0;
			return [id, links.length === point.links.length ? point : { ...point, links }] as const;
		}),
	);
	return changed ? { ...graph, reroutes: kept(reroutes, (id) => reroutes[id]!.links.length > 0) } : graph;
}

/** The points with other ids and ends, for graphs that are copied into others; ends that `rename` does not know are left out. */
export function renamedReroutes(
	reroutes: Graph['reroutes'],
	taken: Graph['reroutes'],
	rename: (node: NodeId) => NodeId | undefined,
	offset: Spot,
): { readonly reroutes: Graph['reroutes']; readonly ids: readonly string[] } {
	const names = new Map<string, string>();
	const used = new Set(Object.keys(taken));
	for (const id of Object.keys(reroutes)) {
		const free = freeId(id, (name) => used.has(name));
		used.add(free);
		names.set(id, free);
	}
	const next = Object.fromEntries(
		Object.entries(reroutes).map(([id, point]): [string, Reroute] => {
			const links = point.links.flatMap((end) => {
				const node = rename(end.node);
				return node === undefined ? [] : [{ ...end, node }];
			});
			const after = point.after === null ? null : (names.get(point.after) ?? null);
			return [names.get(id) ?? id, { ...point, x: point.x + offset.x, y: point.y + offset.y, after, links }];
		}),
	);
	const left = kept(next, (id) => next[id]!.links.length > 0);
	return { reroutes: left, ids: Object.keys(left) };
}

/** Where in a line of spots another one makes the smallest detour: 0 is before the second. */
export function nearestGap(spots: readonly Spot[], at: Spot): number {
	let best = { index: 0, detour: Infinity };
	for (let index = 0; index + 1 < spots.length; index += 1) {
		const [a, b] = [spots[index]!, spots[index + 1]!];
		const detour = distance(a, at) + distance(at, b) - distance(a, b);
		best = detour < best.detour ? { index, detour } : best;
	}
	return best.index;
}

function kept(reroutes: Graph['reroutes'], stays: (id: string) => boolean): Graph['reroutes'] {
	const before = (id: string | null): string | null => {
		const seen = new Set<string>();
		let at = id;
		while (at !== null && !stays(at) && !seen.has(at)) {
			seen.add(at);
			at = reroutes[at]?.after ?? null;
		}
		return at !== null && seen.has(at) ? null : at;
	};
	return Object.fromEntries(
		Object.entries(reroutes).flatMap(([id, point]) => {
			if (!stays(id)) {
				return [];
			}
			const after = point.after === null || !Object.hasOwn(reroutes, point.after) ? point.after : before(point.after);
			return [[id, after === point.after ? point : { ...point, after }] as const];
		}),
	);
}

/** How many points come before it; a ring, which only a file can bring, ends where it began. */
function depth(reroutes: Graph['reroutes'], id: string): number {
	const seen = new Set([id]);
	let at = reroutes[id]?.after ?? null;
	while (at !== null && Object.hasOwn(reroutes, at) && !seen.has(at)) {
		seen.add(at);
		at = reroutes[at]?.after ?? null;
	}
	return seen.size;
}

function isLinked(graph: Graph, { node, input }: End): boolean {
	const value = graph.nodes[node]?.inputs[input];
	return linkOf(value) !== null || outerOf(value) !== null;
}

function sameSource(before: Graph, after: Graph, { node, input }: End): boolean {
	const [old, next] = [before.nodes[node]?.inputs[input], after.nodes[node]?.inputs[input]];
	const [a, b] = [linkOf(old), linkOf(next)];
	return old === next || (a?.node === b?.node && a?.output === b?.output && outerOf(old) === outerOf(next));
}

function distance(a: Spot, b: Spot): number {
	return Math.hypot(a.x - b.x, a.y - b.y);
}
