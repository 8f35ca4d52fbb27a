/** The document as a tree: frames with what stands in them, nodes, and under instances what is in their subgraphs. */

import { partId } from '../canvas/parts';
import type { Doc } from '../graph/doc';
import { estimatedSize } from '../graph/layout';
import { ROOT, type Scope } from '../graph/doc';
import type { Entered } from '../graph/store';
import { definitionOf } from '../graph/subgraphs';
import { titleOf, type Frame, type Graph, type GraphNode, type Kinds, type NodeId } from '../graph/types';
import type { TreeRow } from '../ui/Tree';

export interface OutlineRow extends TreeRow {
	readonly scope: Scope;
	/** The way to the graph that it is in. */
	readonly path: readonly Entered[];
	/** As it is called on the canvas. */
	readonly canvasId: NodeId;
	/** By which its run is known; of frames the same as nothing runs by. */
	readonly runId: NodeId;
	/** Null for a frame. */
	readonly node: GraphNode | null;
}

/** The rows that can be seen; frames are open unless they are in `turned`, subgraphs closed unless they are. */
export function outlineRows(doc: Doc, kinds: Kinds, turned: ReadonlySet<string>): OutlineRow[] {
	return rowsOf(doc, kinds, turned, { graph: doc.root, scope: ROOT, path: [], level: 1 });
}

interface Place {
	readonly graph: Graph;
	readonly scope: Scope;
	readonly path: readonly Entered[];
	readonly level: number;
}

function rowsOf(doc: Doc, kinds: Kinds, turned: ReadonlySet<string>, place: Place): OutlineRow[] {
	const { graph, scope, path, level } = place;
	const prefix = path.map(({ instance }) => `${instance}:`).join('');
	const row = (node: GraphNode, at: number): OutlineRow[] => {
		const inner = definitionOf(node.kind);
		const definition = inner === null || path.some((step) => step.scope === inner) ? undefined : doc.subgraphs[inner];
		const id = prefix + node.id;
		const open = definition === undefined ? undefined : turned.has(id);
		const label = titleOf(node, kinds.get(node.kind));
		const own: OutlineRow = { id, level: at, open, label, spoken: label, scope, path, canvasId: node.id, runId: id, node };
		if (inner === null || definition === undefined || open !== true) {
			return [own];
		}
		const below = { graph: definition, scope: inner, path: [...path, { scope: inner, instance: node.id }], level: at + 1 };
		return [own, ...rowsOf(doc, kinds, turned, below)];
	};
	const nodes = Object.values(graph.nodes);
	const framed = new Map(nodes.map((node) => [node.id, frameOf(graph, node, kinds)]));
	const frames = Object.entries(graph.frames).flatMap(([frame, { title }]): OutlineRow[] => {
		const inside = nodes.filter(({ id }) => framed.get(id) === frame);
		const canvasId = partId('frame', frame);
		const id = prefix + canvasId;
		const open = inside.length === 0 ? undefined : !turned.has(id);
		const own: OutlineRow = { id, level, open, label: title || frame, scope, path, canvasId, runId: id, node: null };
		return [own, ...(open === true ? inside.flatMap((node) => row(node, level + 1)) : [])];
	});
	return [...frames, ...nodes.filter(({ id }) => framed.get(id) === null).flatMap((node) => row(node, level))];
}

/** The smallest frame that the middle of a node lies in. */
function frameOf(graph: Graph, node: GraphNode, kinds: Kinds): string | null {
	const frames = Object.entries(graph.frames);
	if (frames.length === 0) {
		return null;
	}
	const { width, height } = estimatedSize(node, kinds);
	const [x, y] = [node.place.x + width / 2, node.place.y + height / 2];
	const around = ([, frame]: [string, Frame]): boolean =>
		x >= frame.x && x <= frame.x + frame.width && y >= frame.y && y <= frame.y + frame.height;
	const area = ([, frame]: [string, Frame]): number => frame.width * frame.height;
	return frames.filter(around).sort((a, b) => area(a) - area(b))[0]?.[0] ?? null;
}
