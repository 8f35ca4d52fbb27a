/** The graph in ComfyUI's API form, both ways. */

import { isList, isObject, type Json, type JsonObject } from '../json';
import { defaultValue, hasWidget } from './defaults';
import { DocumentError, emptyGraph } from './document';
import { arrange } from './layout';
import { liveKind } from './live';
import { outputReference, resolveOutput } from './sockets';
import { titleOf, type Graph, type GraphNode, type InputValue, type Kinds, type NodeId } from './types';
import { t } from '../i18n/i18n';

export function toPrompt(graph: Graph, kinds: Kinds): JsonObject {
	const prompt: { [id: NodeId]: Json } = {};
	for (const node of Object.values(graph.nodes)) {
		const title = titleOf(node, kinds.get(node.kind));
		prompt[node.id] = { class_type: node.kind, inputs: promptInputs(graph, node, kinds), _meta: { title } };
	}
	return prompt;
}

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
		nodes[id] = { id, kind, title: title === known || title === kind ? '' : title, inputs, extra: {}, place };
	}
	return arrange({ ...emptyGraph(), guessed: true, title: t('open.imported'), nodes }, { kinds });
}

function promptInputs(graph: Graph, node: GraphNode, kinds: Kinds): JsonObject {
	const inputs: { [name: string]: Json } = {};
	for (const [name, value] of Object.entries(node.inputs)) {
		inputs[name] = 'link' in value ? promptLink(graph, value.link, kinds) : promptConstant(value.constant);
	}
	for (const input of liveKind(kinds.get(node.kind), node)?.inputs ?? []) {
		const value = input.required && hasWidget(input) ? defaultValue(input) : undefined;
		if (value !== undefined && !Object.hasOwn(inputs, input.name)) {
			inputs[input.name] = promptConstant(value);
		}
	}
	return inputs;
}

function promptLink(graph: Graph, link: { node: NodeId; output: string | number }, kinds: Kinds): Json {
	const source = Object.hasOwn(graph.nodes, link.node) ? graph.nodes[link.node] : undefined;
	const output = resolveOutput(source && kinds.get(source.kind), link.output);
	// A name that cannot be resolved goes out as it is: the server then names the input it stands in.
	return [link.node, output?.index ?? link.output];
}

function promptConstant(value: Json): Json {
	return isList(value) ? { __value__: value } : value;
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
