/** Where nodes stand when nobody has placed them: left to right by depth, islands side by side. */

import { FIRST_SOCKET, ROW_GAP, SOCKET_STEP, toBlock, type Size } from './columns';
import { hasWidget } from './defaults';
import { liveKind } from './live';
import { islands, shelve } from './islands';
import { NO_KINDS, type Graph, type GraphNode, type Kinds, type NodeId } from './types';

export const NODE_WIDTH = 270;

interface Arrangement {
	readonly kinds?: Kinds;
	/** Sizes as drawn, where known. */
	readonly sizes?: ReadonlyMap<NodeId, Size>;
	/** Place only these; the others stay where they are, and these go below them. */
	readonly only?: ReadonlySet<NodeId>;
}

export function arrange(graph: Graph, { kinds = NO_KINDS, sizes, only }: Arrangement = {}): Graph {
	const moved = Object.values(graph.nodes).filter((node) => only === undefined || only.has(node.id));
	const fixed = Object.values(graph.nodes).filter((node) => only !== undefined && !only.has(node.id));
	if (moved.length === 0) {
		return graph;
	}
	const size = (node: GraphNode): Size => sizes?.get(node.id) ?? estimatedSize(node, kinds);
	const left = fixed.length === 0 ? 0 : Math.min(...fixed.map((node) => node.place.x));
	const top = fixed.length === 0 ? 0 : Math.max(...fixed.map((node) => node.place.y + size(node).height)) + ROW_GAP;
	const blocks = islands(graph, moved).map((island) => toBlock(graph, island, kinds, size));
	const nodes = { ...graph.nodes };
	for (const { block, x, y } of shelve(blocks)) {
		for (const entry of block.entries) {
			const at = { x: Math.round(left + x + entry.x), y: Math.round(top + y + entry.y) };
			nodes[entry.node.id] = { ...entry.node, place: { ...entry.node.place, ...at } };
		}
	}
	return { ...graph, nodes };
}

/** Good enough before the first drawing; what the browser measured replaces it. */
export function estimatedSize(node: GraphNode, kinds: Kinds): Size {
	const info = liveKind(kinds.get(node.kind), node);
	const width = node.place.width ?? NODE_WIDTH;
	if (info === undefined) {
		return { width, height: 60 + Object.keys(node.inputs).length * 26 };
	}
	const widgets = info.inputs.filter(hasWidget);
	const tall = widgets.filter(
		({ type, options }) =>
			options.multiline === true || options.image_upload === true || type === 'CURVE' || options.display === 'curve',
	);
	const sockets = Math.max(info.inputs.length - widgets.length, info.outputs.length);
	return { width, height: FIRST_SOCKET - 4 + sockets * SOCKET_STEP + widgets.length * 31 + tall.length * 60 };
}
