import { BaseEdge, useStore, type ConnectionLineComponentProps, type EdgeProps } from '@xyflow/react';
import { memo, useMemo } from 'react';
import { useNodeRun } from '../run/inside';
import { useConnecting } from './connecting';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { outputIndex } from './handles';
import { socketColour } from './palette';
import { LARGE } from './guess';
import { findLane, linkPath, pathThrough, type Box } from './routes';
import { useView } from './view';

/** In a large graph links run straight: going round nodes costs more than it shows. */
const NO_BOXES: readonly Box[] = [];

export const LinkEdge = memo(function LinkEdge(props: EdgeProps<FlowEdge>) {
	const plain = useView(({ far }) => far) && props.selected !== true;
	if ((props.data?.via.length ?? 0) > 0) {
		return <RoutedLink plain={plain} {...props} />;
	}
	return plain ? <FarLink path={linkPath(endsOf(props), null)} type={props.data?.type} /> : <NearLink {...props} />;
});

interface Ends {
	readonly fromX: number;
	readonly fromY: number;
	readonly toX: number;
	readonly toY: number;
}

function endsOf(props: EdgeProps<FlowEdge>): Ends {
	return { fromX: props.sourceX, fromY: props.sourceY, toX: props.targetX, toY: props.targetY };
}

function FarLink({ path, type = '*' }: { path: string; type: string | undefined }) {
	return <path className="far-link" d={path} stroke={socketColour(type)} />;
}

/** Through its points, where they are while they are dragged too. */
function RoutedLink({ plain, ...props }: EdgeProps<FlowEdge> & { plain: boolean }) {
	const via = props.data?.via ?? [];
	const points = useStore(({ nodeLookup }) =>
		via.map((id) => {
			const { x = 0, y = 0 } = nodeLookup.get(id)?.internals.userNode.position ?? {};
			return `${x} ${y}`;
		}).join(' '),
	);
	const { fromX, fromY, toX, toY } = endsOf(props);
	const path = useMemo(() => {
		const numbers = points.split(' ').map(Number);
		const spots = Array.from({ length: numbers.length / 2 }, (_, index) => {
			return { x: numbers[2 * index] ?? 0, y: numbers[2 * index + 1] ?? 0 };
		});
		return pathThrough([{ x: fromX, y: fromY }, ...spots, { x: toX, y: toY }]);
	}, [points, fromX, fromY, toX, toY]);
	return plain ? <FarLink path={path} type={props.data?.type} /> : <Drawn props={props} path={path} />;
}

function NearLink(props: EdgeProps<FlowEdge>) {
	const track = outputIndex(props.sourceHandleId) ?? 0;
	const boxes = useFlow((flow) => (flow.nodes.length < LARGE ? flow.boxes : NO_BOXES));
	const { fromX, fromY, toX, toY } = endsOf(props);
	const path = useMemo(() => {
		const run = { fromX, fromY, toX, toY, track };
		return linkPath(run, findLane(run, boxes));
	}, [fromX, fromY, toX, toY, track, boxes]);
	return <Drawn props={props} path={path} />;
}

function Drawn({ props, path }: { props: EdgeProps<FlowEdge>; path: string }) {
	const { id, source, target, data } = props;
	const lit = useFlow(({ selected }) =>
		selected.size === 0 ? 'any' : selected.has(source) || selected.has(target) ? 'yes' : 'no',
	);
	const flowing = useNodeRun(target).state === 'running';
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
