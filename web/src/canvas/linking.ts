/** Links without a pointer: a socket that has the focus, and all that it fits, best first. */

import { create } from 'zustand';
import { openDialog } from '../commands/dialogs';
import { inputOf } from '../graph/sockets';
import { ROOT } from '../graph/doc';
import { currentGraph, useGraph } from '../graph/store';
import { titleOf, type Graph, type NodeId } from '../graph/types';
import { t } from '../i18n/i18n';
import { cutLink, infoAt, infoOf, looseEnd, objection, type Ends, type LooseEnd } from './commands';
import { NEW } from './boundary';
import { selectedNodes, useFlow } from './flow';
import { inputName } from './handles';
import { INPUTS, OUTPUTS } from './parts';
import { socketOf, type HandleEnd } from './why';
import { inputLabel } from './words';

export interface Target {
	readonly ends: Ends;
	/** Of the node. */
	readonly title: string;
	/** Of the socket. */
	readonly label: string;
	readonly type: string;
	/** An input that has a link already. */
	readonly taken: boolean;
}

export const useLinking = create<{ readonly end: LooseEnd | null }>()(() => ({ end: null }));

/** The socket that has the focus, or the first of the only node selected. */
export function endToLink(): LooseEnd | null {
	const focused = focusedSocket();
	if (focused !== null) {
		return looseEnd(focused.nodeId, focused.id ?? null);
	}
	const [id, ...more] = selectedNodes();
	if (id === undefined || more.length > 0) {
		return null;
	}
	const info = infoOf(currentGraph().nodes[id]);
	return looseEnd(id, 'out:0') ?? (info?.inputs[0] === undefined ? null : looseEnd(id, `in:${info.inputs[0].name}`));
}

export function openLinkTo(): void {
	const end = endToLink();
	if (end !== null) {
		useLinking.setState({ end });
		openDialog('linkTo');
	}
}

/** Deletes the link at the input that has the focus; false where there is none. */
export function cutFocusedLink(): boolean {
	const focused = focusedSocket();
	const input = focused === null ? null : inputName(focused.id);
	const value = input === null ? undefined : currentGraph().nodes[focused?.nodeId ?? '']?.inputs[input];
	if (focused === null || input === null || value === undefined || 'constant' in value) {
		return false;
	}
	cutLink(focused.nodeId, input);
	return true;
}

export function focusedSocket(): HandleEnd | null {
	return document.activeElement?.classList.contains('react-flow__handle') === true ? socketOf(document.activeElement) : null;
}

/** What this end can be joined to: exact types first, then free inputs, then what stands near. */
export function targetsOf(graph: Graph, end: LooseEnd): Target[] {
	const places = new Map(useFlow.getState().nodes.map(({ id, position }) => [id, position]));
	const here = places.get(end.node) ?? { x: 0, y: 0 };
	const edges = useGraph.getState().scope === ROOT ? [] : [INPUTS, OUTPUTS];
	const found = [...Object.keys(graph.nodes), ...edges].flatMap((id) =>
		targetsAt(graph, end, id).map((target) => {
			const at = places.get(id) ?? here;
			const behind = end.side === 'source' ? at.x < here.x : at.x > here.x;
			const exact = target.type === end.type ? 0 : 4e6;
			const cost = exact + (target.taken ? 2e6 : 0) + (behind ? 1e6 : 0) + Math.hypot(at.x - here.x, at.y - here.y);
			return { target, cost };
		}),
	);
	return found.sort((a, b) => a.cost - b.cost).map(({ target }) => target);
}

function targetsAt(graph: Graph, end: LooseEnd, id: NodeId): Target[] {
	const info = infoAt(graph, id);
	const node = graph.nodes[id];
	if (info === undefined || id === end.node) {
		return [];
	}
	const edge = t(id === INPUTS ? 'subgraph.inputs' : 'subgraph.outputs');
	const title = node === undefined ? edge : titleOf(node, info);
	const all: Target[] =
		end.side === 'source'
			? info.inputs.map(({ name, type }) => {
					const value = node?.inputs[name];
					const input = inputOf(info, name);
					return {
						ends: { source: end.node, output: end.output, target: id, input: name },
						title,
						label: name === NEW ? t('subgraph.new') : input === undefined ? name : inputLabel(input),
						type,
						taken: value !== undefined && !('constant' in value),
					};
				})
			: info.outputs.map(({ index, name, type }) => ({
					ends: { source: id, output: index, target: end.node, input: end.input },
					title,
					label: name === NEW ? t('subgraph.new') : name,
					type,
					taken: false,
				}));
	return all.filter(({ ends }) => objection(graph, ends) === null);
}
