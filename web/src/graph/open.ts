/** Any file a person may hand to the editor → a graph, or a message that says what the file is. */

import { isList, isObject, parseJson, type Json, type JsonObject } from '../json';
import { docOf, type Doc } from './doc';
import { DocumentError, readDoc } from './document';
import { fromPrompt, isPrompt } from './prompt';
import type { Kinds } from './types';
import { t } from '../i18n/i18n';

export function readText(text: string, kinds: Kinds): Doc {
	return readAny(readJson(text), kinds);
}

export function readJson(text: string): Json {
	try {
		return parseJson(text);
	} catch {
		throw new DocumentError(t('open.notJson'));
	}
}

/** Whether this is what ComfyUI's editor saves: the server makes a document of it. */
export function isEditorForm(value: Json): value is JsonObject {
	return isObject(value) && value.lumengraph === undefined && isList(value.nodes);
}

export function readAny(value: Json, kinds: Kinds): Doc {
	if (!isObject(value)) {
		throw new DocumentError(t('open.notWorkflow'));
	}
	if (value.lumengraph !== undefined) {
		return readDoc(value, kinds);
	}
	if (isPrompt(value)) {
		return docOf(fromPrompt(value, kinds));
	}
	throw new DocumentError(t('open.unknown'));
}
