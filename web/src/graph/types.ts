import { own, type Json, type JsonObject } from '../json';

export type NodeId = string;

/** An output is named; a number stands for its index where names repeat. */
export interface Link {
	readonly node: NodeId;
	readonly output: string | number;
}

export type InputValue = { readonly link: Link } | { readonly constant: Json };

export interface Place {
	readonly x: number;
	readonly y: number;
	readonly width?: number;
	/** What else the file says of this node's layout; kept as it is. */
	readonly extra: JsonObject;
}

export interface GraphNode {
	readonly id: NodeId;
	readonly kind: string;
	/** Empty when the node bears the title of its kind. */
	readonly title: string;
	readonly inputs: { readonly [name: string]: InputValue };
	readonly extra: JsonObject;
	readonly place: Place;
}

export interface Graph {
	/** Which opening of a document this is: run events of another one are not drawn on it. */
	readonly session: number;
	/** Placed before anything was drawn, so by guessed sizes. */
	readonly guessed: boolean;
	readonly title: string;
	readonly description: string;
	readonly nodes: { readonly [id: NodeId]: GraphNode };
	/** Packs and models that must be there, as written in the file. */
	readonly requires: JsonObject;
	/** Named inputs and outputs of the whole workflow, as written in the file. */
	readonly inputs: JsonObject;
	readonly outputs: JsonObject;
	/** Definitions that nodes of the kind `subgraph:NAME` stand for, as written in the file. */
	readonly subgraphs: JsonObject;
	/** Groups, notes and reroutes, as written in the file; the places of nodes are in the nodes. */
	readonly layout: JsonObject;
	readonly extra: JsonObject;
}

export interface InputInfo {
	readonly name: string;
	readonly type: string;
	readonly required: boolean;
	readonly options: JsonObject;
	/** The values of a COMBO; null for any other type. */
	readonly choices: readonly Json[] | null;
	readonly tooltip: string;
	/** It stands for inputs like `item`, called by its own name, a dot, and one of `names`; the first `min` are needed. */
	readonly grows?: { readonly item: InputInfo; readonly names: readonly string[]; readonly min: number };
	/** For each of the choices, the inputs that belong to it. */
	readonly variants?: { readonly [key: string]: readonly InputInfo[] };
}

export interface OutputInfo {
	readonly index: number;
	readonly name: string;
	readonly type: string;
	readonly isList: boolean;
	readonly tooltip: string;
}

export interface KindInfo {
	readonly kind: string;
	readonly title: string;
	readonly description: string;
	readonly category: string;
	readonly module: string;
	readonly inputs: readonly InputInfo[];
	readonly outputs: readonly OutputInfo[];
	readonly isSink: boolean;
	readonly deprecated: boolean;
	readonly experimental: boolean;
	readonly aliases: readonly string[];
}

export type Kinds = ReadonlyMap<string, KindInfo>;

export const NO_KINDS: Kinds = new Map();

export function linkOf(value: InputValue | undefined): Link | null {
	return value !== undefined && 'link' in value ? value.link : null;
}

export function constantOf(value: InputValue | undefined): Json | undefined {
	return value !== undefined && 'constant' in value ? value.constant : undefined;
}

export function nodeOf(graph: Graph, id: NodeId): GraphNode | undefined {
	return own(graph.nodes, id);
}

export function titleOf(node: GraphNode, info: KindInfo | undefined): string {
	return node.title || info?.title || node.kind;
}
