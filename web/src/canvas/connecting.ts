/** The link being dragged, so that every socket can tell whether it fits. */

import { create } from 'zustand';
import { downstream, upstream } from '../graph/links';
import { canJoin } from '../graph/sockets';
import type { Graph, NodeId } from '../graph/types';

export interface Loose {
	readonly node: NodeId;
	readonly handle: string;
	readonly side: 'source' | 'target';
	readonly type: string;
	/** Nodes that would close a loop. */
	readonly barred: ReadonlySet<NodeId>;
}

interface ConnectingStore {
	readonly loose: Loose | null;
}

export const useConnecting = create<ConnectingStore>()(() => ({ loose: null }));

export function startConnecting(graph: Graph, { node, handle, side, type }: Omit<Loose, 'barred'>): void {
	const barred = side === 'source' ? upstream(graph, node) : downstream(graph, node);
	useConnecting.setState({ loose: { node, handle, side, type, barred } });
}

export function stopConnecting(): void {
	useConnecting.setState({ loose: null });
}

export function fits(loose: Loose, { node, handle, side, type }: Omit<Loose, 'barred'>): boolean {
	if (loose.side === side) {
		return loose.node === node && loose.handle === handle;
	}
	const joins = loose.side === 'source' ? canJoin(loose.type, type) : canJoin(type, loose.type);
	return joins && !loose.barred.has(node);
}
