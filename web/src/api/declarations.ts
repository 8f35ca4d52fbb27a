/** `/object_info` → what the editor knows of each kind. A kind that makes no sense is left out, never fatal. */

import { text } from '../fields';
import { isList, isObject, type Json, type JsonObject } from '../json';
import type { InputInfo, KindInfo, Kinds, OutputInfo } from '../graph/types';

export function readKinds(answer: Json): Kinds {
	const kinds = new Map<string, KindInfo>();
	if (isObject(answer)) {
		for (const [kind, info] of Object.entries(answer)) {
			if (isObject(info)) {
				kinds.set(kind, readKind(kind, info));
			}
		}
	}
	return kinds;
}

function readKind(kind: string, info: JsonObject): KindInfo {
	return {
		kind,
		title: text(info.display_name) || kind,
		description: paragraphs(text(info.description)),
		category: text(info.category),
		module: text(info.python_module),
		inputs: [...readInputs(info, 'required'), ...readInputs(info, 'optional')],
		outputs: readOutputs(info),
		isSink: info.output_node === true,
		deprecated: info.deprecated === true,
		experimental: info.experimental === true,
		aliases: texts(info.search_aliases),
	};
}

/** A docstring, wrapped for source code, as one line per paragraph. */
function paragraphs(docstring: string): string {
	return docstring
		.split(/\n\s*\n/)
		.map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
		.filter(Boolean)
		.join('\n');
}

function readInputs(info: JsonObject, group: 'required' | 'optional'): InputInfo[] {
	const declared = isObject(info.input) && isObject(info.input[group]) ? info.input[group] : {};
	const order = isObject(info.input_order) ? texts(info.input_order[group]) : [];
	const names = [
		...order.filter((name) => Object.hasOwn(declared, name)),
		...Object.keys(declared).filter((name) => !order.includes(name)),
	];
	return names.map((name) => readInput(name, declared[name] ?? null, group === 'required'));
}

const ANYTHING: InputInfo = { name: '', type: '*', required: false, options: {}, choices: null, tooltip: '' };

function readInput(name: string, spec: Json, required: boolean): InputInfo {
	const [type, second] = isList(spec) ? spec : [spec];
	const options = isObject(second) ? second : {};
	const tooltip = paragraphs(text(options.tooltip));
	if (isList(type)) {
		return { name, type: 'COMBO', required, options, choices: type, tooltip };
	}
	if (type === 'COMFY_AUTOGROW_V3' && isObject(options.template)) {
		return { name, type: '*', required, options: {}, choices: null, tooltip, grows: readGrowing(options.template) };
	}
	if (type === 'COMFY_DYNAMICCOMBO_V3' && isList(options.options)) {
		const variants = readVariants(options.options);
		const keys = Object.keys(variants);
		return { name, type: 'COMBO', required, options: { default: keys[0] ?? '' }, choices: keys, tooltip, variants };
	}
	const choices = type === 'COMBO' ? (isList(options.options) ? options.options : []) : null;
	return { name, type: typeof type === 'string' ? type : '*', required, options, choices, tooltip };
}

function readGrowing(template: JsonObject): NonNullable<InputInfo['grows']> {
	const item = (isObject(template.input) ? readInputs({ input: template.input }, 'required')[0] : undefined) ?? ANYTHING;
	const names = isList(template.names)
		? texts(template.names)
		: Array.from({ length: Number(template.max ?? 0) }, (_, index) => `${text(template.prefix)}${index}`);
	return { item, names, min: Number(template.min ?? 0) };
}

function readVariants(options: readonly Json[]): { [key: string]: InputInfo[] } {
	const entries = options.filter(isObject).map((option): [string, InputInfo[]] => {
		const info = { input: option.inputs ?? {} };
		return [text(option.key), [...readInputs(info, 'required'), ...readInputs(info, 'optional')]];
	});
	return Object.fromEntries(entries);
}

function readOutputs(info: JsonObject): OutputInfo[] {
	const types = isList(info.output) ? info.output : [];
	const names = isList(info.output_name) ? info.output_name : [];
	const lists = isList(info.output_is_list) ? info.output_is_list : [];
	const tooltips = isList(info.output_tooltips) ? info.output_tooltips : [];
	return types.map((type, index) => {
		const name = isList(type) ? 'COMBO' : text(type) || '*';
		return {
			index,
			name: text(names[index]) || name,
			type: name,
			isList: lists[index] === true,
			tooltip: text(tooltips[index]),
		};
	});
}

function texts(value: Json | undefined): string[] {
	return isList(value) ? value.filter((item) => typeof item === 'string') : [];
}
