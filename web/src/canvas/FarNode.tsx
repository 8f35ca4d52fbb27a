import { useStoreApi } from '@xyflow/react';
import { memo } from 'react';
import { useKind } from '../graph/kinds';
import { useNode } from '../graph/store';
import { titleOf, type NodeId } from '../graph/types';
import { useNodeProblems, useNodeResult, useNodeRun } from '../run/inside';
import type { FlowEdge, FlowNode } from './flow';
import { NodeResult } from './NodeResult';
import { t } from '../i18n/i18n';
import { useTabStop } from './focus';
import { socketColour } from './palette';
import { nodeWords } from './words';

/** A node seen from afar: its title, large, or what it made; of its sockets only where links end. */
export const FarNode = memo(function FarNode({ id }: { id: NodeId }) {
	const node = useNode(id);
	const info = useKind(node?.kind ?? '');
	const { state } = useNodeRun(id);
	const problems = useNodeProblems(id);
	const result = useNodeResult(id);
	const drawn = useStoreApi<FlowNode, FlowEdge>().getState().nodeLookup.get(id);
	const tabStop = useTabStop(id);
	if (node === undefined) {
		return null;
	}
	const bounds = drawn?.internals.handleBounds;
	const accent = node.place.color ?? socketColour(info?.outputs[0]?.type ?? info?.inputs[0]?.type ?? '*');
	return (
		<div
			className="node far"
			role="group"
			tabIndex={tabStop}
			aria-roledescription={t('building.node')}
			aria-label={nodeWords(titleOf(node, info), node, state, problems.length)}
			data-testid={`node-${id}`}
			data-state={state}
			data-mode={node.mode}
			data-problem={problems.length > 0 || undefined}
			style={{ '--accent': accent, height: drawn?.measured.height }}
		>
			{result === undefined ? <b>{titleOf(node, info)}</b> : <NodeResult id={id} />}
			{[...(bounds?.source ?? []), ...(bounds?.target ?? [])].map((handle) => (
				<i
					key={`${handle.type} ${handle.id ?? ''}`}
					className={handle.type}
					data-handleid={handle.id}
					data-handlepos={handle.position}
					style={{ left: handle.x, top: handle.y, width: handle.width, height: handle.height }}
				/>
			))}
		</div>
	);
});
