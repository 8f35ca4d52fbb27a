/** Parts of a graph that no link joins, and how they share the canvas. */

import type { Block } from './columns';
import { readersOf, sourcesOf } from './links';
import type { Graph, GraphNode } from './types';

const ISLAND_GAP = 90;
const SCREEN_RATIO = 1.6;

/** Nodes that no link joins, however indirectly, fall into separate islands. */
export function islands(graph: Graph, nodes: readonly GraphNode[]): GraphNode[][] {
	const readers = readersOf(graph);
	const left = new Map(nodes.map((node) => [node.id, node]));
	const found: GraphNode[][] = [];
	for (const start of nodes) {
		const island: GraphNode[] = [];
		const waiting = left.delete(start.id) ? [start] : [];
		for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
			island.push(node);
			for (const id of [...sourcesOf(graph, node.id), ...(readers.get(node.id) ?? [])]) {
				const neighbour = left.get(id);
				if (neighbour !== undefined) {
					left.delete(id);
					waiting.push(neighbour);
				}
			}
		}
		if (island.length > 0) {
			const members = new Set(island);
			found.push(nodes.filter((node) => members.has(node)));
		}
	}
	return found;
}

/** Blocks side by side in rows, about as wide as a screen in all. */
export function shelve(blocks: readonly Block[]): { block: Block; x: number; y: number }[] {
	const area = blocks.reduce((sum, { width, height }) => sum + (width + ISLAND_GAP) * (height + ISLAND_GAP), 0);
	const room = Math.sqrt(area * SCREEN_RATIO);
	const placed: { block: Block; x: number; y: number }[] = [];
	let [x, y, tallest] = [0, 0, 0];
	for (const block of blocks) {
		if (x > 0 && x + block.width > room) {
			[x, y, tallest] = [0, y + tallest + ISLAND_GAP, 0];
		}
		placed.push({ block, x, y });
		x += block.width + ISLAND_GAP;
		tallest = Math.max(tallest, block.height);
	}
	return placed;
}
