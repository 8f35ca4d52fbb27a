/**
 * In a large graph, nodes that come into view get their widgets a few with each frame: to draw a hundred at once, as when
 * one zooms in, would hold up the movement.
 */

import { useUpdateNodeInternals } from '@xyflow/react';
import { useEffect, useState } from 'react';
import type { NodeId } from '../graph/types';
import { useFlow } from './flow';
import { LARGE } from './guess';

const A_FRAME = 5;

const waiting = new Set<() => void>();
/** Drawn whole after all: where their sockets are was only guessed. */
const late = new Set<NodeId>();
let taken = 0;
let frame = 0;
let measureLate = (): void => undefined;

/** Whether it is the node's turn to be drawn whole. Once it was, it stays. */
export function useTurn(id: NodeId): boolean {
	const [whole, setWhole] = useState(takeTurn);
	useEffect(() => {
		if (whole) {
			return;
		}
		const turn = (): void => {
			setWhole(true);
			late.add(id);
		};
		waiting.add(turn);
		return () => {
			waiting.delete(turn);
		};
	}, [whole, id]);
	return whole;
}

function takeTurn(): boolean {
	if (useFlow.getState().nodes.length < LARGE) {
		return true;
	}
	taken += 1;
	frame ||= requestAnimationFrame(next);
	return taken <= A_FRAME;
}

/** Measures the sockets of nodes that had to wait, all at once: one by one it would take as long as drawing them. */
export function useLateMeasuring(): void {
	const measure = useUpdateNodeInternals();
	useEffect(() => {
		measureLate = () => {
			measure([...late]);
			late.clear();
		};
	}, [measure]);
}

function next(): void {
	const turns = [...waiting].slice(0, A_FRAME);
	taken = turns.length;
	frame = taken > 0 ? requestAnimationFrame(next) : 0;
	if (taken === 0 && late.size > 0) {
		measureLate();
	}
	for (const turn of turns) {
		waiting.delete(turn);
		turn();
	}
}
