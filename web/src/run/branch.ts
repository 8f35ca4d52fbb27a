/** Which sinks make up the branch of some nodes. */

import type { Doc } from '../graph/doc';
import { downstream } from '../graph/links';
import type { Entered } from '../graph/store';
import { nodeOf, type Kinds, type NodeId } from '../graph/types';
import { locate, runIds } from './inside';

/**
 * The nodes to run for a selection on the canvas: those of it that save or show something, else those that show what it
 * makes. Of a selection inside of a subgraph, the instance on the workflow counts.
 */
export function branchTargets(doc: Doc, path: readonly Entered[], selected: Iterable<NodeId>, kinds: Kinds): readonly NodeId[] {
	const ids = path[0] === undefined ? [...selected] : [path[0].instance];
	const targets = ids.flatMap((id) => {
		const own = sinksOf(doc, id, kinds);
		return own.length > 0 ? own : [...downstream(doc.root, id)].flatMap((one) => sinksOf(doc, one, kinds));
	});
	return [...new Set(targets)];
}

/** The node itself, or those in an instance, as far as they save or show something. */
function sinksOf(doc: Doc, id: NodeId, kinds: Kinds): readonly NodeId[] {
	const node = nodeOf(doc.root, id);
	const all = node === undefined ? [] : runIds(doc, node, id);
	return all.filter((one) => {
		const kind = locate(doc, one)?.node.kind;
		return kind !== undefined && kinds.get(kind)?.isSink === true;
	});
}
