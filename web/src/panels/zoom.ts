/** Where a picture is seen in the viewer. Pure arithmetic, in pixels of the screen from the middle of the stage. */

export interface Zoom {
	/** Pixels of the screen for one of the picture. */
	readonly scale: number;
	/** Where the middle of the picture is. */
	readonly x: number;
	readonly y: number;
}

export interface Extent {
	readonly width: number;
	readonly height: number;
}

const LEAST = 0.02;
const MOST = 64;
/** Small pictures are not blown up beyond this to fill the stage. */
const MOST_TO_FIT = 8;

export function fitted(picture: Extent, stage: Extent): Zoom {
	const scale = Math.min(stage.width / picture.width, stage.height / picture.height, MOST_TO_FIT);
	return { scale: Number.isFinite(scale) && scale > 0 ? scale : 1, x: 0, y: 0 };
}

/** What is under this point stays under it. */
export function zoomedAt(zoom: Zoom, factor: number, point: { readonly x: number; readonly y: number }): Zoom {
	const scale = Math.max(LEAST, Math.min(MOST, zoom.scale * factor));
	const ratio = scale / zoom.scale;
	return { scale, x: point.x - (point.x - zoom.x) * ratio, y: point.y - (point.y - zoom.y) * ratio };
}

/** A part of the picture always stays to be seen. */
export function panned(zoom: Zoom, by: { readonly x: number; readonly y: number }, picture: Extent, stage: Extent): Zoom {
	const within = (value: number, most: number): number => Math.max(-most, Math.min(most, value));
	return {
		...zoom,
		x: within(zoom.x + by.x, (picture.width * zoom.scale + stage.width) / 2 - 40),
		y: within(zoom.y + by.y, (picture.height * zoom.scale + stage.height) / 2 - 40),
	};
}
