/** Everything in a document that can be looked for: nodes, frames and notes of the workflow and of its subgraphs. */

import { writeJson } from '../json';
import type { Doc, Scope } from './doc';
import type { Entered } from './store';
import { definitionOf } from './subgraphs';
import { constantOf, titleOf, type Graph, type Kinds, type NodeId } from './types';

export interface Found {
	readonly key: string;
	/** The way to the graph that it is in. */
	readonly path: readonly Entered[];
	readonly part: 'node' | 'frame' | 'note';
	readonly id: NodeId;
	readonly title: string;
	/** The titles of the subgraphs on the way. */
	readonly where: string;
	/** Title, kind, id and values, in lower case. */
	readonly text: string;
}

const LONGEST_VALUE = 400;
const LONGEST_TITLE = 80;

export function everything(doc: Doc, kinds: Kinds): Found[] {
	return eachPlace(doc, kinds).flatMap(({ graph, path, where }) => {
		const at = path.map(({ instance }) => instance).join(':');
		const nodes = Object.values(graph.nodes).map((node): Found => {
			const info = kinds.get(node.kind);
			const title = titleOf(node, info);
			const values = Object.entries(node.inputs).flatMap(([name, value]) => {
				const constant = constantOf(value);
				const written = typeof constant === 'string' ? constant : constant === undefined ? '' : writeJson(constant);
				return constant === undefined ? [] : [`${name} ${written.slice(0, LONGEST_VALUE)}`];
			});
			const text = [title, node.kind, info?.title ?? '', node.id, ...values].join('\n').toLowerCase();
			return { key: `${at}/node/${node.id}`, path, part: 'node', id: node.id, title, where, text };
		});
		const frames = Object.entries(graph.frames).map(([id, frame]): Found => {
			return { key: `${at}/frame/${id}`, path, part: 'frame', id, title: frame.title || id, where, text: frame.title.toLowerCase() };
		});
		const notes = Object.entries(graph.notes).map(([id, note]): Found => {
			const line = note.text.replace(/[*_#`>]+/g, '').trim().split('\n', 1)[0] ?? '';
			const title = (line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1).trimEnd()}…` : line) || id;
			return { key: `${at}/note/${id}`, path, part: 'note', id, title, where, text: note.text.toLowerCase() };
		});
		return [...nodes, ...frames, ...notes];
	});
}

/** Those that have every word, those that have them in their titles first. */
export function findAll(entries: readonly Found[], words: string): Found[] {
	const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
	const inTitle = ({ title }: Found): number => wanted.filter((word) => title.toLowerCase().includes(word)).length;
	return entries
		.filter(({ text }) => wanted.every((word) => text.includes(word)))
		.map((entry) => [entry, inTitle(entry)] as const)
		.sort(([, a], [, b]) => b - a)
		.map(([entry]) => entry);
}

interface Placed {
	readonly graph: Graph;
	readonly path: readonly Entered[];
	readonly where: string;
}

/** The workflow, and each definition once, by the first way that leads to it. */
function eachPlace(doc: Doc, kinds: Kinds): Placed[] {
	const places: Placed[] = [{ graph: doc.root, path: [], where: '' }];
	const seen = new Set<Scope>();
	for (let index = 0; index < places.length; index += 1) {
		const { graph, path, where } = places[index]!;
		for (const node of Object.values(graph.nodes)) {
			const scope = definitionOf(node.kind);
			const inner = scope === null || seen.has(scope) ? undefined : doc.subgraphs[scope];
			if (scope !== null && inner !== undefined) {
				seen.add(scope);
				const title = titleOf(node, kinds.get(node.kind));
				places.push({
					graph: inner,
					path: [...path, { scope, instance: node.id }],
					where: where === '' ? title : `${where} › ${title}`,
				});
			}
		}
	}
	return places;
}
