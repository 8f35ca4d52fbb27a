/** Inputs that take an uploaded file, by what their declarations say. */

import type { InputInfo } from '../graph/types';

export type UploadKind = 'image' | 'video' | 'audio' | 'model';

const MARKS: Readonly<Record<string, UploadKind>> = {
	image_upload: 'image',
	animated_image_upload: 'image',
	video_upload: 'video',
	audio_upload: 'audio',
	mesh_upload: 'model',
};
/** For the browser's file dialog. */
export const ACCEPTED: Readonly<Record<UploadKind, string>> = {
	image: 'image/*',
	video: 'video/*,image/gif,image/webp',
	audio: 'audio/*,video/*',
	model: '.glb,.gltf,.obj,.fbx,.stl,.usdz,.ply',
};
const MODEL = /\.(glb|gltf|obj|fbx|stl|usdz|ply)$/i;

export function uploadOf(input: InputInfo): UploadKind | null {
	const mark = Object.keys(MARKS).find((name) => input.options[name] === true);
	return mark === undefined ? null : (MARKS[mark] ?? null);
}

/** Whether an input of this sort takes such a file. */
export function takes(kind: UploadKind, file: { readonly name: string; readonly type: string }): boolean {
	const [family] = file.type.split('/');
	switch (kind) {
		case 'image':
			return family === 'image';
		case 'video':
			return family === 'video' || file.type === 'image/gif' || file.type === 'image/webp';
		case 'audio':
			return family === 'audio' || family === 'video';
		case 'model':
			return MODEL.test(file.name);
	}
}

/** The input of a node that a dropped or pasted file goes to. */
export function fileInput(
	inputs: readonly InputInfo[],
	isFree: (name: string) => boolean,
	file: { readonly name: string; readonly type: string },
): InputInfo | undefined {
	return inputs.find((input) => {
		const kind = uploadOf(input);
		return kind !== null && takes(kind, file) && isFree(input.name);
	});
}
