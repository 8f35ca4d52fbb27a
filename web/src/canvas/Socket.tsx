import { Handle, Position } from '@xyflow/react';
import { memo } from 'react';
import type { NodeId } from '../graph/types';
import { fits, useConnecting } from './connecting';
import { socketColour } from './palette';
import { t } from '../i18n/i18n';

interface SocketProps {
	readonly node: NodeId;
	readonly side: 'source' | 'target';
	readonly handle: string;
	readonly type: string;
	readonly label: string;
	readonly filled: boolean;
	readonly small?: boolean;
	readonly wrong?: boolean;
}

export const Socket = memo(function Socket({
	node,
	side,
	handle,
	type,
	label,
	filled,
	small = false,
	wrong = false,
}: SocketProps) {
	const fit = useConnecting(({ loose }) =>
		loose === null ? 'any' : fits(loose, { node, handle, side, type }) ? 'yes' : 'no',
	);
	return (
		<Handle
			type={side}
			id={handle}
			position={side === 'source' ? Position.Right : Position.Left}
			className="socket"
			style={{ '--socket': socketColour(type) }}
			data-fit={fit}
			data-filled={filled || undefined}
			data-small={small || undefined}
			data-wrong={wrong || undefined}
			role="button"
			tabIndex={-1}
			aria-label={t(side === 'source' ? 'node.outputSocket' : 'node.inputSocket', { label, type })}
		/>
	);
});
