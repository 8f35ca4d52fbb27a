import {
	Background,
	BackgroundVariant,
	Controls,
	MiniMap,
	ReactFlow,
	useNodesInitialized,
	useReactFlow,
	useStoreApi,
	type Connection,
	type Edge,
	type FinalConnectionState,
	type OnConnectStart,
} from '@xyflow/react';
import { useCallback, useEffect, useRef, useState, type DragEvent, type MouseEvent } from 'react';
import { currentGraph, useGraph } from '../graph/store';
import { dropFile } from '../panels/files';
import { openSearch } from '../panels/searching';
import { showToast } from '../panels/toasts';
import { usePrefs, useTheme } from '../prefs';
import {
	connect,
	cutLink,
	endsOf,
	joinNode,
	looseEnd,
	moveLink,
	objection,
	settleGuess,
	settlePlaces,
	type LooseEnd,
} from './commands';
import { startConnecting, stopConnecting, useConnecting } from './connecting';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { Boundary } from './Boundary';
import { Breadcrumb } from './Breadcrumb';
import { carryFrame, startCarrying, stopCarrying } from './carry';
import { FarLinks } from './FarLinks';
import { FrameBox } from './FrameBox';
import { GraphNode } from './GraphNode';
import { NoteBox } from './NoteBox';
import { LinkEdge, LooseLink } from './LinkEdge';
import { inputName } from './handles';
import { MiniNode } from './MiniNode';
import { LARGE } from './guess';
import { noteFocus } from './focus';
import { GuideLines } from './GuideLines';
import { guided, stopGuiding } from './guiding';
import { LinkTip } from './LinkTip';
import { startLongPress } from './longpress';
import { addPoint, canHavePoints } from './pointing';
import { ReroutePoint } from './ReroutePoint';
import { fitView, notePointer, noteZoom, setInstance, toGraph, useView, type Point } from './view';
import { socketOf, whyNot, type HandleEnd } from './why';
import { commandItem, openMenu } from '../panels/menu';
import { t } from '../i18n/i18n';

const NODE_TYPES = { graph: GraphNode, frame: FrameBox, note: NoteBox, reroute: ReroutePoint, boundary: Boundary };
const EDGE_TYPES = { link: LinkEdge };
const MINI_SIZE = { width: 160, height: 104 };
const NO_EDGES: FlowEdge[] = [];
const GRID: [number, number] = [24, 24];
const MULTI_SELECT = ['Control', 'Meta', 'Shift'];

export function Canvas() {
	const { nodes, edges, onNodesChange, onEdgesChange } = useFlow();
	const reconnecting = useRef<FlowEdge | null>(null);
	const session = useGraph((state) => state.graph.session);
	const measured = useNodesInitialized();
	const instance = useReactFlow<FlowNode, FlowEdge>();
	const theme = useTheme();
	const snap = usePrefs((prefs) => prefs.snap);
	const minimap = usePrefs((prefs) => prefs.minimap);
	const { far, tiny } = useView();
	useEffect(() => setInstance(instance), [instance]);
	const store = useStoreApi();
	// At once, not after the next drawing: else a thousand nodes would be drawn whole before they are drawn small.
	useEffect(() => store.subscribe(({ transform }) => noteZoom(transform[2])), [store]);
	const { sharpening, sharpen } = useSharpening();
	const large = nodes.length >= LARGE;
	const shown = useRef(0);
	useEffect(() => {
		// Once per document: a node added later must not move the view, the first on an empty canvas included.
		if (shown.current !== session && (measured || isEmpty()) && settleGuess()) {
			shown.current = session;
			fitView(false);
		}
	}, [measured, session]);

	return (
		<div
			className="canvas"
			tabIndex={0}
			role="region"
			aria-label={t('building.canvas')}
			onFocus={(event) => noteFocus(event.target)}
			onPointerDown={startLongPress}
			data-far={far || undefined}
			data-tiny={tiny || undefined}
			data-sharpen={sharpening || undefined}
			onPointerMove={(event) => notePointer({ x: event.clientX, y: event.clientY })}
			onDoubleClick={onDoubleClick}
			onDragOver={(event) => event.preventDefault()}
			onDrop={onDrop}
		>
			<Breadcrumb />
			<ReactFlow<FlowNode, FlowEdge>
				nodes={nodes}
				edges={large && far ? NO_EDGES : edges}
				nodeTypes={NODE_TYPES}
				edgeTypes={EDGE_TYPES}
				onNodesChange={(changes) => onNodesChange(guided(changes))}
				onEdgesChange={onEdgesChange}
				onNodeDragStart={(_event, node, dragged) => startCarrying(node, dragged)}
				onNodeDrag={(_event, node) => carryFrame(node)}
				onNodeDragStop={(_event, _node, dragged) => {
					stopGuiding();
					settlePlaces([...dragged.map((node) => node.id), ...stopCarrying()]);
				}}
				onSelectionDragStop={(_event, dragged) => {
					stopGuiding();
					settlePlaces(dragged.map((node) => node.id));
				}}
				onEdgeClick={(event, edge) => event.altKey && addPoint(edge, toGraph({ x: event.clientX, y: event.clientY }))}
				onEdgeDoubleClick={(event, edge) => addPoint(edge, toGraph({ x: event.clientX, y: event.clientY }))}
				onEdgeContextMenu={openEdgeMenu}
				onPaneContextMenu={openCanvasMenu}
				onClickConnectStart={onConnectStart}
				onClickConnectEnd={onClickConnectEnd}
				onConnectStart={onConnectStart}
				onConnect={onConnect}
				onConnectEnd={(event, state) => onConnectEnd(event, state, reconnecting.current !== null)}
				isValidConnection={isValid}
				onReconnectStart={(_event, edge) => {
					reconnecting.current = edge;
				}}
				onReconnect={onReconnect}
				onReconnectEnd={(_event, edge, _side, state) => {
					reconnecting.current = null;
					onReconnectEnd(edge, state);
				}}
				connectionLineComponent={LooseLink}
				connectionRadius={26}
				minZoom={0.03}
				maxZoom={2}
				deleteKeyCode={null}
				selectionKeyCode="Shift"
				multiSelectionKeyCode={MULTI_SELECT}
				zoomOnDoubleClick={false}
				nodesFocusable={false}
				edgesFocusable={false}
				colorMode={theme}
				onMoveEnd={(_event, { zoom }) => sharpen(zoom)}
				onlyRenderVisibleElements={large && !tiny}
				snapToGrid={snap}
				snapGrid={GRID}
				ariaLabelConfig={{
					'controls.ariaLabel': t('building.controls'),
					'controls.zoomIn.ariaLabel': t('commands.zoomIn'),
					'controls.zoomOut.ariaLabel': t('commands.zoomOut'),
					'controls.fitView.ariaLabel': t('commands.fit'),
				}}
				disableKeyboardA11y
			>
				<span className="canvas-end" tabIndex={-1} />
				<LinkTip />
				<GuideLines />
				<Background variant={BackgroundVariant.Dots} gap={24} size={1.4} color="var(--dots)" />
				{large && far && <FarLinks />}
				{minimap && (
					<MiniMap<FlowNode>
						pannable
						zoomable
						{...(large ? { nodeColor: 'var(--mini-node)' } : { nodeComponent: MiniNode })}
						style={MINI_SIZE}
						ariaLabel={t('canvas.overview')}
					/>
				)}
				<Controls showInteractive={false} position="bottom-left" />
			</ReactFlow>
		</div>
	);
}

/** From afar the drawing is moved as one picture; after a zoom it is drawn anew, or it would stay as coarse as it was. */
function useSharpening(): { readonly sharpening: boolean; readonly sharpen: (zoom: number) => void } {
	const [sharpening, setSharpening] = useState(false);
	const drawnAt = useRef(1);
	const sharpen = useCallback((zoom: number) => {
		if (zoom !== drawnAt.current) {
			drawnAt.current = zoom;
			setSharpening(true);
			requestAnimationFrame(() => requestAnimationFrame(() => setSharpening(false)));
		}
	}, []);
	return { sharpening, sharpen };
}

const onConnectStart: OnConnectStart = (_event, { nodeId, handleId }) => {
	const end = nodeId === null ? null : looseEnd(nodeId, handleId);
	if (end !== null && handleId !== null) {
		startConnecting(currentGraph(), { ...end, handle: handleId });
	}
};

function isValid(connection: Connection | Edge): boolean {
	const ends = endsOf({
		...connection,
		sourceHandle: connection.sourceHandle ?? null,
		targetHandle: connection.targetHandle ?? null,
	});
	return ends !== null && objection(currentGraph(), ends) === null;
}

function onConnect(connection: Connection): void {
	const ends = endsOf(connection);
	if (ends !== null) {
		connect(ends);
	}
}

/** A link let go anywhere but on a socket that takes it. */
function onConnectEnd(
	event: globalThis.MouseEvent | TouchEvent,
	state: FinalConnectionState,
	reconnecting: boolean,
): void {
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
function onClickConnectEnd({ target }: globalThis.MouseEvent | TouchEvent): void {
	const { loose } = useConnecting.getState();
	const to = target instanceof Element ? socketOf(target) : null;
	stopConnecting();
	if (loose !== null && to !== null && to.nodeId !== loose.node) {
		explain({ nodeId: loose.node, id: loose.handle, type: loose.side }, to);
	}
}

function openEdgeMenu(event: MouseEvent, edge: FlowEdge): void {
	const at = toGraph({ x: event.clientX, y: event.clientY });
	const input = inputName(edge.targetHandle);
	openMenu(event, [
		...(canHavePoints(edge) ? [{ text: t('commands.addPoint'), act: () => addPoint(edge, at) }] : []),
		...(input === null ? [] : [{ text: t('input.cut'), act: () => cutLink(edge.target, input) }]),
	]);
}

function openCanvasMenu(event: MouseEvent | globalThis.MouseEvent): void {
	notePointer({ x: event.clientX, y: event.clientY });
	openMenu(event, ['addNode', 'paste', 'addNote', 'addFrame', 'selectAll', 'tidy', 'findNode', 'fit'].map(commandItem));
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

function onReconnect(edge: FlowEdge, connection: Connection): void {
	const ends = endsOf(connection);
	const input = inputName(edge.targetHandle);
	if (ends === null || input === null || objection(currentGraph(), ends) !== null) {
		return;
	}
	moveLink({ node: edge.target, input }, ends);
}

/** The end of a link pulled off into the void: the link is gone. */
function onReconnectEnd(edge: FlowEdge, state: FinalConnectionState): void {
	const input = inputName(edge.targetHandle);
	if (state.isValid !== true && state.toHandle === null && input !== null) {
		cutLink(edge.target, input);
	}
}

function isEmpty(): boolean {
	return Object.keys(currentGraph().nodes).length === 0;
}

function onDoubleClick(event: MouseEvent): void {
	if (event.target instanceof Element && event.target.classList.contains('react-flow__pane')) {
		openSearch({ x: event.clientX, y: event.clientY }, null);
	}
}

function onDrop(event: DragEvent): void {
	const [file] = event.dataTransfer.files;
	if (file !== undefined) {
		event.preventDefault();
		const node = event.target instanceof Element ? event.target.closest('.react-flow__node') : null;
		void dropFile(file, node?.getAttribute('data-id') ?? null);
	}
}

function pointOf(event: globalThis.MouseEvent | TouchEvent): Point {
	const at = 'changedTouches' in event ? event.changedTouches[0] : event;
	return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
}
