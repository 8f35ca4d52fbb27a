/** The native workflow document: what is opened, autosaved and downloaded. */

import { isObject, type Json, type JsonObject } from '../json';
import { arrange } from './layout';
import { nextSession } from './session';
import { NO_KINDS, type Graph, type GraphNode, type InputValue, type Kinds, type NodeId, type Place } from './types';
import { t } from '../i18n/i18n';

export const FORMAT_VERSION = 1;

/** A file that is no workflow of ours; the message is for the person who opened it. */
export class DocumentError extends Error {}

const OWN_KEYS = ['lumengraph', 'title', 'description', 'inputs', 'outputs', 'nodes', 'layout'];
const NODE_KEYS = ['kind', 'title', 'inputs'];
const PLACE_KEYS = ['x', 'y', 'width'];

export function emptyGraph(): Graph {
	return {
		session: nextSession(),
		guessed: false,
		title: '',
		description: '',
		nodes: {},
		inputs: {},
		outputs: {},
		extra: {},
	};
}

export function readDocument(document: JsonObject, kinds: Kinds = NO_KINDS): Graph {
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
	const layout = isObject(document.layout) ? document.layout : {};
	const nodes: { [id: NodeId]: GraphNode } = {};
	const unplaced: NodeId[] = [];
	for (const [id, value] of Object.entries(document.nodes)) {
		const place = readPlace(layout[id]);
		if (place === null) {
			unplaced.push(id);
		}
		nodes[id] = readNode(id, value, place ?? { x: 0, y: 0, extra: {} });
	}
	const graph: Graph = {
		session: nextSession(),
		guessed: unplaced.length > 0 && unplaced.length === Object.keys(nodes).length,
		title: text(document.title),
		description: text(document.description),
		nodes,
		inputs: isObject(document.inputs) ? document.inputs : {},
		outputs: isObject(document.outputs) ? document.outputs : {},
		extra: without(document, OWN_KEYS),
	};
	return unplaced.length > 0 ? arrange(graph, { kinds, only: new Set(unplaced) }) : graph;
}

export function writeDocument(graph: Graph): JsonObject {
	const nodes: { [id: NodeId]: Json } = {};
	const layout: { [id: NodeId]: Json } = {};
	for (const node of Object.values(graph.nodes)) {
		nodes[node.id] = writeNode(node);
		layout[node.id] = writePlace(node.place);
	}
	return {
		lumengraph: FORMAT_VERSION,
		title: graph.title,
		...(graph.description === '' ? {} : { description: graph.description }),
		...(Object.keys(graph.inputs).length === 0 ? {} : { inputs: graph.inputs }),
		...(Object.keys(graph.outputs).length === 0 ? {} : { outputs: graph.outputs }),
		nodes,
		layout,
		...graph.extra,
	};
}

export function readInput(value: Json): InputValue {
	if (isObject(value)) {
		const keys = Object.keys(value);
		const { node, output } = value;
		if (keys.length === 2 && typeof node === 'string' && (typeof output === 'string' || typeof output === 'number')) {
			return { link: { node, output } };
		}
		if (keys.length === 1 && value.value !== undefined) {
			return { constant: value.value };
		}
	}
	return { constant: value };
}

export function writeInput(value: InputValue): Json {
	if ('link' in value) {
		return { node: value.link.node, output: value.link.output };
	}
	return isObject(value.constant) ? { value: value.constant } : value.constant;
}

function readNode(id: NodeId, value: Json, place: Place): GraphNode {
	if (!isObject(value) || typeof value.kind !== 'string') {
		throw new DocumentError(t('open.noKind', { id }));
	}
	const inputs: { [name: string]: InputValue } = {};
	for (const [name, input] of Object.entries(isObject(value.inputs) ? value.inputs : {})) {
		inputs[name] = readInput(input);
	}
	return { id, kind: value.kind, title: text(value.title), inputs, extra: without(value, NODE_KEYS), place };
}

function writeNode(node: GraphNode): JsonObject {
	const inputs = Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, writeInput(value)]));
	return { kind: node.kind, ...(node.title === '' ? {} : { title: node.title }), inputs, ...node.extra };
}

function readPlace(value: Json | undefined): Place | null {
	if (!isObject(value) || typeof value.x !== 'number' || typeof value.y !== 'number') {
		return null;
	}
	const width = typeof value.width === 'number' ? { width: value.width } : {};
	return { x: value.x, y: value.y, ...width, extra: without(value, PLACE_KEYS) };
}

function writePlace(place: Place): JsonObject {
	const width = place.width === undefined ? {} : { width: Math.round(place.width) };
	return { x: Math.round(place.x), y: Math.round(place.y), ...width, ...place.extra };
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
	return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function text(value: Json | undefined): string {
	return typeof value === 'string' ? value : '';
}
