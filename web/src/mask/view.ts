/** What part of a picture is seen: it stands at `x`, `y` of the stage, `zoom` times as large as it is. */

import type { Spot } from './raster';

export interface View {
	readonly x: number;
	readonly y: number;
	readonly zoom: number;
}

export interface Size {
	readonly width: number;
	readonly height: number;
}

const LEAST_ZOOM = 0.02;
const MOST_ZOOM = 32;
const MARGIN = 24;
/** Small pictures are shown no larger than this at first. */
const MOST_FITTED = 8;

export function fitted(stage: Size, picture: Size): View {
	const room = Math.min((stage.width - MARGIN) / picture.width, (stage.height - MARGIN) / picture.height);
	const zoom = bounded(Math.min(MOST_FITTED, room));
	return { zoom, x: (stage.width - picture.width * zoom) / 2, y: (stage.height - picture.height * zoom) / 2 };
}

/** Larger or smaller, with what is at this place of the stage staying there. */
export function zoomed(view: View, at: Spot, factor: number): View {
	const zoom = bounded(view.zoom * factor);
	const by = zoom / view.zoom;
	return { zoom, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

export function moved(view: View, dx: number, dy: number): View {
	return { ...view, x: view.x + dx, y: view.y + dy };
}

/** A place of the stage as one of the picture. */
export function onPicture(view: View, { x, y }: Spot): Spot {
	return { x: (x - view.x) / view.zoom, y: (y - view.y) / view.zoom };
}

function bounded(zoom: number): number {
	return Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, zoom));
}
