/** The native workflow document: what is opened, saved and downloaded. */

import { text } from '../fields';
import { t } from '../i18n/i18n';
import { isList, isObject, type Json, type JsonObject } from '../json';
import { docOf, emptyGraph, type Doc } from './doc';
import { arrange } from './layout';
import { nextSession } from './session';
import {
	NO_KINDS,
	type Frame,
	type Graph,
	type GraphNode,
	type InputValue,
	type Kinds,
	type Mode,
	type NodeId,
	type Note,
	type Place,
	type Reroute,
} from './types';

export const FORMAT_VERSION = 2;

/** A file that is no workflow of ours; the message is for the person who opened it. */
export class DocumentError extends Error {}

const DOCUMENT_KEYS = ['lumengraph', 'subgraphs'];
const GRAPH_KEYS = ['title', 'description', 'inputs', 'outputs', 'nodes', 'layout'];
const NODE_KEYS = ['kind', 'title', 'mode', 'inputs'];
const PLACE_KEYS = ['x', 'y', 'width', 'color', 'collapsed', 'pinned'];
const LAYOUT_KEYS = ['nodes', 'groups', 'notes', 'reroutes'];
const FRAME_KEYS = ['title', 'x', 'y', 'width', 'height', 'color'];
const NOTE_KEYS = ['text', 'x', 'y', 'width', 'height', 'color'];
const REROUTE_KEYS = ['x', 'y', 'after', 'links'];
const NOTE_SIZE = { width: 240, height: 120 };
const FRAME_SIZE = { width: 400, height: 300 };

export function readDoc(document: JsonObject, kinds: Kinds = NO_KINDS): Doc {
	const version = document.lumengraph;
	if (typeof version !== 'number') {
		throw new DocumentError(t('open.noKey'));
	}
	if (version > FORMAT_VERSION) {
		throw new DocumentError(t('open.newer', { version }));
	}
	if (!isObject(document.nodes)) {
		throw new DocumentError(t('open.noNodes'));
	}
	const layout = block(document.layout);
	// The first version had the places of nodes right in the layout.
	const current = version < 2 ? { ...document, layout: firstLayout(layout, Object.keys(document.nodes)) } : document;
	const subgraphs = Object.entries(block(document.subgraphs)).map(
		([id, definition]) => [id, readGraph(block(definition), kinds)] as const,
	);
	return docOf(readGraph(current, kinds), Object.fromEntries(subgraphs));
}

/** The workflow itself, without the definitions of its subgraphs. */
export function readDocument(document: JsonObject, kinds: Kinds = NO_KINDS): Graph {
	return readDoc(document, kinds).root;
}

export function writeDoc({ root, subgraphs }: Doc): JsonObject {
	const { title, description, requires, inputs, outputs, nodes, layout, ...rest } = writeGraph(root);
	const definitions = Object.entries(subgraphs).map(([id, graph]) => [id, writeGraph(graph)] as const);
	const given = Object.entries({ title, description, requires, inputs, outputs, nodes }).filter(
		(entry): entry is [string, Json] => entry[1] !== undefined,
	);
	return {
		lumengraph: FORMAT_VERSION,
		...Object.fromEntries(given),
		...(definitions.length === 0 ? {} : { subgraphs: Object.fromEntries(definitions) }),
		layout: layout ?? {},
		...rest,
	};
}

export function writeDocument(graph: Graph): JsonObject {
	return writeDoc(docOf(graph));
}

export function readInput(value: Json): InputValue {
	if (isObject(value)) {
		const { node, output, input, value: kept, ...others } = value;
		if (Object.keys(others).length === 0) {
			const beside = kept === undefined ? {} : { kept };
			if (typeof node === 'string' && (typeof output === 'string' || typeof output === 'number') && input === undefined) {
				return { link: { node, output }, ...beside };
			}
			if (typeof input === 'string' && node === undefined && output === undefined) {
				return { outer: input, ...beside };
			}
			if (kept !== undefined && node === undefined && output === undefined && input === undefined) {
				return { constant: kept };
			}
		}
	}
	return { constant: value };
}

export function writeInput(value: InputValue): Json {
	if ('constant' in value) {
		return isObject(value.constant) ? { value: value.constant } : value.constant;
	}
	const beside = value.kept === undefined ? {} : { value: value.kept };
	return 'link' in value
		? { node: value.link.node, output: value.link.output, ...beside }
		: { input: value.outer, ...beside };
}

function firstLayout(layout: JsonObject, nodes: readonly NodeId[]): JsonObject {
	return {
		...without(layout, nodes),
		nodes: Object.fromEntries(Object.entries(layout).filter(([id]) => nodes.includes(id))),
	};
}

function readGraph(document: JsonObject, kinds: Kinds): Graph {
	const layout = block(document.layout);
	const places = block(layout.nodes);
	const nodes: { [id: NodeId]: GraphNode } = {};
	const unplaced: NodeId[] = [];
	for (const [id, value] of Object.entries(block(document.nodes))) {
		const place = readPlace(places[id]);
		if (place === null) {
			unplaced.push(id);
		}
		nodes[id] = readNode(id, value, place ?? { x: 0, y: 0, extra: {} });
	}
	const graph: Graph = {
		...emptyGraph(),
		session: nextSession(),
		guessed: unplaced.length > 0 && unplaced.length === Object.keys(nodes).length,
		title: text(document.title),
		description: text(document.description),
		nodes,
		frames: each(layout.groups, readFrame),
		notes: each(layout.notes, readNote),
		reroutes: each(layout.reroutes, readReroute),
		inputs: block(document.inputs),
		outputs: block(document.outputs),
		layout: without(layout, LAYOUT_KEYS),
		extra: without(document, [...DOCUMENT_KEYS, ...GRAPH_KEYS]),
	};
	return unplaced.length > 0 ? arrange(graph, { kinds, only: new Set(unplaced) }) : graph;
}

function writeGraph(graph: Graph): JsonObject {
	const nodes = Object.values(graph.nodes);
	return {
		title: graph.title,
		...(graph.description === '' ? {} : { description: graph.description }),
		...filled({ inputs: graph.inputs, outputs: graph.outputs }),
		nodes: Object.fromEntries(nodes.map((node) => [node.id, writeNode(node)])),
		layout: {
			nodes: Object.fromEntries(nodes.map((node) => [node.id, writePlace(node.place)])),
			...filled({
				groups: written(graph.frames, writeFrame),
				notes: written(graph.notes, writeNote),
				reroutes: written(graph.reroutes, writeReroute),
			}),
			...graph.layout,
		},
		...graph.extra,
	};
}

function readNode(id: NodeId, value: Json, place: Place): GraphNode {
	if (!isObject(value) || typeof value.kind !== 'string') {
		throw new DocumentError(t('open.noKind', { id }));
	}
	const inputs: { [name: string]: InputValue } = {};
	for (const [name, input] of Object.entries(block(value.inputs))) {
		inputs[name] = readInput(input);
	}
	const mode: Mode = value.mode === 'mute' || value.mode === 'bypass' ? value.mode : 'run';
	return { id, kind: value.kind, title: text(value.title), mode, inputs, extra: without(value, NODE_KEYS), place };
}

function writeNode({ kind, title, mode, inputs, extra }: GraphNode): JsonObject {
	return {
		kind,
		...(title === '' ? {} : { title }),
		...(mode === 'run' ? {} : { mode }),
		inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, writeInput(value)])),
		...extra,
	};
}

function readPlace(value: Json | undefined): Place | null {
	if (!isObject(value) || typeof value.x !== 'number' || typeof value.y !== 'number') {
		return null;
	}
	return {
		x: value.x,
		y: value.y,
		...(typeof value.width === 'number' ? { width: value.width } : {}),
		...(typeof value.color === 'string' && value.color !== '' ? { color: value.color } : {}),
		...(value.collapsed === true ? { collapsed: true } : {}),
		...(value.pinned === true ? { pinned: true } : {}),
		extra: without(value, PLACE_KEYS),
	};
}

function writePlace({ x, y, width, extra, ...looks }: Place): JsonObject {
	return {
		x: Math.round(x),
		y: Math.round(y),
		...(width === undefined ? {} : { width: Math.round(width) }),
		...looks,
		...extra,
	};
}

function readFrame(value: JsonObject): Frame {
	return { ...readBox(value, FRAME_SIZE), title: text(value.title), extra: without(value, FRAME_KEYS) };
}

function readNote(value: JsonObject): Note {
	return { ...readBox(value, NOTE_SIZE), text: text(value.text), extra: without(value, NOTE_KEYS) };
}

function readBox(value: JsonObject, size: { width: number; height: number }): Omit<Frame, 'title' | 'extra'> {
	return {
		x: number(value.x) ?? 0,
		y: number(value.y) ?? 0,
		width: number(value.width) ?? size.width,
		height: number(value.height) ?? size.height,
		color: text(value.color),
	};
}

function writeFrame({ x, y, width, height, color, extra, ...words }: Frame | Note): JsonObject {
	return {
		...words,
		x: Math.round(x),
		y: Math.round(y),
		width: Math.round(width),
		height: Math.round(height),
		...(color === '' ? {} : { color }),
		...extra,
	};
}

/** A note that nobody has sized has the usual size, which is not written down. */
function writeNote(note: Note): JsonObject {
	const { width, height, ...rest } = writeFrame(note);
	return {
		...rest,
		...(width === NOTE_SIZE.width ? {} : { width: note.width }),
		...(height === NOTE_SIZE.height ? {} : { height: note.height }),
	};
}

function readReroute(value: JsonObject): Reroute {
	return {
		x: number(value.x) ?? 0,
		y: number(value.y) ?? 0,
		after: typeof value.after === 'string' ? value.after : null,
		links: (isList(value.links) ? value.links : []).flatMap((end) =>
			isObject(end) && typeof end.node === 'string' && typeof end.input === 'string'
				? [{ node: end.node, input: end.input }]
				: [],
		),
		extra: without(value, REROUTE_KEYS),
	};
}

function writeReroute({ x, y, after, links, extra }: Reroute): JsonObject {
	return {
		x: Math.round(x),
		y: Math.round(y),
		...(after === null ? {} : { after }),
		links: links.map(({ node, input }) => ({ node, input })),
		...extra,
	};
}

function each<T>(value: Json | undefined, read: (entry: JsonObject) => T): { [id: string]: T } {
	return Object.fromEntries(Object.entries(block(value)).map(([id, entry]) => [id, read(block(entry))]));
}

function written<T>(entries: { readonly [id: string]: T }, write: (entry: T) => JsonObject): JsonObject {
	return Object.fromEntries(Object.entries(entries).map(([id, entry]) => [id, write(entry)]));
}

function block(value: Json | undefined): JsonObject {
	return isObject(value) ? value : {};
}

/** The blocks that have something in them. */
function filled(blocks: { readonly [key: string]: JsonObject }): JsonObject {
	return Object.fromEntries(Object.entries(blocks).filter(([, value]) => Object.keys(value).length > 0));
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
	return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function number(value: Json | undefined): number | null {
	return typeof value === 'number' ? value : null;
}
