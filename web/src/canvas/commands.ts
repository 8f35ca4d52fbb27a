/** What a person can do to the graph, by key, menu or button. */

import { FIRST_SOCKET } from '../graph/columns';
import * as edit from '../graph/edit';
import { currentKinds } from '../graph/kinds';
import { arrange, NODE_WIDTH } from '../graph/layout';
import { closesLoop } from '../graph/links';
import { liveKind, settledNode } from '../graph/live';
import { canJoin, firstFittingInput, firstFittingOutput, inputType, outputReference } from '../graph/sockets';
import { ROOT } from '../graph/doc';
import { contains, definitionOf } from '../graph/subgraphs';
import { noteRecent } from '../prefs';
import { currentGraph, editGraph, useGraph } from '../graph/store';
import { nodeOf, outerOf, type Graph, type GraphNode, type KindInfo, type NodeId } from '../graph/types';
import type { Json } from '../json';
import { showToast } from '../panels/toasts';
import { runId } from '../run/inside';
import { forgiveInput } from '../run/store';
import { measuredSizes, selectedNodes, selectNodes, useFlow } from './flow';
import { boundaryKind, joinInput, joinOutput, withoutOutput } from './boundary';
import { inputName, outputIndex } from './handles';
import { linkSource } from './outputs';
import { INPUTS, OUTPUTS, partOf } from './parts';
import { fitView, toGraph, type Point } from './view';
import { t } from '../i18n/i18n';

const PILE_STEP = 36;

export interface Ends {
	readonly source: NodeId;
	readonly output: number;
	readonly target: NodeId;
	readonly input: string;
}

/** The loose end of a link that was dropped on the empty canvas. */
export interface LooseEnd {
	readonly node: NodeId;
	readonly side: 'source' | 'target';
	readonly output: number;
	readonly input: string;
	readonly type: string;
}

export function infoOf(node: GraphNode | undefined): KindInfo | undefined {
	return node && liveKind(currentKinds().get(node.kind), node);
}

/** The same for what is drawn at this id: a node, or the edge of a subgraph. */
export function infoAt(graph: Graph, id: NodeId): KindInfo | undefined {
	return infoOf(nodeOf(graph, id)) ?? boundaryKind(graph, currentKinds(), id);
}

export function setInput(id: NodeId, input: string, value: Json): void {
	editGraph((graph) => {
		const next = edit.setConstant(graph, id, input, value);
		return edit.updateNode(next, id, (node) => settledNode(node, currentKinds().get(node.kind)));
	}, `value ${id} ${input}`);
	forgive(id, input);
}

export function resetInput(id: NodeId, input: string): void {
	editGraph((graph) => {
		const value = edit.defaultOf(infoOf(nodeOf(graph, id)), input);
		return value === undefined ? edit.removeInput(graph, id, input) : edit.setConstant(graph, id, input, value);
	});
	forgive(id, input);
}

export function cutLink(id: NodeId, input: string): void {
	editGraph((graph) => unjoined(graph, id, input));
}

/** Why these two cannot be joined, or null when they can. */
export function objection(graph: Graph, ends: Ends): string | null {
	const output = infoAt(graph, ends.source)?.outputs[ends.output];
	const target = infoAt(graph, ends.target);
	if (output === undefined || (target === undefined && nodeOf(graph, ends.target) === undefined)) {
		return t('link.unknown');
	}
	if (ends.source === INPUTS && ends.target === OUTPUTS) {
		return t('link.through');
	}
	const wanted = inputType(target, ends.input);
	if (!canJoin(output.type, wanted)) {
		return t('link.type', { type: output.type, input: ends.input, wanted });
	}
	return closesLoop(graph, ends.source, ends.target)
		? t('link.loop')
		: null;
}

export function connect(ends: Ends): void {
	editGraph((graph) => (objection(graph, ends) === null ? joined(graph, ends) : graph));
	forgive(ends.target, ends.input);
}

/** Takes a link from one input to other ends, in one step. */
export function moveLink(from: { readonly node: NodeId; readonly input: string }, ends: Ends): void {
	editGraph((graph) => {
		const stays = from.node === ends.target && from.input === ends.input;
		return joined(
			stays ? graph : unjoined(graph, from.node, from.input),
			ends,
		);
	});
	forgive(ends.target, ends.input);
}

export function endsOf(connection: {
	source: string | null;
	target: string | null;
	sourceHandle?: string | null;
	targetHandle?: string | null;
}): Ends | null {
	const output = outputIndex(connection.sourceHandle);
	const input = inputName(connection.targetHandle);
	const { source, target } = connection;
	return source === null || target === null || output === null || input === null
		? null
		: { source, output, target, input };
}

/** The free end as a whole link to this node, or null when nothing of it fits. */
export function joinNode(graph: Graph, end: LooseEnd, id: NodeId): Ends | null {
	const node = nodeOf(graph, id);
	const info = infoAt(graph, id);
	if (info === undefined) {
		return null;
	}
	if (end.side === 'source') {
		const input = firstFittingInput(info, end.type, node);
		return input === undefined ? null : { source: end.node, output: end.output, target: id, input: input.name };
	}
	const output = firstFittingOutput(info, end.type);
	return output === undefined ? null : { source: id, output: output.index, target: end.node, input: end.input };
}

export function addKind(kind: string, at: Point, end: LooseEnd | null): NodeId | null {
	const info = currentKinds().get(kind);
	if (info === undefined) {
		return null;
	}
	const { doc, scope } = useGraph.getState();
	const definition = definitionOf(kind);
	if (scope !== ROOT && definition !== null && contains(doc, definition, scope)) {
		showToast('info', t('subgraph.loop'));
		return null;
	}
	noteRecent(kind);
	const { graph, id } = edit.addNode(currentGraph(), info, freePlace(toGraph(at), end));
	const ends = end && joinNode(graph, end, id);
	editGraph(() => (ends === null ? graph : joined(graph, ends)));
	selectNodes([id]);
	return id;
}

/** Writes what was dragged into the graph. */
export function settlePlaces(ids: readonly NodeId[]): void {
	const drawn = new Map(useFlow.getState().nodes.map((node) => [node.id, node]));
	editGraph((graph) =>
		ids.reduce((next, id) => {
			const node = drawn.get(id);
			return node === undefined ? next : edit.movePart(next, partOf(id), node.position);
		}, graph),
	);
}

export function resizeNode(id: NodeId, place: { x: number; y: number; width: number }): void {
	editGraph((graph) => edit.movePlaces(graph, new Map([[id, place]])));
}

/** Lays out the selected nodes, or all of them, unless the graph is changed meanwhile. */
export async function tidy(): Promise<void> {
	const graph = currentGraph();
	const chosen = selectedNodes();
	const { tidied } = await import('../graph/elk');
	const next = await tidied(graph, currentKinds(), measuredSizes(), chosen.size > 1 ? chosen : new Set());
	if (currentGraph() === graph) {
		editGraph(() => next);
		requestAnimationFrame(() => fitView());
	}
}

/** Repeats a layout made before the nodes had sizes; false while some still have none. */
export function settleGuess(): boolean {
	const { graph, adjust } = useGraph.getState();
	const sizes = measuredSizes();
	if (sizes.size < Object.keys(graph.nodes).length) {
		return false;
	}
	if (graph.guessed) {
		adjust((current) => ({ ...arrange(current, { kinds: currentKinds(), sizes }), guessed: false }));
	}
	return true;
}

export function looseEnd(id: NodeId, handle: string | null): LooseEnd | null {
	const graph = currentGraph();
	const info = infoAt(graph, id);
	const output = outputIndex(handle);
	const input = inputName(handle);
	if (output !== null) {
		const type = info?.outputs[output]?.type;
		return type === undefined ? null : { node: id, side: 'source', output, input: '', type };
	}
	return input === null ? null : { node: id, side: 'target', output: 0, input, type: inputType(info, input) };
}

export interface Source {
	readonly text: string;
	/** What it names is not there. */
	readonly broken: boolean;
}

/** The title and output of what feeds an input, for people. */
export function describeLink(graph: Graph, id: NodeId, input: string): Source {
	const value = nodeOf(graph, id)?.inputs[input];
	const outer = outerOf(value);
	if (outer !== null) {
		return { text: t('subgraph.from', { name: outer }), broken: !Object.hasOwn(graph.inputs, outer) };
	}
	if (value === undefined || !('link' in value)) {
		return { text: '', broken: false };
	}
	const source = nodeOf(graph, value.link.node);
	const output = linkSource(graph, currentKinds(), value.link);
	if (source === undefined || output === null) {
		const from = `${value.link.node} · ${value.link.output}`;
		return { text: t('link.broken', { from }), broken: true };
	}
	const title = source.title || infoOf(source)?.title || source.kind;
	return { text: `${title} · ${output.name}`, broken: false };
}

/** A waiting link meets the new node at its first sockets; without one, nodes do not pile up on one spot. */
function freePlace(at: Point, end: LooseEnd | null): Point {
	if (end !== null) {
		return { x: end.side === 'source' ? at.x : at.x - NODE_WIDTH, y: at.y - FIRST_SOCKET };
	}
	const places = Object.values(currentGraph().nodes).map((node) => node.place);
	let { x, y } = at;
	while (places.some((place) => Math.abs(place.x - x) < PILE_STEP && Math.abs(place.y - y) < PILE_STEP)) {
		x += PILE_STEP;
		y += PILE_STEP;
	}
	return { x, y };
}

function joined(graph: Graph, ends: Ends): Graph {
	if (ends.source === INPUTS) {
		return joinInput(graph, ends.output, ends.target, ends.input, inputType(infoAt(graph, ends.target), ends.input));
	}
	const info = infoOf(nodeOf(graph, ends.source));
	const output = info === undefined ? ends.output : outputReference(info, ends.output);
	const link = { node: ends.source, output };
	if (ends.target === OUTPUTS) {
		const given = info?.outputs[ends.output];
		return joinOutput(graph, link, ends.input, given?.name ?? 'output', given?.type ?? '*');
	}
	return edit.connect(graph, link, ends.target, ends.input);
}

/** Takes away what ends at an input, of a node or of the edge of a subgraph. */
export function unjoined(graph: Graph, id: NodeId, input: string): Graph {
	return id === OUTPUTS
		? withoutOutput(graph, input)
		: edit.disconnect(graph, id, input, infoOf(nodeOf(graph, id)));
}

/** What was said of an input that is changed now no longer holds. */
function forgive(id: NodeId, input: string): void {
	forgiveInput(runId(useGraph.getState().path, id), input);
}
