/**
 * One island of nodes in columns by depth. A link over several columns reserves a lane in those between, and lanes are
 * kept straight first, so that links run beside nodes rather than beneath them.
 */

import { hasWidget } from './defaults';
import { liveKind } from './live';
import { depths, readersOf, sourcesOf } from './links';
import { resolveOutput } from './sockets';
import { linkOf, type Graph, type GraphNode, type Kinds, type NodeId } from './types';

/** From the top of a node to its first socket, and from socket to socket. */
export const FIRST_SOCKET = 56;
export const SOCKET_STEP = 24;
export const ROW_GAP = 34;
const COLUMN_GAP = 76;
const LANE_GAP = 14;
const LANE_HEIGHT = 6;
const LANE_WEIGHT = 6;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;

export interface Size {
	readonly width: number;
	readonly height: number;
}

/** Nodes that hang together, placed from a corner of their own. */
export interface Block extends Size {
	readonly entries: readonly { readonly node: GraphNode; readonly x: number; readonly y: number }[];
}

/** What stands in a column: a node, or the lane of a link that passes by. */
interface Item {
	readonly key: string;
	readonly node: GraphNode | null;
	readonly width: number;
	readonly height: number;
	readonly weight: number;
	/** Ends of links, with where they meet this item and the other. */
	readonly left: Wire[];
	readonly right: Wire[];
	y: number;
}

interface Wire {
	readonly to: Item;
	readonly here: number;
	readonly there: number;
}

export function toBlock(
	graph: Graph,
	island: readonly GraphNode[],
	kinds: Kinds,
	size: (node: GraphNode) => Size,
): Block {
	const columns = toColumns(graph, island, kinds, size);
	order(columns);
	place(columns);
	const items = columns.flat().filter((item) => item.node !== null);
	const top = Math.min(...items.map((item) => item.y));
	const entries: { node: GraphNode; x: number; y: number }[] = [];
	let x = 0;
	for (const column of columns) {
		for (const { node, y } of column) {
			if (node !== null) {
				entries.push({ node, x, y: y - top });
			}
		}
		x += Math.max(0, ...column.map((item) => item.width)) + COLUMN_GAP;
	}
	return { entries, width: x - COLUMN_GAP, height: Math.max(...items.map((item) => item.y + item.height)) - top };
}

function toColumns(graph: Graph, nodes: readonly GraphNode[], kinds: Kinds, size: (node: GraphNode) => Size): Item[][] {
	const column = columnNumbers(graph, nodes);
	const columns = Array.from({ length: Math.max(...column.values()) + 1 }, (): Item[] => []);
	const items = new Map<NodeId, Item>();
	for (const node of nodes) {
		const item: Item = { key: node.id, node, ...size(node), weight: 1, left: [], right: [], y: 0 };
		items.set(node.id, item);
		columns[column.get(node.id) ?? 0]?.push(item);
	}
	const lanes = new Map<string, Item>();
	for (const node of nodes) {
		const target = items.get(node.id);
		for (const { source, output, input } of wiresInto(graph, node, kinds)) {
			const start = items.get(source);
			if (start === undefined || target === undefined || (column.get(source) ?? 0) >= (column.get(node.id) ?? 0)) {
				continue;
			}
			let before = start;
			let leaves = FIRST_SOCKET + output * SOCKET_STEP;
			for (let at = (column.get(source) ?? 0) + 1; at < (column.get(node.id) ?? 0); at += 1) {
				// Links from one output share their lane.
				const key = `${source}\n${output}\n${at}`;
				const known = lanes.get(key);
				const lane: Item = known ?? {
					key,
					node: null,
					width: 0,
					height: LANE_HEIGHT,
					weight: LANE_WEIGHT,
					left: [],
					right: [],
					y: 0,
				};
				if (known === undefined) {
					lanes.set(key, lane);
					columns[at]?.push(lane);
					wire(before, leaves, lane, LANE_HEIGHT / 2);
				}
				before = lane;
				leaves = LANE_HEIGHT / 2;
			}
			wire(before, leaves, target, FIRST_SOCKET + input * SOCKET_STEP);
		}
	}
	return columns.filter((items) => items.length > 0);
}

function columnNumbers(graph: Graph, nodes: readonly GraphNode[]): Map<NodeId, number> {
	const depth = depths(graph);
	const readers = readersOf(graph);
	return new Map(
		nodes.map(({ id }) => {
			const next = (readers.get(id) ?? []).map((reader) => depth.get(reader) ?? 0);
			// A node without sources stands right before its first reader, so that its link does not cross the whole canvas.
			const late = sourcesOf(graph, id).length === 0 && next.length > 0;
			return [id, late ? Math.max(0, Math.min(...next) - 1) : (depth.get(id) ?? 0)];
		}),
	);
}

function wiresInto(graph: Graph, node: GraphNode, kinds: Kinds): { source: NodeId; output: number; input: number }[] {
	const info = liveKind(kinds.get(node.kind), node);
	// Sockets without a widget stand on top of a node, the others below them.
	const names =
		info === undefined
			? Object.keys(node.inputs)
			: info.inputs.toSorted((a, b) => Number(hasWidget(a)) - Number(hasWidget(b))).map(({ name }) => name);
	return Object.entries(node.inputs).flatMap(([name, value]) => {
		const link = linkOf(value);
		const source = link === null ? undefined : graph.nodes[link.node];
		if (link === null || source === undefined) {
			return [];
		}
		const output = resolveOutput(kinds.get(source.kind), link.output)?.index ?? 0;
		return [{ source: link.node, output, input: Math.max(0, names.indexOf(name)) }];
	});
}

function wire(from: Item, here: number, to: Item, there: number): void {
	from.right.push({ to, here, there });
	to.left.push({ to: from, here: there, there: here });
}

/** Puts each item between those it is linked to, sweeping forth and back. */
function order(columns: readonly Item[][]): void {
	const rank = new Map<Item, number>();
	const note = (column: readonly Item[]): void => {
		column.forEach((item, index) => rank.set(item, (index + 0.5) / column.length));
	};
	columns.forEach(note);
	for (let sweep = 0; sweep < ORDER_SWEEPS; sweep += 1) {
		const forward = sweep % 2 === 0;
		for (const column of forward ? columns : columns.toReversed()) {
			const wanted = new Map(
				column.map((item) => {
					// The socket's height breaks ties among links to the same node.
					const ranks = (forward ? item.left : item.right).map(({ to, there }) => (rank.get(to) ?? 0) + there / 1e5);
					return [item, ranks.length === 0 ? (rank.get(item) ?? 0) : mean(ranks)];
				}),
			);
			column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
			note(column);
		}
	}
}

/** Heights that keep links level, as far as nothing overlaps. */
function place(columns: readonly Item[][]): void {
	for (const column of columns) {
		stack(
			column,
			column.map(() => 0),
		);
	}
	for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
		const forward = sweep % 2 === 0;
		for (const column of forward ? columns : columns.toReversed()) {
			const wanted = column.map((item) => {
				const side = forward ? item.left : item.right;
				const wires = side.length > 0 ? side : [...item.left, ...item.right];
				return wires.length === 0 ? item.y : mean(wires.map(({ to, here, there }) => to.y + there - here));
			});
			stack(column, wanted);
		}
	}
}

/** Least squares under "in this order, without overlap": pools of neighbours that would collide share one shift. */
function stack(column: readonly Item[], wanted: readonly number[]): void {
	let offset = 0;
	const pools: { items: { item: Item; offset: number }[]; weight: number; sum: number }[] = [];
	column.forEach((item, index) => {
		const before = column[index - 1];
		if (before !== undefined) {
			offset += before.height + (before.node === null || item.node === null ? LANE_GAP : ROW_GAP);
		}
		let pool = { items: [{ item, offset }], weight: item.weight, sum: ((wanted[index] ?? 0) - offset) * item.weight };
		for (
			let last = pools.at(-1);
			last !== undefined && last.sum / last.weight >= pool.sum / pool.weight;
			last = pools.at(-1)
		) {
			pools.pop();
			pool = { items: [...last.items, ...pool.items], weight: last.weight + pool.weight, sum: last.sum + pool.sum };
		}
		pools.push(pool);
	});
	for (const pool of pools) {
		for (const entry of pool.items) {
			entry.item.y = pool.sum / pool.weight + entry.offset;
		}
	}
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}
