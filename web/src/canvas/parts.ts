/** What lies on the canvas beside nodes: frames, notes, points of links, and inside of a subgraph what it takes and gives. Each has an id. */

import type { NodeId } from '../graph/types';

export type Part = 'node' | 'frame' | 'note' | 'reroute' | 'inputs' | 'outputs';

/** What a subgraph takes, at its left, and what it gives, at its right. */
export const INPUTS = ':inputs:';
export const OUTPUTS = ':outputs:';

/** No node of a graph has an id that begins with a colon followed by one of these words. */
export function partId(part: Part, id: string): NodeId {
	return part === 'node' ? id : `:${part}:${id}`;
}

export function partOf(id: NodeId): { readonly part: Part; readonly id: string } {
	const [, part, rest] = /^:(frame|note|reroute|inputs|outputs):(.*)$/s.exec(id) ?? [];
	return part === undefined ? { part: 'node', id } : { part: part as Part, id: rest ?? '' };
}

export function isNode(id: NodeId): boolean {
	return partOf(id).part === 'node';
}
