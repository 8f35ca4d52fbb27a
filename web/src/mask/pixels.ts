/** Masks from pictures and to pictures. What is transparent is masked: so the peers' editors store it. */

import { inputPictureUrl } from '../api/http';
import { emptyRaster, type Raster } from './raster';

/** In pixels: a browser's canvas holds hardly more. */
export const LARGEST = 64_000_000;

/** The colours of an input's picture, its transparent parts too. */
export function colourUrl(picture: string): string {
	return inputPictureUrl(picture, { channel: 'rgb' });
}

/** The mask that a picture has already: empty if nothing of it is transparent. */
export async function readMask(picture: string): Promise<Raster> {
	const image = new Image();
	image.src = inputPictureUrl(picture, { channel: 'a' });
	await image.decode();
	const raster = emptyRaster(image.naturalWidth, image.naturalHeight);
	if (raster.data.length > LARGEST) {
		return raster;
	}
	const { context } = canvasOf(raster);
	context.drawImage(image, 0, 0);
	const { data } = context.getImageData(0, 0, raster.width, raster.height);
	raster.data.forEach((_value, index) => {
		raster.data[index] = 255 - (data[index * 4 + 3] ?? 255);
	});
	return raster;
}

/** The picture to upload: nothing but transparency. */
export async function maskFile(raster: Raster, picture: string): Promise<File> {
	const { canvas, context } = canvasOf(raster);
	const image = context.createImageData(raster.width, raster.height);
	raster.data.forEach((value, index) => {
		image.data[index * 4 + 3] = 255 - value;
	});
	context.putImageData(image, 0, 0);
	const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
	return new File([blob ?? new Blob()], maskName(picture), { type: 'image/png' });
}

/** `folder/cat.png [input]` → `cat-masked.png`, which it stays when it is masked again. */
export function maskName(picture: string): string {
	const [, stem = 'picture'] = /([^/]*?)(?:\.[^./ ]+)?(?: \[(?:input|output|temp)\])?$/.exec(picture) ?? [];
	return `${stem.replace(/-masked(?: \(\d+\))?$/, '')}-masked.png`;
}

function canvasOf({ width, height }: Raster): {
	readonly canvas: HTMLCanvasElement;
	readonly context: CanvasRenderingContext2D;
} {
	const canvas = Object.assign(document.createElement('canvas'), { width, height });
	const context = canvas.getContext('2d', { willReadFrequently: true });
	if (context === null) {
		throw new Error('The browser gives no canvas.');
	}
	return { canvas, context };
}
