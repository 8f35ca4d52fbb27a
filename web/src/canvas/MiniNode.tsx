import type { MiniMapNodeProps } from '@xyflow/react';
import { memo } from 'react';
import { useNodeProblems, useNodeRun } from '../run/inside';

export const MiniNode = memo(function MiniNode({ id, x, y, width, height, selected }: MiniMapNodeProps) {
	const run = useNodeRun(id);
	const state = useNodeProblems(id).length > 0 ? 'error' : run.state;
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
