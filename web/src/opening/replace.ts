/** Replacements for what a document asks for and is not here, as changes of the whole document. */

import { eachGraph, type Doc, type Scope } from '../graph/doc';
import { liveKind, settledNode } from '../graph/live';
import { canJoin, inputType, outputReference, resolveOutput } from '../graph/sockets';
import { definitionOf } from '../graph/subgraphs';
import { constantOf, linkOf, type Graph, type GraphNode, type InputValue, type KindInfo, type Kinds, type NodeId } from '../graph/types';

export interface MissingKind {
	readonly kind: string;
	readonly count: number;
	/** The pack that has it, if the file says so. */
	readonly pack: string;
}

/** An input that is given a file which is not here. */
export interface Use {
	readonly scope: Scope;
	readonly node: NodeId;
	readonly input: string;
}

const MODEL_FILE = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i;
const FEWEST_POINTS = 0.25;
const OFFERED = 8;

export function missingKinds(doc: Doc, kinds: Kinds): { readonly kind: string; readonly count: number }[] {
	const counts = new Map<string, number>();
	eachGraph(doc, (graph) => {
		for (const { kind } of Object.values(graph.nodes)) {
			if (!kinds.has(kind) && definitionOf(kind) === null) {
				counts.set(kind, (counts.get(kind) ?? 0) + 1);
			}
		}
		return graph;
	});
	return [...counts].map(([kind, count]) => ({ kind, count }));
}

/** Model files that inputs are given and that are not among their choices, with every place. */
export function missingFiles(doc: Doc, kinds: Kinds): ReadonlyMap<string, readonly Use[]> {
	const found = new Map<string, Use[]>();
	eachGraph(doc, (graph, scope) => {
		for (const node of Object.values(graph.nodes)) {
			for (const input of liveKind(kinds.get(node.kind), node)?.inputs ?? []) {
				const value = constantOf(node.inputs[input.name]);
				if (input.choices !== null && typeof value === 'string' && MODEL_FILE.test(value) && !input.choices.includes(value)) {
					found.set(value, [...(found.get(value) ?? []), { scope, node: node.id, input: input.name }]);
				}
			}
		}
		return graph;
	});
	return found;
}

/** Known kinds that may stand in for an unknown one, the likeliest first: by name, by inputs, by what is read of it. */
export function similarKinds(doc: Doc, kind: string, kinds: Kinds): readonly KindInfo[] {
	const examples = allNodes(doc).filter(({ node }) => node.kind === kind);
	const inputs = new Set(examples.flatMap(({ node }) => Object.keys(node.inputs)));
	const read = new Set(
		examples.flatMap(({ node, graph }) => readers(graph, node.id).map(({ reader, input }) => inputType(kinds.get(reader.kind), input))),
	);
	return [...kinds.values()]
		.filter((info) => definitionOf(info.kind) === null)
		.map((info) => ({ info, points: likeness(kind, inputs, read, info) }))
		.filter(({ points }) => points >= FEWEST_POINTS)
		.sort((a, b) => b.points - a.points)
		.slice(0, OFFERED)
		.map(({ info }) => info);
}

/** Every node of a kind becomes one of another. Values stay under their names; links go to sockets that take them. */
export function replaceKind(doc: Doc, kind: string, info: KindInfo, kinds: Kinds): Doc {
	return eachGraph(doc, (graph) => {
		const replaced = Object.values(graph.nodes).filter((node) => node.kind === kind);
		if (replaced.length === 0) {
			return graph;
		}
		const nodes: { [id: NodeId]: GraphNode } = { ...graph.nodes };
		for (const node of replaced) {
			nodes[node.id] = settledNode({ ...node, kind: info.kind, inputs: fitted(node, info, graph, kinds) }, info);
			for (const { reader, input } of readers(graph, node.id)) {
				const value = nodes[reader.id]?.inputs[input];
				const link = linkOf(value);
				const output = link === null || resolveOutput(info, link.output) !== null ? undefined : fittingOutput(info, inputType(kinds.get(reader.kind), input));
				const now = nodes[reader.id];
				if (value !== undefined && 'link' in value && output !== undefined && now !== undefined) {
					nodes[reader.id] = { ...now, inputs: { ...now.inputs, [input]: { ...value, link: { node: node.id, output } } } };
				}
			}
		}
		return { ...graph, nodes };
	});
}

/** Several kinds at once, one after the other: what stands in for one may be read by another that is replaced too. */
export function replaceKinds(doc: Doc, by: ReadonlyMap<string, KindInfo>, kinds: Kinds): Doc {
	return [...by].reduce((now, [kind, info]) => replaceKind(now, kind, info, kinds), doc);
}

/** Another file wherever one is given. */
export function replaceFile(doc: Doc, name: string, by: string, uses: readonly Use[]): Doc {
	return eachGraph(doc, (graph, scope) => {
		const mine = uses.filter((use) => use.scope === scope);
		const nodes: { [id: NodeId]: GraphNode } = { ...graph.nodes };
		for (const { node: id, input } of mine) {
			const node = nodes[id];
			if (node !== undefined && constantOf(node.inputs[input]) === name) {
				nodes[id] = { ...node, inputs: { ...node.inputs, [input]: { constant: by } } };
			}
		}
		return mine.length === 0 ? graph : { ...graph, nodes };
	});
}

function fitted(node: GraphNode, info: KindInfo, graph: Graph, kinds: Kinds): { [name: string]: InputValue } {
	const inputs: { [name: string]: InputValue } = {};
	const declared = new Set(info.inputs.map(({ name }) => name));
	const entries = Object.entries(node.inputs);
	for (const [name, value] of entries.filter(([name]) => declared.has(name))) {
		inputs[name] = value;
	}
	for (const [name, value] of entries.filter(([name]) => !declared.has(name))) {
		const link = linkOf(value);
		const from = link === null ? undefined : graph.nodes[link.node];
		const type = link === null || from === undefined ? undefined : resolveOutput(kinds.get(from.kind), link.output)?.type;
		const free = type === undefined ? undefined : info.inputs.find((input) => inputs[input.name] === undefined && canJoin(type, input.type));
		// What fits nowhere is kept under its name: nothing that somebody typed is thrown away.
		inputs[free?.name ?? name] = value;
	}
	return inputs;
}

function fittingOutput(info: KindInfo, type: string): string | number | undefined {
	const output = info.outputs.find((one) => one.type === type) ?? info.outputs.find((one) => canJoin(one.type, type));
	return output === undefined ? undefined : outputReference(info, output.index);
}

function readers(graph: Graph, id: NodeId): { readonly reader: GraphNode; readonly input: string }[] {
	return Object.values(graph.nodes).flatMap((reader) =>
		Object.entries(reader.inputs).flatMap(([input, value]) => (linkOf(value)?.node === id ? [{ reader, input }] : [])),
	);
}

function allNodes(doc: Doc): { readonly node: GraphNode; readonly graph: Graph }[] {
	return [doc.root, ...Object.values(doc.subgraphs)].flatMap((graph) =>
		Object.values(graph.nodes).map((node) => ({ node, graph })),
	);
}

function likeness(kind: string, inputs: ReadonlySet<string>, read: ReadonlySet<string>, info: KindInfo): number {
	const names = Math.max(
		overlap(words(kind), words(info.kind)),
		overlap(words(kind), words(info.title)),
		...info.aliases.map((alias) => overlap(words(kind), words(alias))),
	);
	const sockets = overlap(inputs, new Set(info.inputs.map(({ name }) => name)));
	const gives = [...read].filter((type) => info.outputs.some((output) => canJoin(output.type, type))).length;
	const fits = read.size === 0 ? 1 : gives / read.size;
	return (info.deprecated ? 0.8 : 1) * (0.25 + 0.75 * fits) * (0.6 * names + 0.4 * sockets);
}

/** 1 for the same words, 0 for none in common. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
	const common = [...a].filter((word) => b.has(word)).length;
	return common === 0 ? 0 : (2 * common) / (a.size + b.size);
}

function words(name: string): ReadonlySet<string> {
	const spaced = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
	return new Set(spaced.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean));
}
