/** Nodes as text on the clipboard: a small document of the native format. */

import { isObject, parseJson, writeJson, type Json } from '../json';
import { readDocument, writeDocument } from './document';
import { liveKind } from './live';
import { freeId } from './names';
import { canJoin, inputType, resolveOutput } from './sockets';
import { linkOf, nodeOf, type Graph, type GraphNode, type InputValue, type Kinds, type NodeId } from './types';

export function copyNodes(graph: Graph, ids: ReadonlySet<NodeId>): string {
	const nodes = Object.fromEntries(
		Object.values(graph.nodes)
			.filter((node) => ids.has(node.id))
			.map((node) => [node.id, node]),
	);
	return writeJson(
		writeDocument({ ...graph, title: '', description: '', nodes, inputs: {}, outputs: {}, extra: {} }),
		'\t',
	);
}

/** The nodes in a text, or null when it holds none. */
export function readClipboard(text: string, kinds: Kinds): Graph | null {
	let value: Json;
	try {
		value = parseJson(text);
	} catch {
		return null;
	}
	try {
		return isObject(value) && value.lumengraph !== undefined ? readDocument(value, kinds) : null;
	} catch {
		return null;
	}
}

/**
 * Adds copies with new ids. Links among the copies stay among them; a link from outside is kept where this graph has
 * that node and the types still fit, so that a copied sampler keeps its model.
 */
export function pasteNodes(
	graph: Graph,
	pasted: Graph,
	kinds: Kinds,
	offset: { x: number; y: number },
): { graph: Graph; ids: NodeId[] } {
	const nodes = { ...graph.nodes };
	const renamed = new Map<NodeId, NodeId>();
	for (const id of Object.keys(pasted.nodes)) {
		const taken = new Set(renamed.values());
		renamed.set(
			id,
			freeId(id, (name) => Object.hasOwn(graph.nodes, name) || taken.has(name)),
		);
	}
	for (const node of Object.values(pasted.nodes)) {
		const id = renamed.get(node.id) ?? node.id;
		const place = { ...node.place, x: node.place.x + offset.x, y: node.place.y + offset.y };
		nodes[id] = { ...node, id, place, inputs: pastedInputs(node, renamed, graph, kinds) };
	}
	return { graph: { ...graph, nodes }, ids: [...renamed.values()] };
}

function pastedInputs(
	node: GraphNode,
	renamed: ReadonlyMap<NodeId, NodeId>,
	graph: Graph,
	kinds: Kinds,
): { [name: string]: InputValue } {
	const inputs: { [name: string]: InputValue } = {};
	for (const [name, value] of Object.entries(node.inputs)) {
		const link = linkOf(value);
		const copy = link && renamed.get(link.node);
		if (link === null) {
			inputs[name] = value;
		} else if (copy) {
			inputs[name] = { link: { ...link, node: copy } };
		} else {
			const source = nodeOf(graph, link.node);
			const output = resolveOutput(source && kinds.get(source.kind), link.output);
			if (output !== null && canJoin(output.type, inputType(liveKind(kinds.get(node.kind), node), name))) {
				inputs[name] = value;
			}
		}
	}
	return inputs;
}
