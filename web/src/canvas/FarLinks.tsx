import { useStoreApi, ViewportPortal } from '@xyflow/react';
import { memo, useMemo } from 'react';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { socketColour } from './palette';
import { pathThrough } from './routes';

/** All links of a large graph seen from afar: one path for each colour, since an element for each is too many. */
export const FarLinks = memo(function FarLinks() {
	const nodes = useFlow((flow) => flow.nodes);
	const edges = useFlow((flow) => flow.edges);
	const store = useStoreApi<FlowNode, FlowEdge>();
	const paths = useMemo(() => {
		const { nodeLookup } = store.getState();
		const places = new Map(nodes.map((node) => [node.id, node.position]));
		const end = (id: string, side: 'source' | 'target', handle: string | null | undefined) => {
			const bounds = nodeLookup.get(id)?.internals.handleBounds?.[side]?.find((one) => one.id === handle);
			const at = places.get(id);
			return bounds === undefined || at === undefined
				? null
				: { x: at.x + bounds.x + bounds.width / 2, y: at.y + bounds.y + bounds.height / 2 };
		};
		const byColour = new Map<string, string[]>();
		for (const edge of edges) {
			const from = end(edge.source, 'source', edge.sourceHandle);
			const to = end(edge.target, 'target', edge.targetHandle);
			if (from !== null && to !== null) {
				const colour = socketColour(edge.data?.type ?? '*');
				const points = (edge.data?.via ?? []).flatMap((id) => places.get(id) ?? []);
				const path = pathThrough([from, ...points, to]);
				const lines = byColour.get(colour);
				if (lines === undefined) {
					byColour.set(colour, [path]);
				} else {
					lines.push(path);
				}
			}
		}
		return [...byColour];
	}, [nodes, edges, store]);
	return (
		<ViewportPortal>
			<svg className="far-links">
				{paths.map(([colour, lines]) => (
					<path key={colour} className="far-link" d={lines.join('')} stroke={colour} />
				))}
			</svg>
		</ViewportPortal>
	);
});
