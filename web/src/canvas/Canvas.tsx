import {
	ControlButton,
	Controls,
	MiniMap,
	ReactFlow,
	useNodesInitialized,
	useReactFlow,
	useStoreApi,
	type ReactFlowProps,
} from '@xyflow/react';
import { useEffect, useMemo, useRef, type DragEvent, type MouseEvent, type PointerEvent } from 'react';
import { currentGraph, useGraph } from '../graph/store';
import { dropFiles } from '../panels/files';
import { openSearch } from '../panels/searching';
import { usePrefs, useTheme } from '../prefs';
import { cutLink, settleGuess, settlePlaces } from './commands';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { Boundary } from './Boundary';
import { Breadcrumb } from './Breadcrumb';
import { carryFrame, startCarrying, stopCarrying } from './carry';
import { followZoom, notePointed, useAfar, useVeiled } from './afar';
import { Dots } from './Dots';
import { FarPicture } from './FarPicture';
import { Overview } from './Overview';
import { takeIn } from './boxselect';
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
import { useLateMeasuring } from './turns';
import { ZOOM, centreOn, fitView, notePointer, setInstance, toGraph, useView } from './view';
import {
	isValid,
	onClickConnectEnd,
	onConnect,
	onConnectEnd,
	onConnectStart,
	onReconnect,
	onReconnectEnd,
	onReconnectStart,
} from './linkgestures';
import { Icon } from '../panels/icons';
import { commandItem, openMenu } from '../panels/menu';
import { t } from '../i18n/i18n';

const NODE_TYPES = { graph: GraphNode, frame: FrameBox, note: NoteBox, reroute: ReroutePoint, boundary: Boundary };
const EDGE_TYPES = { link: LinkEdge };
const MINI_SIZE = { width: 160, height: 104 };
const NO_EDGES: FlowEdge[] = [];
const GRID: [number, number] = [24, 24];
const MULTI_SELECT = ['Control', 'Meta', 'Shift'];

/** The same with each drawing: React Flow looks through all nodes and links for each one that is another. */
const HANDLERS: ReactFlowProps<FlowNode, FlowEdge> = {
	onNodesChange: (changes) => useFlow.getState().onNodesChange(guided(changes)),
	onEdgesChange: (changes) => useFlow.getState().onEdgesChange(changes),
	onNodeDragStart: (_event, node, dragged) => startCarrying(node, dragged),
	onNodeDrag: (_event, node) => carryFrame(node),
	onNodeDragStop: (_event, _node, dragged) => {
		stopGuiding();
		settlePlaces([...dragged.map((node) => node.id), ...stopCarrying()]);
	},
	onSelectionDragStop: (_event, dragged) => {
		stopGuiding();
		settlePlaces(dragged.map((node) => node.id));
	},
	onEdgeClick: (event, edge) => event.altKey && addPoint(edge, toGraph({ x: event.clientX, y: event.clientY })),
	onEdgeDoubleClick: (event, edge) => addPoint(edge, toGraph({ x: event.clientX, y: event.clientY })),
	onEdgeContextMenu: openEdgeMenu,
	onPaneContextMenu: openCanvasMenu,
	onClickConnectStart: onConnectStart,
	onClickConnectEnd,
	onConnectStart,
	onConnect,
	onConnectEnd,
	isValidConnection: isValid,
	onReconnectStart,
	onReconnect,
	onReconnectEnd,
	onMove: (_event, { zoom }) => noteMoving(zoom),
	onMoveEnd: () => noteMoving(null),
};

export function Canvas() {
	const nodes = useFlow((flow) => flow.nodes);
	const edges = useFlow((flow) => flow.edges);
	const session = useGraph((state) => state.graph.session);
	const measured = useNodesInitialized();
	const instance = useReactFlow<FlowNode, FlowEdge>();
	const theme = useTheme();
	const snap = usePrefs((prefs) => prefs.snap);
	const minimap = usePrefs((prefs) => prefs.minimap);
	const { far, tiny } = useView();
	useEffect(() => setInstance(instance), [instance]);
	const store = useStoreApi<FlowNode, FlowEdge>();
	useEffect(() => followZoom(store), [store]);
	useLateMeasuring();
	const large = nodes.length >= LARGE;
	const afar = useAfar();
	const veiled = useVeiled(nodes, afar);
	useEffect(() => (afar ? takeIn(store) : undefined), [afar, store]);
	const words = useMemo(
		() => ({
			'controls.ariaLabel': t('building.controls'),
			'controls.zoomIn.ariaLabel': t('commands.zoomIn'),
			'controls.zoomOut.ariaLabel': t('commands.zoomOut'),
		}),
		[],
	);
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
			onPointerDown={(event) => {
				notePointed({ x: event.clientX, y: event.clientY });
				startLongPress(event);
			}}
			data-far={far || undefined}
			data-tiny={tiny || undefined}
			onPointerMove={onPointerMove}
			onDoubleClick={onDoubleClick}
			onDragOver={(event) => {
				notePointed({ x: event.clientX, y: event.clientY });
				event.preventDefault();
			}}
			onDrop={onDrop}
		>
			<Breadcrumb />
			<ReactFlow<FlowNode, FlowEdge>
				nodes={veiled}
				edges={afar ? NO_EDGES : edges}
				nodeTypes={NODE_TYPES}
				edgeTypes={EDGE_TYPES}
				{...HANDLERS}
				connectionLineComponent={LooseLink}
				connectionRadius={26}
				minZoom={ZOOM.min}
				maxZoom={ZOOM.max}
				deleteKeyCode={null}
				selectionKeyCode="Shift"
				multiSelectionKeyCode={MULTI_SELECT}
				zoomOnDoubleClick={false}
				nodesFocusable={false}
				edgesFocusable={false}
				colorMode={theme}
				onlyRenderVisibleElements={large}
				snapToGrid={snap}
				snapGrid={GRID}
				ariaLabelConfig={words}
				disableKeyboardA11y
			>
				<span className="canvas-end" tabIndex={-1} />
				<LinkTip />
				<GuideLines />
				{!far && <Dots />}
				{afar && <FarPicture />}
				{minimap && large && <Overview />}
				{minimap && !large && (
					<MiniMap<FlowNode>
						pannable
						zoomable
						onClick={(_event, place) => centreOn(place)}
						nodeComponent={MiniNode}
						style={MINI_SIZE}
						ariaLabel={t('canvas.overview')}
					/>
				)}
				<Controls showInteractive={false} showFitView={false} position="bottom-left">
					<ControlButton onClick={() => fitView()} title={t('commands.fit')} aria-label={t('commands.fit')}>
						<Icon name="fit" />
					</ControlButton>
				</Controls>
			</ReactFlow>
		</div>
	);
}

function onPointerMove({ clientX: x, clientY: y, buttons }: PointerEvent): void {
	notePointer({ x, y });
	if (buttons === 0) {
		notePointed({ x, y });
	}
}

let movedAt: number | null = null;

/** While the view moves, the drawing is moved as one picture. A zoom draws it anew: what it shows would be too coarse or too fine. */
function noteMoving(zoom: number | null): void {
	document.querySelector('.canvas')?.toggleAttribute('data-moving', zoom !== null && zoom === movedAt);
	movedAt = zoom;
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

function isEmpty(): boolean {
	return Object.keys(currentGraph().nodes).length === 0;
}

function onDoubleClick(event: MouseEvent): void {
	if (event.target instanceof Element && event.target.classList.contains('react-flow__pane')) {
		openSearch({ x: event.clientX, y: event.clientY }, null);
	}
}

function onDrop(event: DragEvent): void {
	const files = [...event.dataTransfer.files];
	if (files.length > 0) {
		event.preventDefault();
		const node = event.target instanceof Element ? event.target.closest('.react-flow__node') : null;
		void dropFiles(files, node?.getAttribute('data-id') ?? null);
	}
}
