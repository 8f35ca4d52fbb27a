import { BaseEdge, type ConnectionLineComponentProps, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { useNodeRun } from '../run/inside';
import { useConnecting } from './connecting';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { outputIndex } from './handles';
import { socketColour } from './palette';
import { findLane, linkPath } from './routes';

export const LinkEdge = memo(function LinkEdge(props: EdgeProps<FlowEdge>) {
	const { id, source, target, sourceHandleId, data } = props;
	const lit = useFlow(({ selected }) =>
		selected.size === 0 ? 'any' : selected.has(source) || selected.has(target) ? 'yes' : 'no',
	);
	const flowing = useNodeRun(target).state === 'running';
	const ends = { fromX: props.sourceX, fromY: props.sourceY, toX: props.targetX, toY: props.targetY };
	const track = outputIndex(sourceHandleId) ?? 0;
	// As text, so that a node moving elsewhere does not redraw this link.
	const path = useFlow(({ boxes }) => linkPath(ends, findLane({ ...ends, track }, boxes)));
	const colour = socketColour(data?.type ?? '*');
	return (
		<g
			className="link"
			data-selected={props.selected === true || undefined}
			data-lit={lit}
			data-flowing={flowing || undefined}
			style={{ '--socket': colour }}
		>
			<BaseEdge id={id} path={path} interactionWidth={14} />
			{flowing && <path className="flow" d={path} />}
		</g>
	);
});

export function LooseLink({
	fromX,
	fromY,
	toX,
	toY,
	fromHandle,
	connectionStatus,
}: ConnectionLineComponentProps<FlowNode>) {
	const type = useConnecting((state) => state.loose?.type ?? '*');
	const forward = fromHandle.type === 'source';
	const path = linkPath(
		forward ? { fromX, fromY, toX, toY } : { fromX: toX, fromY: toY, toX: fromX, toY: fromY },
		null,
	);
	return (
		<path
			className="loose"
			d={path}
			data-status={connectionStatus ?? undefined}
			style={{ stroke: socketColour(type) }}
		/>
	);
}
