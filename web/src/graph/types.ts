import { own, type Json, type JsonObject } from '../json';

export type NodeId = string;

/** An output is named; a number stands for its index where names repeat. */
export interface Link {
	readonly node: NodeId;
	readonly output: string | number;
}

/**
 * What an input is given: a link, a constant, or inside of a subgraph what its instance has at the input of that name.
 * `kept` is the constant that holds if nothing comes that way.
 */
export type InputValue =
	| { readonly link: Link; readonly kept?: Json }
	| { readonly constant: Json }
	| { readonly outer: string; readonly kept?: Json };

export interface Place {
	readonly x: number;
	readonly y: number;
	readonly width?: number;
	/** Of the title, as a CSS colour. */
	readonly color?: string;
	readonly collapsed?: boolean;
	/** Not to be moved. */
	readonly pinned?: boolean;
	/** What else the file says of this node's layout; kept as it is. */
	readonly extra: JsonObject;
}

/** A muted node gives nothing; a bypassed one hands on what comes in at an input of the same type. */
export type Mode = 'run' | 'mute' | 'bypass';

export interface GraphNode {
	readonly id: NodeId;
	readonly kind: string;
	/** Empty when the node bears the title of its kind. */
	readonly title: string;
	readonly mode: Mode;
	readonly inputs: { readonly [name: string]: InputValue };
	readonly extra: JsonObject;
	readonly place: Place;
}

/** A frame around nodes. */
export interface Frame {
	readonly title: string;
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
	readonly color: string;
	readonly extra: JsonObject;
}

/** A note on the canvas, in Markdown. */
export interface Note extends Omit<Frame, 'title'> {
	readonly text: string;
}

/** A point that links are drawn through: those that end at `links`, behind the point `after` if there is one. */
export interface Reroute {
	readonly x: number;
	readonly y: number;
	readonly after: string | null;
	readonly links: readonly { readonly node: NodeId; readonly input: string }[];
	readonly extra: JsonObject;
}

export interface Graph {
	/** Which opening of a document this is: run events of another one are not drawn on it. */
	readonly session: number;
	/** Placed before anything was drawn, so by guessed sizes. */
	readonly guessed: boolean;
	readonly title: string;
	readonly description: string;
	readonly nodes: { readonly [id: NodeId]: GraphNode };
	readonly frames: { readonly [id: string]: Frame };
	readonly notes: { readonly [id: string]: Note };
	readonly reroutes: { readonly [id: string]: Reroute };
	/** Named inputs and outputs of the whole workflow, or those of the subgraph that this is, as written in the file. */
	readonly inputs: JsonObject;
	readonly outputs: JsonObject;
	/** What else the layout says; kept as it is. */
	readonly layout: JsonObject;
	/** What else the file says, such as what it requires; kept as it is. */
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

/** The name under which a subgraph's instance gives what this input takes, or null. */
export function outerOf(value: InputValue | undefined): string | null {
	return value !== undefined && 'outer' in value ? value.outer : null;
}

export function titleOf(node: GraphNode, info: KindInfo | undefined): string {
	return node.title || info?.title || node.kind;
}
