/** A tidy layout of a whole graph, by the Eclipse Layout Kernel: layers from left to right, few crossings. */

import type { ELK, ElkExtendedEdge, ElkNode, ElkPort } from 'elkjs/lib/elk-api';
import { FIRST_SOCKET, SOCKET_STEP, type Size } from './columns';
import { movePlaces } from './edit';
import { estimatedSize } from './layout';
import { liveKind } from './live';
import { resolveOutput } from './sockets';
import { linkOf, type Graph, type GraphNode, type Kinds, type NodeId } from './types';

const OPTIONS = {
	'elk.algorithm': 'layered',
	'elk.direction': 'RIGHT',
	'elk.layered.spacing.nodeNodeBetweenLayers': '76',
	'elk.spacing.nodeNode': '34',
	'elk.spacing.componentComponent': '80',
	'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
	'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
};
/** The sockets are where they are drawn, so links run level where they can. */
const PORTS = { 'elk.portConstraints': 'FIXED_POS' };

let kernel: Promise<ELK> | null = null;

/** These nodes, or all, anew; what is moved stays around where it was. Pinned ones stay. */
export async function tidied(
	graph: Graph,
	kinds: Kinds,
	sizes: ReadonlyMap<NodeId, Size>,
	only: ReadonlySet<NodeId>,
): Promise<Graph> {
	const nodes = Object.values(graph.nodes).filter(
		({ id, place }) => place.pinned !== true && (only.size === 0 || only.has(id)),
	);
	if (nodes.length === 0) {
		return graph;
	}
	kernel ??= import('elkjs/lib/elk.bundled.js').then(({ default: Kernel }) => new Kernel());
	const ids = new Set(nodes.map(({ id }) => id));
	const children = nodes.map((node) => toElk(node, kinds, sizes.get(node.id) ?? estimatedSize(node, kinds)));
	const layout = await (await kernel).layout({
		id: 'root',
		layoutOptions: OPTIONS,
		children,
		edges: nodes.flatMap((node) => edgesOf(node, graph, kinds, ids)),
	});
	const left = Math.min(...nodes.map(({ place }) => place.x));
	const top = Math.min(...nodes.map(({ place }) => place.y));
	const places = (layout.children ?? []).map(
		({ id, x = 0, y = 0 }) => [id, { x: Math.round(left + x), y: Math.round(top + y) }] as const,
	);
	return movePlaces(graph, new Map(places));
}

function toElk(node: GraphNode, kinds: Kinds, { width, height }: Size): ElkNode {
	const info = liveKind(kinds.get(node.kind), node);
	const y = (index: number): number => Math.min(height, FIRST_SOCKET + index * SOCKET_STEP);
	const inputs = Object.keys(node.inputs).filter((name) => linkOf(node.inputs[name]) !== null);
	const declared = info?.inputs.map(({ name }) => name) ?? [];
	const rank = (name: string): number => (declared.includes(name) ? declared.indexOf(name) : declared.length);
	const ports: ElkPort[] = [
		...inputs
			.sort((a, b) => rank(a) - rank(b))
			.map((name, index) => ({ id: inputPort(node.id, name), x: 0, y: y(index), width: 0, height: 0 })),
		...(info?.outputs ?? [{ index: 0 }]).map(({ index }) => {
			return { id: outputPort(node.id, index), x: width, y: y(index), width: 0, height: 0 };
		}),
	];
	return { id: node.id, width, height, ports, layoutOptions: PORTS };
}

function edgesOf(node: GraphNode, graph: Graph, kinds: Kinds, ids: ReadonlySet<NodeId>): ElkExtendedEdge[] {
	return Object.entries(node.inputs).flatMap(([name, value]) => {
		const link = linkOf(value);
		const source = link === null ? undefined : graph.nodes[link.node];
		if (link === null || source === undefined || !ids.has(source.id)) {
			return [];
		}
		const info = kinds.get(source.kind);
		const output = info === undefined ? { index: 0 } : resolveOutput(info, link.output);
		return output === null
			? []
			: [
					{
						id: `${node.id}\n${name}`,
						sources: [outputPort(source.id, output.index)],
						targets: [inputPort(node.id, name)],
					},
				];
	});
}

function inputPort(id: NodeId, name: string): string {
	return `${id}\nin\n${name}`;
}

function outputPort(id: NodeId, index: number): string {
	return `${id}\nout\n${index}`;
}
