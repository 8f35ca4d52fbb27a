/** Frames of the websocket → events. Unknown types give null: plugins may send their own. */

import { count } from '../fields';
import { isList, isObject, parseJson, type Json, type JsonObject } from '../json';
import type { Event, NodeOutput, NodeProgress, Picture, Preview } from './types';

const PREVIEW = 1;
const PREVIEW_WITH_METADATA = 4;
const MIME_OF_FORMAT = new Map([
	[1, 'image/jpeg'],
	[2, 'image/png'],
]);

export function readFrame(frame: string): Event | null {
	const message = parseJson(frame);
	return isObject(message) && typeof message.type === 'string' && isObject(message.data)
		? readEvent(message.type, message.data)
		: null;
}

export function readEvent(type: string, data: JsonObject): Event | null {
	const promptId = text(data.prompt_id);
	const node = text(data.display_node) || text(data.node);
	switch (type) {
		case 'status': {
			const info = isObject(data.status) && isObject(data.status.exec_info) ? data.status.exec_info : {};
			return { type, remaining: count(info.queue_remaining) };
		}
		case 'execution_start':
		case 'execution_success':
			return { type, promptId };
		case 'execution_cached':
			return { type, promptId, nodes: isList(data.nodes) ? data.nodes.map(text) : [] };
		case 'executing':
			return { type, promptId: promptId || null, node: node || null };
		case 'progress':
			return { type, promptId, node: text(data.node), value: count(data.value), max: count(data.max) };
		case 'progress_state':
			return { type, promptId, nodes: isObject(data.nodes) ? Object.entries(data.nodes).map(readProgress) : [] };
		case 'job_progress': {
			const left = typeof data.seconds_left === 'number' ? data.seconds_left : null;
			return { type, promptId, fraction: count(data.fraction), secondsLeft: left };
		}
		case 'model_loading': {
			const [done, total] = [count(data.done), count(data.total)];
			return {
				type,
				promptId,
				node,
				model: text(data.model),
				phase: text(data.phase),
				fraction: total > 0 ? done / total : null,
				loading: data.state === 'loading',
			};
		}
		case 'executed':
			return { type, promptId, node, output: readOutput(data.output) };
		case 'execution_interrupted':
			return { type, promptId, node: text(data.node_id) };
		case 'execution_error':
			return {
				type,
				promptId,
				node: text(data.node_id),
				message: text(data.exception_message).trim(),
				exception: text(data.exception_type),
				traceback: isList(data.traceback) ? data.traceback.map(text).join('') : '',
			};
		default:
			return null;
	}
}

export function readPreview(frame: ArrayBuffer): Preview | null {
	if (frame.byteLength < 8) {
		return null;
	}
	const view = new DataView(frame);
	const kind = view.getUint32(0);
	const second = view.getUint32(4);
	if (kind === PREVIEW) {
		const mime = MIME_OF_FORMAT.get(second);
		return mime === undefined
			? null
			: { node: null, promptId: null, image: new Blob([frame.slice(8)], { type: mime }) };
	}
	if (kind === PREVIEW_WITH_METADATA && 8 + second <= frame.byteLength) {
		const about = parseJson(new TextDecoder().decode(frame.slice(8, 8 + second)));
		if (isObject(about)) {
			const image = new Blob([frame.slice(8 + second)], { type: text(about.image_type) || 'image/jpeg' });
			return {
				node: text(about.display_node_id) || text(about.node_id) || null,
				promptId: text(about.prompt_id) || null,
				image,
			};
		}
	}
	return null;
}

export function readOutput(value: Json | undefined): NodeOutput {
	if (!isObject(value)) {
		return { pictures: [], texts: [] };
	}
	const images = isList(value.images) ? value.images : [];
	const lines = isList(value.text) ? value.text : typeof value.text === 'string' ? [value.text] : [];
	return { pictures: images.flatMap(readPicture), texts: lines.map(text) };
}

function readPicture(value: Json): Picture[] {
	if (!isObject(value) || typeof value.filename !== 'string') {
		return [];
	}
	return [{ filename: value.filename, subfolder: text(value.subfolder), type: text(value.type) || 'output' }];
}

function readProgress([id, value]: [string, Json]): NodeProgress {
	const fields = isObject(value) ? value : {};
	return {
		node: text(fields.display_node_id) || id,
		state: text(fields.state),
		value: count(fields.value),
		max: count(fields.max),
	};
}

function text(value: Json | undefined): string {
	return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
