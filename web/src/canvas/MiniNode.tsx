import type { MiniMapNodeProps } from '@xyflow/react';
import { memo } from 'react';
import { useRun } from '../run/store';

export const MiniNode = memo(function MiniNode({ id, x, y, width, height, selected }: MiniMapNodeProps) {
	const state = useRun((run) => (run.problems[id] === undefined ? (run.nodes[id]?.state ?? 'idle') : 'error'));
	return (
		<rect
			className="mini-node"
			x={x}
			y={y}
			width={width}
			height={height}
			rx={8}
			data-state={state}
			data-selected={selected || undefined}
		/>
	);
});
