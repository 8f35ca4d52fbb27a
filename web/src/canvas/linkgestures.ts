/** What the pointer does with links: draws them, drops them, takes them elsewhere. */

import type { Connection, Edge, FinalConnectionState, HandleType, OnConnectStart } from '@xyflow/react';
import { currentGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { openSearch } from '../panels/searching';
import { showToast } from '../panels/toasts';
import { connect, cutLink, endsOf, joinNode, looseEnd, moveLink, objection, type LooseEnd } from './commands';
import { startConnecting, stopConnecting, useConnecting } from './connecting';
import type { FlowEdge } from './flow';
import { inputName } from './handles';
import type { Point } from './view';
import { socketOf, whyNot, type HandleEnd } from './why';

/** The end of a link that is there already is being pulled. */
let reconnecting = false;

export const onConnectStart: OnConnectStart = (_event, { nodeId, handleId }) => {
	const end = nodeId === null ? null : looseEnd(nodeId, handleId);
	if (end !== null && handleId !== null) {
		startConnecting(currentGraph(), { ...end, handle: handleId });
	}
};

export function isValid(connection: Connection | Edge): boolean {
	const ends = endsOf({
		...connection,
		sourceHandle: connection.sourceHandle ?? null,
		targetHandle: connection.targetHandle ?? null,
	});
	return ends !== null && objection(currentGraph(), ends) === null;
}

export function onConnect(connection: Connection): void {
	const ends = endsOf(connection);
	if (ends !== null) {
		connect(ends);
	}
}

/** A link let go anywhere but on a socket that takes it. */
export function onConnectEnd(event: MouseEvent | TouchEvent, state: FinalConnectionState): void {
	stopConnecting();
	const { fromHandle, toHandle, isValid: done } = state;
	if (done === true || fromHandle === null || reconnecting) {
		return;
	}
	const end = looseEnd(fromHandle.nodeId, fromHandle.id ?? null);
	if (end === null) {
		return;
	}
	if (toHandle !== null && toHandle.nodeId !== fromHandle.nodeId) {
		explain(fromHandle, toHandle);
	} else if (toHandle === null) {
		dropLink(end, pointOf(event));
	}
}

/** The second of two taps on sockets; the reason where they do not fit. */
export function onClickConnectEnd({ target }: MouseEvent | TouchEvent): void {
	const { loose } = useConnecting.getState();
	const to = target instanceof Element ? socketOf(target) : null;
	stopConnecting();
	if (loose !== null && to !== null && to.nodeId !== loose.node) {
		explain({ nodeId: loose.node, id: loose.handle, type: loose.side }, to);
	}
}

/** On a node: its first socket that fits. On the empty canvas: the search for a node that does. */
function dropLink(end: LooseEnd, at: Point): void {
	const below = document.elementFromPoint(at.x, at.y);
	const id = below?.closest('.react-flow__node')?.getAttribute('data-id') ?? null;
	if (id === null && below?.closest('.react-flow__pane') != null) {
		openSearch(at, end);
	} else if (id !== null && id !== end.node) {
		const ends = joinNode(currentGraph(), end, id);
		const why =
			ends === null
				? t(end.side === 'source' ? 'link.noneTakes' : 'link.noneGives', { type: end.type })
				: objection(currentGraph(), ends);
		if (ends !== null && why === null) {
			connect(ends);
		} else {
			showToast('info', why ?? '');
		}
	}
}

function explain(from: HandleEnd, to: HandleEnd): void {
	const why = whyNot(from, to);
	if (why !== null) {
		showToast('info', why);
	}
}

export function onReconnectStart(): void {
	reconnecting = true;
}

export function onReconnect(edge: FlowEdge, connection: Connection): void {
	const ends = endsOf(connection);
	const input = inputName(edge.targetHandle);
	if (ends === null || input === null || objection(currentGraph(), ends) !== null) {
		return;
	}
	moveLink({ node: edge.target, input }, ends);
}

/** The end of a link pulled off into the void: the link is gone. */
export function onReconnectEnd(
	_event: MouseEvent | TouchEvent,
	edge: FlowEdge,
	_side: HandleType,
	state: FinalConnectionState,
): void {
	reconnecting = false;
	const input = inputName(edge.targetHandle);
	if (state.isValid !== true && state.toHandle === null && input !== null) {
		cutLink(edge.target, input);
	}
}

function pointOf(event: MouseEvent | TouchEvent): Point {
	const at = 'changedTouches' in event ? event.changedTouches[0] : event;
	return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
}
