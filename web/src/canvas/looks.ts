/** How nodes, frames and notes look: colour, collapsed, pinned, muted, bypassed. */

import { freeId } from '../graph/names';
import { nodeOf, type Frame, type Graph, type Mode, type NodeId, type Note, type Place } from '../graph/types';
import { t } from '../i18n/i18n';
import type { MenuItem } from '../panels/menu';

/** Muted enough to write on, in light and in dark. */
export const COLOURS = {
	none: '',
	red: '#a8474c',
	orange: '#a8692f',
	yellow: '#8f7a2a',
	green: '#3f7d57',
	blue: '#3f6aa8',
	violet: '#7457a8',
	grey: '#5f6673',
} as const;

const FRAME_MARGIN = { side: 24, top: 52 };
const EMPTY_FRAME = { width: 420, height: 280 };
const NOTE = { width: 240, height: 120 };

export interface Area {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

export function colourItems(choose: (color: string) => void): MenuItem[] {
	return (Object.keys(COLOURS) as (keyof typeof COLOURS)[]).map((name) => ({
		text: t(`colours.${name}`),
		swatch: COLOURS[name],
		act: () => choose(COLOURS[name]),
	}));
}

export function updateFrame(graph: Graph, id: string, change: Partial<Frame>): Graph {
	const frame = graph.frames[id];
	return frame === undefined ? graph : { ...graph, frames: { ...graph.frames, [id]: { ...frame, ...change } } };
}

export function updateNote(graph: Graph, id: string, change: Partial<Note>): Graph {
	const note = graph.notes[id];
	return note === undefined ? graph : { ...graph, notes: { ...graph.notes, [id]: { ...note, ...change } } };
}

/** A frame around these boxes, or an empty one at a point. */
export function addFrame(graph: Graph, boxes: readonly Area[], at: { x: number; y: number }): { graph: Graph; id: string } {
	const id = freeId('frame', (taken) => Object.hasOwn(graph.frames, taken));
	const area = boxes.length === 0 ? { ...at, ...EMPTY_FRAME } : around(boxes);
	const frame: Frame = { title: '', color: '', extra: {}, ...area };
	return { graph: { ...graph, frames: { ...graph.frames, [id]: frame } }, id };
}

export function addNote(graph: Graph, at: { x: number; y: number }): { graph: Graph; id: string } {
	const id = freeId('note', (taken) => Object.hasOwn(graph.notes, taken));
	const note: Note = { text: '', color: '', extra: {}, ...at, ...NOTE };
	return { graph: { ...graph, notes: { ...graph.notes, [id]: note } }, id };
}

/** Gives all of them the mode, or takes it from them if all have it. */
export function toggleMode(graph: Graph, ids: ReadonlySet<NodeId>, mode: Exclude<Mode, 'run'>): Graph {
	const nodes = [...ids].flatMap((id) => nodeOf(graph, id) ?? []);
	const next = nodes.every((node) => node.mode === mode) ? 'run' : mode;
	const changed = nodes.map((node) => [node.id, { ...node, mode: next }] as const);
	return nodes.length === 0 ? graph : { ...graph, nodes: { ...graph.nodes, ...Object.fromEntries(changed) } };
}

/** Collapses or pins all of them, or takes it back if all are. */
export function toggleLook(graph: Graph, ids: ReadonlySet<NodeId>, look: 'collapsed' | 'pinned'): Graph {
	const nodes = [...ids].flatMap((id) => nodeOf(graph, id) ?? []);
	const on = !nodes.every((node) => node.place[look] === true);
	return changePlaces(graph, ids, ({ [look]: _before, ...place }) => (on ? { ...place, [look]: true } : place));
}

export function colourNodes(graph: Graph, ids: ReadonlySet<NodeId>, color: string): Graph {
	return changePlaces(graph, ids, ({ color: _before, ...place }) => (color === '' ? place : { ...place, color }));
}

function changePlaces(graph: Graph, ids: ReadonlySet<NodeId>, change: (place: Place) => Place): Graph {
	const nodes = { ...graph.nodes };
	for (const id of ids) {
		const node = nodeOf(graph, id);
		if (node !== undefined) {
			nodes[id] = { ...node, place: change(node.place) };
		}
	}
	return ids.size === 0 ? graph : { ...graph, nodes };
}

function around(boxes: readonly Area[]): Area {
	const left = Math.min(...boxes.map(({ x }) => x)) - FRAME_MARGIN.side;
	const top = Math.min(...boxes.map(({ y }) => y)) - FRAME_MARGIN.top;
	const right = Math.max(...boxes.map(({ x, width }) => x + width)) + FRAME_MARGIN.side;
	const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + FRAME_MARGIN.side;
	return { x: left, y: top, width: right - left, height: bottom - top };
}
