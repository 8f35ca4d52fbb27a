import { useStoreApi, type ReactFlowState } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import { useTheme } from '../prefs';
import { useFlow, type FlowEdge, type FlowNode } from './flow';
import { lookOf, onLooks, type NodeLook } from './nodelooks';
import { socketColour } from './palette';
import { draw, type Line, type Paints } from './picture';
import { useView, type Point } from './view';

type State = ReactFlowState<FlowNode, FlowEdge>;

/** All nodes and links of a large graph seen from afar. It is drawn anew with each frame that shows something else. */
export function FarPicture() {
	const canvas = useRef<HTMLCanvasElement>(null);
	const store = useStoreApi<FlowNode, FlowEdge>();
	const theme = useTheme();
	useEffect(() => {
		const element = canvas.current;
		const context = element?.getContext('2d');
		if (element === null || context == null) {
			return;
		}
		const paints = paintsOf(element);
		let frame = 0;
		let lines: readonly Line[] | null = null;
		const paint = (): void => {
			frame = 0;
			const { nodes, edges } = useFlow.getState();
			const state = store.getState();
			lines ??= linesOf(nodes, edges, state);
			const { width, height } = state;
			const [x, y, zoom] = state.transform;
			const ratio = window.devicePixelRatio;
			resize(element, Math.round(width * ratio), Math.round(height * ratio));
			const shown = { nodes, lines, look: lookOf, titles: !useView.getState().tiny };
			draw(context, { x, y, zoom, width, height, ratio }, shown, paints);
		};
		const soon = (): void => {
			frame ||= requestAnimationFrame(paint);
		};
		const stops = [
			useFlow.subscribe((state, before) => {
				if (state.nodes !== before.nodes || state.edges !== before.edges) {
					lines = null;
					soon();
				}
			}),
			store.subscribe((state, before) => {
				if (state.transform !== before.transform || state.width !== before.width || state.height !== before.height) {
					soon();
				}
			}),
			onLooks(soon),
		];
		// Before the nodes are gone that it stands for.
		paint();
		return () => {
			cancelAnimationFrame(frame);
			stops.forEach((stop) => stop());
		};
	}, [store, theme]);
	return <canvas ref={canvas} className="far-picture" data-testid="far-picture" aria-hidden="true" />;
}

function resize(element: HTMLCanvasElement, width: number, height: number): void {
	if (element.width !== width || element.height !== height) {
		element.width = width;
		element.height = height;
	}
}

function linesOf(nodes: readonly FlowNode[], edges: readonly FlowEdge[], { nodeLookup }: State): readonly Line[] {
	const places = new Map(nodes.map((node) => [node.id, node.position]));
	const end = (id: string, side: 'source' | 'target', handle: string | null | undefined): Point | null => {
		const bounds = nodeLookup.get(id)?.internals.handleBounds?.[side]?.find((one) => one.id === handle);
		const at = places.get(id);
		return bounds === undefined || at === undefined
			? null
			: { x: at.x + bounds.x + bounds.width / 2, y: at.y + bounds.y + bounds.height / 2 };
	};
	return edges.flatMap(({ source, sourceHandle, target, targetHandle, data }) => {
		const from = end(source, 'source', sourceHandle);
		const to = end(target, 'target', targetHandle);
		const via = (data?.via ?? []).flatMap((id) => places.get(id) ?? []);
		return from === null || to === null ? [] : [{ colour: socketColour(data?.type ?? '*'), spots: [from, ...via, to] }];
	});
}

/** A canvas knows no variables of the style sheets: the browser says what comes of them. */
function paintsOf(element: HTMLElement): Paints {
	const known = new Map<string, string>();
	const resolve = (colour: string): string => {
		let found = known.get(colour);
		if (found === undefined) {
			element.style.color = colour;
			found = getComputedStyle(element).color;
			known.set(colour, found);
		}
		return found;
	};
	const family = getComputedStyle(element).fontFamily;
	const box = ({ tone, accent }: NodeLook): string => {
		const mix =
			tone === 'bad' ? 'var(--bad) 55%' : tone === 'running' ? 'var(--accent-blue) 60%' : `${accent} 42%`;
		return resolve(`color-mix(in srgb, ${mix}, var(--surface))`);
	};
	return { box, text: resolve('var(--text)'), selected: resolve('var(--selected)'), family };
}
