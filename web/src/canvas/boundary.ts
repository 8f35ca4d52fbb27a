/** The edge of a subgraph, drawn from inside: its inputs give what instances have, its outputs take what they hand out. */

import { freeId } from '../graph/names';
import { withOuter } from '../graph/packing';
import { outputLink, subgraphInputs, subgraphOutputs } from '../graph/subgraphs';
import { nodeOf, outerOf, type Graph, type InputInfo, type KindInfo, type Kinds, type Link } from '../graph/types';
import { isObject, type Json } from '../json';
import { INPUTS, OUTPUTS } from './parts';

/** The socket that a new input or output grows from. */
export const NEW = '+';

const NOTHING = { required: false, options: {}, choices: null, tooltip: '' };

/** The edge as if it were a kind of node: what the subgraph takes comes out of it at the left. */
export function boundaryKind(graph: Graph, kinds: Kinds, id: string): KindInfo | undefined {
	if (id !== INPUTS && id !== OUTPUTS) {
		return undefined;
	}
	const given = subgraphInputs(graph, kinds);
	const outputs = [...given, { ...NOTHING, name: NEW, type: '*' }].map((input: InputInfo, index) => {
		return { index, name: input.name, type: input.type, isList: false, tooltip: input.tooltip };
	});
	const inputs = [...subgraphOutputs(graph, kinds), { name: NEW, type: '*', tooltip: '' }].map((output) => {
		return { ...NOTHING, name: output.name, type: output.type, tooltip: output.tooltip };
	});
	return {
		kind: id,
		title: '',
		description: '',
		category: '',
		module: '',
		inputs: id === OUTPUTS ? inputs : [],
		outputs: id === INPUTS ? outputs : [],
		isSink: false,
		deprecated: false,
		experimental: false,
		aliases: [],
	};
}

/** What an input inside gets from the edge: where on it the link starts, or null. */
export function outerSource(graph: Graph, name: string): number | null {
	const index = Object.keys(graph.inputs).indexOf(name);
	return index === -1 ? null : index;
}

/** The links that end at the edge, by output of the subgraph. */
export function outputLinks(graph: Graph): readonly (readonly [string, Link])[] {
	return Object.entries(graph.outputs).flatMap(([name, entry]) => {
		const link = outputLink(entry);
		return link === null ? [] : [[name, link] as const];
	});
}

/** Joins an input of the subgraph, or a new one, to an input of a node. */
export function joinInput(graph: Graph, index: number, target: string, input: string, type: string): Graph {
	const names = Object.keys(graph.inputs);
	const known = names[index];
	if (known !== undefined) {
		return withOuter(graph, target, input, known);
	}
	const name = freeId(input, (taken) => Object.hasOwn(graph.inputs, taken));
	const value = nodeOf(graph, target)?.inputs[input];
	const told = value !== undefined && 'constant' in value ? { default: value.constant } : {};
	return withOuter({ ...graph, inputs: { ...graph.inputs, [name]: { type, ...told } } }, target, input, name);
}

/** Joins an output of a node to an output of the subgraph, or to a new one. */
export function joinOutput(graph: Graph, link: Link, output: string, wanted: string, type: string): Graph {
	const name = output === NEW ? freeId(wanted, (taken) => Object.hasOwn(graph.outputs, taken)) : output;
	const before = graph.outputs[name];
	const told = isObject(before) ? before : {};
	return { ...graph, outputs: { ...graph.outputs, [name]: { ...told, type, node: link.node, output: link.output } } };
}

/** An output of the subgraph is no more. */
export function withoutOutput(graph: Graph, name: string): Graph {
	const { [name]: _gone, ...outputs } = graph.outputs;
	return { ...graph, outputs };
}

/** How many inputs inside an input of the subgraph feeds. */
export function readers(graph: Graph, name: string): number {
	return Object.values(graph.nodes).reduce(
		(sum, node) => sum + Object.values(node.inputs).filter((value) => outerOf(value) === name).length,
		0,
	);
}

const MARGIN = 320;

/** Where the two stand: where they were put, or beside the nodes. */
export function boundaryPlaces(graph: Graph): readonly (readonly [string, { readonly x: number; readonly y: number }])[] {
	const places = Object.values(graph.nodes).map(({ place }) => place);
	const left = places.length === 0 ? 0 : Math.min(...places.map(({ x }) => x));
	const right = places.length === 0 ? MARGIN : Math.max(...places.map(({ x }) => x));
	const top = places.length === 0 ? 0 : Math.min(...places.map(({ y }) => y));
	return [
		[INPUTS, placed(graph.layout.inputs) ?? { x: left - MARGIN, y: top }],
		[OUTPUTS, placed(graph.layout.outputs) ?? { x: right + MARGIN, y: top }],
	];
}

function placed(value: Json | undefined): { readonly x: number; readonly y: number } | null {
	return isObject(value) && typeof value.x === 'number' && typeof value.y === 'number'
		? { x: value.x, y: value.y }
		: null;
}
