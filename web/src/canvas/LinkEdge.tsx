import { BaseEdge, type ConnectionLineComponentProps, type EdgeProps } from '@xyflow/react';
import { memo, useMemo } from 'react';
import { useNodeRun } from '../run/inside';
import { useConnecting } from './connecting';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { outputIndex } from './handles';
import { socketColour } from './palette';
import { LARGE } from './guess';
import { findLane, linkPath, type Box } from './routes';
import { useView } from './view';

/** In a large graph links run straight: going round nodes costs more than it shows. */
const NO_BOXES: readonly Box[] = [];

export const LinkEdge = memo(function LinkEdge(props: EdgeProps<FlowEdge>) {
	const plain = useView(({ far }) => far) && props.selected !== true;
	return plain ? <FarLink {...props} /> : <NearLink {...props} />;
});

function FarLink({ sourceX, sourceY, targetX, targetY, data }: EdgeProps<FlowEdge>) {
	const ends = { fromX: sourceX, fromY: sourceY, toX: targetX, toY: targetY };
	return <path className="far-link" d={linkPath(ends, null)} stroke={socketColour(data?.type ?? '*')} />;
}

function NearLink(props: EdgeProps<FlowEdge>) {
	const { id, source, target, sourceHandleId, data } = props;
	const lit = useFlow(({ selected }) =>
		selected.size === 0 ? 'any' : selected.has(source) || selected.has(target) ? 'yes' : 'no',
	);
	const flowing = useNodeRun(target).state === 'running';
	const ends = { fromX: props.sourceX, fromY: props.sourceY, toX: props.targetX, toY: props.targetY };
	const track = outputIndex(sourceHandleId) ?? 0;
	const boxes = useFlow((flow) => (flow.nodes.length < LARGE ? flow.boxes : NO_BOXES));
	const { fromX, fromY, toX, toY } = ends;
	const path = useMemo(() => {
		const run = { fromX, fromY, toX, toY, track };
		return linkPath(run, findLane(run, boxes));
	}, [fromX, fromY, toX, toY, track, boxes]);
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
}

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
