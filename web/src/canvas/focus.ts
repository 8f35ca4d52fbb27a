/**
 * The keyboard on the canvas. One node at a time can be reached by Tab; arrows go from node to node by where they stand,
 * Enter goes in to sockets and widgets, Escape comes back.
 */

import { create } from 'zustand';
import type { NodeId } from '../graph/types';
import { selectNodes, useFlow, type FlowNode } from './flow';
import { isNode, partOf } from './parts';
import { reveal, type Point } from './view';

interface FocusStore {
	/** Where Tab enters the canvas. */
	readonly id: NodeId | null;
	/** The keyboard brought the focus there, not the pointer. */
	readonly byKeys: boolean;
}

export const useFocus = create<FocusStore>()(() => ({ id: null, byKeys: false }));

const STOPS = '.react-flow__handle, button, input, select, textarea, summary, [contenteditable="true"], [tabindex="0"]';

export function useTabStop(id: NodeId): 0 | -1 {
	return useFocus((state) => (state.id === id ? 0 : -1));
}

export function noteFocus(target: EventTarget | null): void {
	const id = nodeAt(target);
	if (id !== null && useFocus.getState().id !== id) {
		useFocus.setState({ id });
	}
}

export function noteInput(byKeys: boolean): void {
	if (useFocus.getState().byKeys !== byKeys) {
		useFocus.setState({ byKeys });
	}
}

/** Tab, Enter, Escape, Space and arrows on the canvas; true when the key was one of them. */
export function onCanvasKey(event: KeyboardEvent): boolean {
	const { activeElement } = document;
	const canvas = activeElement?.closest('.canvas');
	if (canvas == null || event.altKey) {
		return false;
	}
	const id = nodeAt(activeElement);
	if (event.key === 'Tab' && !event.ctrlKey && !event.metaKey) {
		return tab(activeElement, id, event.shiftKey);
	}
	if (activeElement === canvas) {
		const { id: known, byKeys } = useFocus.getState();
		const order = nodesInOrder();
		const start = order.find((node) => node.id === known) ?? order[0];
		return ARROWS[event.key] !== undefined && byKeys && start !== undefined && go(start.id);
	}
	if (id === null) {
		return false;
	}
	const onNode = isNodeElement(activeElement);
	if (event.key === 'Escape' && !onNode) {
		return go(id);
	}
	if (!onNode || !useFocus.getState().byKeys) {
		return false;
	}
	const arrow = ARROWS[event.key];
	if (arrow !== undefined && !event.shiftKey) {
		const next = neighbour(id, arrow);
		return next === null || go(next, !(event.ctrlKey || event.metaKey));
	}
	if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
		const [first] = stopsIn(elementOf(id));
		first?.focus();
		return first !== undefined;
	}
	if (event.key === ' ') {
		const { selected } = useFlow.getState();
		selectNodes(selected.has(id) ? [...selected].filter((other) => other !== id) : [...selected, id]);
		return true;
	}
	return false;
}

/** Brings a node into view and gives it the focus. */
export function go(id: NodeId, select = true): boolean {
	useFocus.setState({ id, byKeys: true });
	if (select) {
		selectNodes([id]);
	}
	const focus = (): boolean => {
		const element = elementOf(id);
		element?.focus({ preventScroll: true });
		return element !== null;
	};
	reveal(id);
	if (!focus()) {
		// Out of sight in a large graph: drawn in the next frame.
		requestAnimationFrame(() => requestAnimationFrame(focus));
	}
	return true;
}

const ARROWS: Readonly<Record<string, Point>> = {
	ArrowLeft: { x: -1, y: 0 },
	ArrowRight: { x: 1, y: 0 },
	ArrowUp: { x: 0, y: -1 },
	ArrowDown: { x: 0, y: 1 },
};

function tab(active: Element | null, id: NodeId | null, back: boolean): boolean {
	const order = nodesInOrder();
	if (id === null) {
		const known = order.find((node) => node.id === useFocus.getState().id) ?? order[0];
		return active?.matches('.canvas') === true && !back && known !== undefined && go(known.id);
	}
	if (!isNodeElement(active)) {
		const stops = stopsIn(elementOf(id));
		const next = stops[stops.findIndex((stop) => stop === active) + (back ? -1 : 1)];
		if (next !== undefined) {
			next.focus();
			return true;
		}
		if (back) {
			return go(id);
		}
	}
	const at = order.findIndex((node) => node.id === id);
	const next = order[at + (back ? -1 : 1)];
	if (next !== undefined) {
		return go(next.id);
	}
	if (back) {
		document.querySelector<HTMLElement>('.canvas')?.focus();
		return true;
	}
	// From here the browser goes on to what comes after the canvas.
	document.querySelector<HTMLElement>('.canvas-end')?.focus();
	return false;
}

/** As one reads: column by column, each from the top. */
function nodesInOrder(): readonly FlowNode[] {
	const column = 120;
	return useFlow
		.getState()
		.nodes.filter(({ type }) => type !== 'boundary')
		.sort(
			(a, b) =>
				Math.round(a.position.x / column) - Math.round(b.position.x / column) || a.position.y - b.position.y,
		);
}

/** The nearest node that way; what lies straight ahead is nearer than what lies aside. */
export function neighbour(id: NodeId, towards: Point): NodeId | null {
	const { nodes } = useFlow.getState();
	const from = nodes.find((node) => node.id === id);
	if (from === undefined) {
		return null;
	}
	const start = centre(from);
	let best: { readonly id: NodeId; readonly cost: number } | null = null;
	for (const node of nodes) {
		const at = centre(node);
		const ahead = (at.x - start.x) * towards.x + (at.y - start.y) * towards.y;
		const aside = Math.abs((at.x - start.x) * towards.y) + Math.abs((at.y - start.y) * towards.x);
		const cost = ahead + 2 * aside;
		if (node.id !== id && node.type !== 'boundary' && ahead > 1 && aside <= 3 * ahead && (best === null || cost < best.cost)) {
			best = { id: node.id, cost };
		}
	}
	return best?.id ?? null;
}

function centre({ position, measured, type }: FlowNode): Point {
	// A frame is where its title is.
	const tall = type === 'frame' ? 20 : (measured?.height ?? 0);
	return type === 'reroute' ? position : { x: position.x + (measured?.width ?? 0) / 2, y: position.y + tall / 2 };
}

function nodeAt(target: EventTarget | null): NodeId | null {
	const id = target instanceof Element ? target.closest('.react-flow__node')?.getAttribute('data-id') : null;
	return id == null || (!isNode(id) && ['inputs', 'outputs'].includes(partOf(id).part)) ? null : id;
}

function isNodeElement(element: Element | null): boolean {
	return element !== null && element.parentElement?.classList.contains('react-flow__node') === true;
}

function elementOf(id: NodeId): HTMLElement | null {
	return document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"] > [tabindex]`);
}

function stopsIn(element: HTMLElement | null): HTMLElement[] {
	return [...(element?.querySelectorAll<HTMLElement>(STOPS) ?? [])].filter(
		(stop) => !stop.matches(':disabled, .react-flow__resize-control, [tabindex="-1"]:not(.react-flow__handle)') && stop.getClientRects().length > 0,
	);
}
