/** What a person has in hand in the mask editor, kept from one opening to the next. */

import { create } from 'zustand';
import type { IconName } from '../panels/icons';
import type { StrokeTool } from './raster';

export type Tool = StrokeTool | 'fill';

export const TOOLS: readonly { readonly tool: Tool; readonly icon: IconName; readonly key: string }[] = [
	{ tool: 'brush', icon: 'brush', key: 'b' },
	{ tool: 'erase', icon: 'eraser', key: 'e' },
	{ tool: 'soften', icon: 'drop', key: 's' },
	{ tool: 'fill', icon: 'bucket', key: 'g' },
];

export const LARGEST_BRUSH = 500;

interface Tools {
	readonly tool: Tool;
	/** Diameter, in pixels of the picture. */
	readonly size: number;
	/** 0 to 1. */
	readonly hardness: number;
	/** Of the drawn mask, 0 to 1. */
	readonly opacity: number;
	readonly colour: string;
}

export const useTools = create<Tools>()(() => ({ tool: 'brush', size: 40, hardness: 0.8, opacity: 0.6, colour: '#ff3b6b' }));

export function setTools(some: Partial<Tools>): void {
	useTools.setState(some);
}

/** A little larger or smaller; by a fifth, so that it fits small and large pictures. */
export function resizeBrush(up: boolean): void {
	const { size } = useTools.getState();
	const next = up ? Math.max(size + 1, size * 1.2) : Math.min(size - 1, size / 1.2);
	setTools({ size: Math.round(Math.max(1, Math.min(LARGEST_BRUSH, next))) });
}

export function hardenBrush(up: boolean): void {
	const { hardness } = useTools.getState();
	setTools({ hardness: Math.round(Math.max(0, Math.min(1, hardness + (up ? 0.1 : -0.1))) * 100) / 100 });
}

export function rgbOf(colour: string): readonly [number, number, number] {
	const value = Number.parseInt(colour.slice(1), 16);
	return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
