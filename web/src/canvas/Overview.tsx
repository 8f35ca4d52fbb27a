import { Panel, useStoreApi } from '@xyflow/react';
import { useEffect, useRef, type PointerEvent } from 'react';
import { useTheme } from '../prefs';
import { t } from '../i18n/i18n';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { lookOf, onLooks, type Tone } from './nodelooks';
import { boundsOf, centreOn, zoomBy, type Point } from './view';

const SIZE = { width: 160, height: 104 } as const;
const MARGIN = 6;
const WHEEL_STEP = 1.2;
/** Small nodes are drawn at least so large. */
const LEAST = 1;
const COLOURS: Readonly<Record<Tone | 'selected', string>> = {
	plain: '--mini-node',
	running: '--accent-blue',
	done: '--mini-done',
	bad: '--bad',
	selected: '--mini-selected',
};

/** Where a graph lies on the overview. */
interface Scale extends Point {
	readonly by: number;
}

/** The whole of a large graph in a corner: a picture, which is drawn when nodes change, and a frame for what is seen of it. */
export function Overview() {
	const panel = useRef<HTMLDivElement>(null);
	const canvas = useRef<HTMLCanvasElement>(null);
	const seen = useRef<HTMLDivElement>(null);
	const scale = useRef<Scale>({ x: 0, y: 0, by: 1 });
	const store = useStoreApi<FlowNode, FlowEdge>();
	const theme = useTheme();
	useEffect(() => {
		let frame = 0;
		const paint = (): void => {
			frame = 0;
			const { nodes } = useFlow.getState();
			scale.current = scaleOf(nodes);
			if (canvas.current !== null) {
				draw(canvas.current, nodes, scale.current);
			}
			follow();
		};
		const follow = (): void => {
			const { transform, width, height } = store.getState();
			if (seen.current !== null) {
				place(seen.current, scale.current, transform, width, height);
			}
		};
		const soon = (): void => {
			frame ||= requestAnimationFrame(paint);
		};
		const stops = [
			useFlow.subscribe((state, before) => state.nodes !== before.nodes && soon()),
			store.subscribe((state, before) => {
				if (state.transform !== before.transform || state.width !== before.width || state.height !== before.height) {
					follow();
				}
			}),
			onLooks(soon),
		];
		paint();
		const stopWheel = zoomByWheel(panel.current);
		return () => {
			cancelAnimationFrame(frame);
			stops.forEach((stop) => stop());
			stopWheel();
		};
	}, [store, theme]);
	const go = (event: PointerEvent<HTMLDivElement>): void => {
		const box = event.currentTarget.getBoundingClientRect();
		const { x, y, by } = scale.current;
		centreOn({ x: (event.clientX - box.x - x) / by, y: (event.clientY - box.y - y) / by });
	};
	return (
		<Panel position="bottom-right" className="overview" data-testid="overview">
			<div
				ref={panel}
				role="img"
				aria-label={t('canvas.overview')}
				style={SIZE}
				onPointerDown={(event) => {
					event.currentTarget.setPointerCapture(event.pointerId);
					go(event);
				}}
				onPointerMove={(event) => event.buttons > 0 && go(event)}
			>
				<canvas ref={canvas} style={SIZE} />
				<div ref={seen} className="seen" />
			</div>
		</Panel>
	);
}

function scaleOf(nodes: readonly FlowNode[]): Scale {
	const { x, y, width, height } = boundsOf(nodes) ?? { x: 0, y: 0, ...SIZE };
	const by = Math.min((SIZE.width - 2 * MARGIN) / width, (SIZE.height - 2 * MARGIN) / height);
	return { by, x: (SIZE.width - width * by) / 2 - x * by, y: (SIZE.height - height * by) / 2 - y * by };
}

function draw(canvas: HTMLCanvasElement, nodes: readonly FlowNode[], { x, y, by }: Scale): void {
	const context = canvas.getContext('2d');
	const ratio = window.devicePixelRatio;
	canvas.width = SIZE.width * ratio;
	canvas.height = SIZE.height * ratio;
	if (context === null) {
		return;
	}
	const style = getComputedStyle(canvas);
	const colours = Object.entries(COLOURS).map(([tone, name]) => [tone, style.getPropertyValue(name)] as const);
	const paints = new Map<string, string>(colours);
	context.scale(ratio, ratio);
	for (const { id, type, position, measured, selected } of nodes) {
		const look = type === 'graph' ? lookOf(id) : null;
		if (look !== null) {
			context.fillStyle = paints.get(selected === true ? 'selected' : look.tone) ?? '';
			const [width, height] = [(measured?.width ?? 0) * by, (measured?.height ?? 0) * by];
			context.fillRect(position.x * by + x, position.y * by + y, Math.max(LEAST, width), Math.max(LEAST, height));
		}
	}
}

/** Moves the frame to what is seen, by a transform so that nothing is laid out anew. */
function place(
	frame: HTMLElement,
	{ x, y, by }: Scale,
	[left, top, zoom]: readonly [number, number, number],
	width: number,
	height: number,
): void {
	const size = { width: `${(width / zoom) * by}px`, height: `${(height / zoom) * by}px` };
	Object.assign(frame.style, size);
	frame.style.transform = `translate(${x - (left / zoom) * by}px, ${y - (top / zoom) * by}px)`;
}

/** Not by React, whose listeners may not keep the page from scrolling. */
function zoomByWheel(panel: HTMLElement | null): () => void {
	const turn = (event: WheelEvent): void => {
		event.preventDefault();
		zoomBy(event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP);
	};
	panel?.addEventListener('wheel', turn, { passive: false });
	return () => panel?.removeEventListener('wheel', turn);
}
