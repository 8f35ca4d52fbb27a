/** ComfyUI's API form as a graph. */

import { isList, isObject, type Json, type JsonObject } from '../json';
import { emptyGraph } from './doc';
import { DocumentError } from './document';
import { arrange } from './layout';
import { outputReference } from './sockets';
import type { Graph, GraphNode, InputValue, Kinds, NodeId } from './types';
import { t } from '../i18n/i18n';

export function isPrompt(document: JsonObject): boolean {
	const nodes = Object.values(document);
	return nodes.length > 0 && nodes.every((node) => isObject(node) && typeof node.class_type === 'string');
}

export function fromPrompt(prompt: JsonObject, kinds: Kinds): Graph {
	const nodes: { [id: NodeId]: GraphNode } = {};
	for (const [id, value] of Object.entries(prompt)) {
		if (!isObject(value) || typeof value.class_type !== 'string') {
			throw new DocumentError(t('open.noClass', { id }));
		}
		const kind = value.class_type;
		const title = isObject(value._meta) && typeof value._meta.title === 'string' ? value._meta.title : '';
		const known = kinds.get(kind)?.title;
		const inputs: { [name: string]: InputValue } = {};
		for (const [name, input] of Object.entries(isObject(value.inputs) ? value.inputs : {})) {
			inputs[name] = fromPromptInput(input, prompt, kinds);
		}
		const place = { x: 0, y: 0, extra: {} };
		nodes[id] = { id, kind, title: title === known || title === kind ? '' : title, mode: 'run', inputs, extra: {}, place };
	}
	return arrange({ ...emptyGraph(), guessed: true, title: t('open.imported'), nodes }, { kinds });
}

function fromPromptInput(value: Json, prompt: JsonObject, kinds: Kinds): InputValue {
	if (isList(value) && value.length === 2 && typeof value[1] === 'number') {
		const id = String(value[0]);
		const source = Object.hasOwn(prompt, id) ? prompt[id] : undefined;
		const kind = isObject(source) && typeof source.class_type === 'string' ? kinds.get(source.class_type) : undefined;
		return { link: { node: id, output: kind ? outputReference(kind, value[1]) : value[1] } };
	}
	if (isObject(value) && Object.keys(value).length === 1 && value.__value__ !== undefined) {
		return { constant: value.__value__ };
	}
	return { constant: value };
}
