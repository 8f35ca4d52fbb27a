import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { editGraph } from '../graph/store';
import { removeReroutes } from '../graph/reroutes';
import { t } from '../i18n/i18n';
import { openMenu } from '../panels/menu';
import { selectNodes, useFlow, type FlowNode } from './flow';
import { socketColour } from './palette';
import { partOf } from './parts';
import { useTabStop } from './focus';

/** A point that links are drawn through: dragged to lead them, deleted to let them find their way. */
export const ReroutePoint = memo(function ReroutePoint({ id }: NodeProps<FlowNode>) {
	const type = useFlow((flow) => flow.pointTypes[id] ?? '*');
	return (
		<div
			className="reroute"
			role="group"
			tabIndex={useTabStop(id)}
			aria-label={t('building.point', { type })}
			data-testid={`reroute-${partOf(id).id}`}
			style={{ '--socket': socketColour(type) }}
			onContextMenu={(event) => {
				selectNodes([id]);
				openMenu(event, [
					{ text: t('building.removePoint'), act: () => editGraph((graph) => removeReroutes(graph, [partOf(id).id])) },
				]);
			}}
		/>
	);
});
