/** Nodes into a subgraph and out of it again, and what a definition takes from outside. */

import { text } from '../fields';
import { isObject, type Json, type JsonObject } from '../json';
import { addressIn, changeFromOutside, mapEntries, pointsAt } from './addresses';
import { defaultValue, hasWidget } from './defaults';
import { emptyGraph, graphAt, withGraph, type Doc, type Scope } from './doc';
import { liveKind } from './live';
import { freeId, readableId } from './names';
import { renamedReroutes, settleReroutes } from './reroutes';
import { inputOf, resolveOutput } from './sockets';
import { definitionOf, instanceKind, outputLink } from './subgraphs';
import {
	linkOf,
	nodeOf,
	outerOf,
	type Graph,
	type GraphNode,
	type InputValue,
	type Kinds,
	type Link,
	type NodeId,
} from './types';

/** A definition of its own for these nodes, and an instance in their place. Null if there is none of them. */
export function makeSubgraph(
	doc: Doc,
	scope: Scope,
	ids: ReadonlySet<NodeId>,
	kinds: Kinds,
	title: string,
): { doc: Doc; id: NodeId } | null {
	const graph = graphAt(doc, scope);
	const inside = Object.values(graph?.nodes ?? {}).filter((node) => ids.has(node.id));
	if (graph === undefined || inside.length === 0) {
		return null;
	}
	const name = freeId(readableId(title), (taken) => Object.hasOwn(doc.subgraphs, taken));
	const id = freeId(readableId(title), (taken) => Object.hasOwn(graph.nodes, taken));
	const inputs: { [name: string]: Json } = {};
	const given: { [name: string]: InputValue } = {};
	const byOrigin = new Map<string, string>();
	const moved: { [id: NodeId]: GraphNode } = {};
	for (const node of inside) {
		const values: { [name: string]: InputValue } = {};
		for (const [input, value] of Object.entries(node.inputs)) {
			if ('constant' in value || ('link' in value && ids.has(value.link.node))) {
				values[input] = value;
				continue;
			}
			const origin = 'link' in value ? `${value.link.node}\n${value.link.output}` : `\n${value.outer}`;
			const known = byOrigin.get(origin);
			const outer = known ?? freeId(input, (taken) => Object.hasOwn(inputs, taken));
			if (known === undefined) {
				byOrigin.set(origin, outer);
				const type = inputOf(liveKind(kinds.get(node.kind), node), input)?.type;
				inputs[outer] = type === undefined ? {} : { type };
				given[outer] = value;
			}
			values[input] = { outer, ...(value.kept === undefined ? {} : { kept: value.kept }) };
		}
		moved[node.id] = { ...node, inputs: values };
	}
	const outputs: { [name: string]: Json } = {};
	const outputOf = (link: Link): string => {
		const source = nodeOf(graph, link.node);
		const info = source && resolveOutput(kinds.get(source.kind), link.output);
		const index = info?.index ?? link.output;
		const known = Object.entries(outputs).find(
			([, entry]) => isObject(entry) && entry.node === link.node && entry.index === index,
		);
		if (known !== undefined) {
			return known[0];
		}
		const free = freeId(info?.name ?? String(link.output), (taken) => Object.hasOwn(outputs, taken));
		outputs[free] = { node: link.node, output: link.output, index, ...(info ? { type: info.type } : {}) };
		return free;
	};
	const nodes: { [id: NodeId]: GraphNode } = {};
	let placed = false;
	for (const node of Object.values(graph.nodes)) {
		if (ids.has(node.id)) {
			if (!placed) {
				nodes[id] = instance(id, name, given, centre(inside));
				placed = true;
			}
			continue;
		}
		nodes[node.id] = {
			...node,
			inputs: mapLinks(node.inputs, (link) => (ids.has(link.node) ? { node: id, output: outputOf(link) } : link)),
		};
	}
	const within = (entry: JsonObject): JsonObject =>
		pointsAt(graph, entry, ids) ? { ...entry, node: `${id}:${String(entry.node)}` } : entry;
	const next: Graph = {
		...graph,
		nodes,
		inputs: mapEntries(graph.inputs, within),
		outputs: mapEntries(graph.outputs, (entry) => {
			const link = entry.output === undefined ? null : outputLink(entry);
			return link === null || !ids.has(link.node) ? within(entry) : { ...entry, node: id, output: outputOf(link) };
		}),
		reroutes: settleReroutes({ ...graph, nodes, reroutes: ends(graph.reroutes, (node) => !ids.has(node)) }).reroutes,
	};
	const written = Object.entries(outputs).map(([key, entry]) => {
		const { index: _index, ...rest } = isObject(entry) ? entry : {};
		return [key, rest] as const;
	});
	const definition: Graph = {
		...emptyGraph(),
		title,
		nodes: moved,
		reroutes: settleReroutes({ ...graph, nodes: moved, reroutes: ends(graph.reroutes, (node) => ids.has(node)) }).reroutes,
		inputs,
		outputs: Object.fromEntries(written),
	};
	const changed = withGraph(changeFromOutside(doc, scope, within), scope, next);
	return { doc: { ...changed, subgraphs: { ...changed.subgraphs, [name]: definition } }, id };
}

/**
 * The nodes of the definition in the place of its instance, muted or bypassed if that was; other instances stay. Null for
 * a node that is none.
 */
export function unpack(doc: Doc, scope: Scope, id: NodeId, kinds: Kinds): { doc: Doc; ids: NodeId[] } | null {
	const graph = graphAt(doc, scope);
	const node = graph && nodeOf(graph, id);
	const name = node && definitionOf(node.kind);
	const definition = name == null ? undefined : doc.subgraphs[name];
	if (graph === undefined || node === undefined || definition === undefined) {
		return null;
	}
	const renamed = new Map<NodeId, NodeId>();
	for (const inner of Object.keys(definition.nodes)) {
		const taken = new Set(renamed.values());
		renamed.set(
			inner,
			freeId(inner, (free) => (free !== id && Object.hasOwn(graph.nodes, free)) || taken.has(free)),
		);
	}
	const at = centre(Object.values(definition.nodes));
	const outside = (outer: string, kept: Json | undefined): InputValue | undefined => {
		const value = node.inputs[outer];
		const told = definition.inputs[outer];
		const fallback = kept ?? (isObject(told) ? told.default : undefined);
		return value ?? (fallback === undefined ? undefined : { constant: fallback });
	};
	const moved = Object.values(definition.nodes).map((inner): GraphNode => {
		const inputs: { [name: string]: InputValue } = {};
		for (const [input, value] of Object.entries(inner.inputs)) {
			const outer = outerOf(value);
			const next =
				outer !== null
					? outside(outer, 'kept' in value ? value.kept : undefined)
					: 'link' in value
						? { ...value, link: { ...value.link, node: renamed.get(value.link.node) ?? value.link.node } }
						: value;
			if (next !== undefined) {
				inputs[input] = next;
			}
		}
		const place = { ...inner.place, x: inner.place.x - at.x + node.place.x, y: inner.place.y - at.y + node.place.y };
		const mode = node.mode === 'run' ? inner.mode : node.mode;
		return { ...inner, id: renamed.get(inner.id) ?? inner.id, mode, inputs, place };
	});
	const info = kinds.get(node.kind);
	const redirect = (link: Link): InputValue | undefined => {
		const output = resolveOutput(info, link.output);
		const entry = output === null ? undefined : definition.outputs[output.name];
		const inner = outputLink(entry);
		if (inner !== null) {
			return { link: { node: renamed.get(inner.node) ?? inner.node, output: inner.output } };
		}
		const handed = isObject(entry) ? text(entry.input) : '';
		return handed === '' ? undefined : outside(handed, undefined);
	};
	const nodes: { [id: NodeId]: GraphNode } = {};
	for (const other of Object.values(graph.nodes)) {
		if (other.id === id) {
			for (const inner of moved) {
				nodes[inner.id] = inner;
			}
			continue;
		}
		const inputs: { [name: string]: InputValue } = {};
		for (const [input, value] of Object.entries(other.inputs)) {
			const next = linkOf(value)?.node === id && 'link' in value ? redirect(value.link) : value;
			if (next !== undefined) {
				inputs[input] = next;
			}
		}
		nodes[other.id] = { ...other, inputs };
	}
	const named = (entry: JsonObject): JsonObject | null => {
		const address = typeof entry.node === 'string' ? addressIn(graph, entry.node) : null;
		if (address?.head !== id) {
			return entry;
		}
		if (address.inner !== '') {
			const inside = addressIn(definition, address.inner);
			const rest = inside === null || inside.inner === '' ? '' : `:${inside.inner}`;
			return inside && { ...entry, node: `${renamed.get(inside.head) ?? inside.head}${rest}` };
		}
		if (typeof entry.input === 'string') {
			// The first reader inside stands for the input of the instance.
			const reader = Object.values(definition.nodes).find((one) =>
				Object.values(one.inputs).some((value) => outerOf(value) === entry.input),
			);
			const input = reader && Object.keys(reader.inputs).find((key) => outerOf(reader.inputs[key]) === entry.input);
			return reader === undefined || input === undefined
				? null
				: { ...entry, node: renamed.get(reader.id) ?? reader.id, input };
		}
		// Without an output it is what the instance shows: what the last node in it shows.
		const sinks = entry.output === undefined ? Object.values(definition.nodes).filter(({ kind }) => kinds.get(kind)?.isSink) : [];
		const sink = sinks.at(-1);
		if (sink !== undefined) {
			return { ...entry, node: renamed.get(sink.id) ?? sink.id };
		}
		const link = linkOf(redirect({ node: id, output: outputLink(entry)?.output ?? 0 }));
		return link && { ...entry, node: link.node, output: link.output };
	};
	const offset = { x: node.place.x - at.x, y: node.place.y - at.y };
	const points = renamedReroutes(definition.reroutes, graph.reroutes, (inner) => renamed.get(inner), offset).reroutes;
	const next = settleReroutes({
		...graph,
		nodes,
		frames: beside(graph.frames, definition.frames, offset),
		notes: beside(graph.notes, definition.notes, offset),
		reroutes: { ...graph.reroutes, ...points },
		inputs: mapEntries(graph.inputs, named),
		outputs: mapEntries(graph.outputs, named),
	});
	return { doc: withGraph(changeFromOutside(doc, scope, named), scope, next), ids: [...renamed.values()] };
}

/** Makes an input of a node inside an input of the definition: a widget on every instance. */
export function promote(graph: Graph, id: NodeId, input: string, kinds: Kinds): Graph {
	const node = nodeOf(graph, id);
	const info = node && inputOf(liveKind(kinds.get(node.kind), node), input);
	const value = node?.inputs[input];
	if (node === undefined || (value !== undefined && !('constant' in value))) {
		return graph;
	}
	const name = freeId(input, (taken) => Object.hasOwn(graph.inputs, taken));
	const constant = value?.constant ?? (info !== undefined && hasWidget(info) ? defaultValue(info) : undefined);
	const entry = {
		...(info === undefined ? {} : { type: info.type }),
		...(constant === undefined ? {} : { default: constant }),
	};
	return withOuter({ ...graph, inputs: { ...graph.inputs, [name]: entry } }, id, input, name);
}

/** Gives an input inside what the instances have at an input of the definition. */
export function withOuter(graph: Graph, id: NodeId, input: string, outer: string): Graph {
	const node = nodeOf(graph, id);
	if (node === undefined) {
		return graph;
	}
	const before = node.inputs[input];
	const kept = before !== undefined && 'constant' in before ? { kept: before.constant } : {};
	const inputs = { ...node.inputs, [input]: { outer, ...kept } };
	return { ...graph, nodes: { ...graph.nodes, [id]: { ...node, inputs } } };
}

/** An input of the definition is no more: what it fed has the constant that was kept, or the default that it had. */
export function withoutOuter(graph: Graph, outer: string): Graph {
	const { [outer]: gone, ...inputs } = graph.inputs;
	const fallback = isObject(gone) ? gone.default : undefined;
	const nodes = Object.values(graph.nodes).map((node): [NodeId, GraphNode] => {
		const entries = Object.entries(node.inputs).flatMap(([input, value]): [string, InputValue][] => {
			if (outerOf(value) !== outer) {
				return [[input, value]];
			}
			const constant = ('kept' in value ? value.kept : undefined) ?? fallback;
			return constant === undefined ? [] : [[input, { constant }]];
		});
		return [node.id, { ...node, inputs: Object.fromEntries(entries) }];
	});
	return { ...graph, inputs, nodes: Object.fromEntries(nodes) };
}

function instance(id: NodeId, name: Scope, inputs: GraphNode['inputs'], at: { x: number; y: number }): GraphNode {
	return { id, kind: instanceKind(name), title: '', mode: 'run', inputs, extra: {}, place: { ...at, extra: {} } };
}

function centre(nodes: readonly GraphNode[]): { x: number; y: number } {
	const mean = (values: readonly number[]): number =>
		values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
	return { x: mean(nodes.map(({ place }) => place.x)), y: mean(nodes.map(({ place }) => place.y)) };
}

function mapLinks(inputs: GraphNode['inputs'], change: (link: Link) => Link): GraphNode['inputs'] {
	return Object.fromEntries(
		Object.entries(inputs).map(([name, value]) => [name, 'link' in value ? { ...value, link: change(value.link) } : value]),
	);
}

/** The points, with those of their links that end at these nodes. */
function ends(reroutes: Graph['reroutes'], stays: (node: NodeId) => boolean): Graph['reroutes'] {
	return Object.fromEntries(
		Object.entries(reroutes).map(([id, reroute]) => [
			id,
			{ ...reroute, links: reroute.links.filter(({ node }) => stays(node)) },
		]),
	);
}

/** Frames and notes of a definition beside those of the graph that it is unpacked into. */
function beside<T extends { readonly x: number; readonly y: number }>(
	parts: { readonly [id: string]: T },
	inner: { readonly [id: string]: T },
	offset: { x: number; y: number },
): { readonly [id: string]: T } {
	const all: { [id: string]: T } = { ...parts };
	for (const [id, part] of Object.entries(inner)) {
		all[freeId(id, (taken) => Object.hasOwn(all, taken))] = { ...part, x: part.x + offset.x, y: part.y + offset.y };
	}
	return all;
}
