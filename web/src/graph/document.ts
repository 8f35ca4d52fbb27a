/** The native workflow document: what is opened, autosaved and downloaded. */

import { isObject, type Json, type JsonObject } from '../json';
import { arrange } from './layout';
import { nextSession } from './session';
import { NO_KINDS, type Graph, type GraphNode, type InputValue, type Kinds, type NodeId, type Place } from './types';
import { t } from '../i18n/i18n';

export const FORMAT_VERSION = 2;

/** A file that is no workflow of ours; the message is for the person who opened it. */
export class DocumentError extends Error {}

const OWN_KEYS = [
	'lumengraph',
	'title',
	'description',
	'requires',
	'inputs',
	'outputs',
	'nodes',
	'subgraphs',
	'layout',
];
const NODE_KEYS = ['kind', 'title', 'inputs'];
const PLACE_KEYS = ['x', 'y', 'width'];

export function emptyGraph(): Graph {
	return {
		session: nextSession(),
		guessed: false,
		title: '',
		description: '',
		nodes: {},
		requires: {},
		inputs: {},
		outputs: {},
		subgraphs: {},
		layout: {},
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
	const layout = block(document.layout);
	const places = version < 2 ? layout : block(layout.nodes);
	const nodes: { [id: NodeId]: GraphNode } = {};
	const unplaced: NodeId[] = [];
	for (const [id, value] of Object.entries(document.nodes)) {
		const place = readPlace(places[id]);
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
		requires: block(document.requires),
		inputs: block(document.inputs),
		outputs: block(document.outputs),
		subgraphs: block(document.subgraphs),
		layout: version < 2 ? without(layout, Object.keys(nodes)) : without(layout, ['nodes']),
		extra: without(document, OWN_KEYS),
	};
	return unplaced.length > 0 ? arrange(graph, { kinds, only: new Set(unplaced) }) : graph;
}

export function writeDocument(graph: Graph): JsonObject {
	const nodes: { [id: NodeId]: Json } = {};
	const places: { [id: NodeId]: Json } = {};
	for (const node of Object.values(graph.nodes)) {
		nodes[node.id] = writeNode(node);
		places[node.id] = writePlace(node.place);
	}
	return {
		lumengraph: FORMAT_VERSION,
		title: graph.title,
		...(graph.description === '' ? {} : { description: graph.description }),
		...filled({ requires: graph.requires, inputs: graph.inputs, outputs: graph.outputs }),
		nodes,
		...filled({ subgraphs: graph.subgraphs }),
		layout: { nodes: places, ...graph.layout },
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

function text(value: Json | undefined): string {
	return typeof value === 'string' ? value : '';
}
