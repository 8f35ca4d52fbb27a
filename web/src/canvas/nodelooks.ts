/** How a node looks where it is drawn without an element: in the picture from afar and in the overview. */

import { currentKinds, useKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { titleOf, type GraphNode, type NodeId } from '../graph/types';
import { runId, runIds, together } from '../run/inside';
import { useRun } from '../run/store';
import { IDLE, type RunState } from '../run/types';
import { socketColour } from './palette';

export type Tone = 'plain' | 'running' | 'done' | 'bad';

export interface NodeLook {
	readonly title: string;
	readonly accent: string;
	readonly tone: Tone;
	/** Muted or bypassed. */
	readonly faint: boolean;
}

const known = new Map<NodeId, NodeLook>();

export function lookOf(id: NodeId): NodeLook | null {
	const look = known.get(id);
	if (look !== undefined) {
		return look;
	}
	const node = useGraph.getState().graph.nodes[id];
	if (node === undefined) {
		return null;
	}
	const made = makeLook(node);
	known.set(id, made);
	return made;
}

/** Calls when some node may look otherwise than before; returns the way to stop. */
export function onLooks(changed: () => void): () => void {
	const forget = (): void => {
		known.clear();
		changed();
	};
	forget();
	const stops = [
		useGraph.subscribe((state, before) => {
			if (state.graph.nodes !== before.graph.nodes || state.doc !== before.doc || state.path !== before.path) {
				forget();
			}
		}),
		useRun.subscribe((state, before) => {
			if (state.problems !== before.problems || statesDiffer(state.nodes, before.nodes)) {
				forget();
			}
		}),
		useKinds.subscribe(forget),
	];
	return () => stops.forEach((stop) => stop());
}

/** Progress alone is not seen. */
function statesDiffer(nodes: RunState['nodes'], before: RunState['nodes']): boolean {
	if (nodes === before) {
		return false;
	}
	const ids = Object.keys(nodes);
	return ids.length !== Object.keys(before).length || ids.some((id) => nodes[id]?.state !== before[id]?.state);
}

function makeLook(node: GraphNode): NodeLook {
	const info = currentKinds().get(node.kind);
	return {
		title: titleOf(node, info),
		accent: node.place.color ?? socketColour(info?.outputs[0]?.type ?? info?.inputs[0]?.type ?? '*'),
		tone: toneOf(node),
		faint: node.mode !== 'run',
	};
}

function toneOf(node: GraphNode): Tone {
	const { doc, path } = useGraph.getState();
	const { nodes, problems } = useRun.getState();
	const by = runId(path, node.id);
	const ids = runIds(doc, node, by);
	const { state } = together(ids.map((id) => nodes[id] ?? IDLE));
	if (state === 'error' || [by, ...ids].some((id) => problems[id] !== undefined)) {
		return 'bad';
	}
	return state === 'running' || state === 'done' ? state : 'plain';
}
