/** Any file a person may hand to the editor → a graph, or a message that says what the file is. */

import { isList, isObject, parseJson, type Json } from '../json';
import { DocumentError, readDocument } from './document';
import { fromPrompt, isPrompt } from './prompt';
import type { Graph, Kinds } from './types';

export function readText(text: string, kinds: Kinds): Graph {
	let value: Json;
	try {
		value = parseJson(text);
	} catch {
		throw new DocumentError('This file is not JSON.');
	}
	return readAny(value, kinds);
}

export function readAny(value: Json, kinds: Kinds): Graph {
	if (!isObject(value)) {
		throw new DocumentError('This file is JSON, but not a workflow.');
	}
	if (value.lumengraph !== undefined) {
		return readDocument(value, kinds);
	}
	if (isPrompt(value)) {
		return fromPrompt(value, kinds);
	}
	if (isList(value.nodes) && isList(value.links)) {
		throw new DocumentError(
			'This is a workflow in ComfyUI’s editor form. Export it there with “Export (API)” and open that file.',
		);
	}
	throw new DocumentError('This JSON is neither a Lumengraph workflow nor a ComfyUI API prompt.');
}
