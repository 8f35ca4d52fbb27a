/** Inputs that stand for others: as many as are linked, or those that belong to what is chosen. Their names have dots. */

import { defaultValue, hasWidget } from './defaults';
import { constantOf, type GraphNode, type InputInfo, type InputValue, type KindInfo } from './types';

type Given = { readonly [name: string]: InputValue };

/** The kind as this node has it: with the inputs that are there, and one more that a link may be drawn to. */
export function liveKind(info: KindInfo | undefined, node: { readonly inputs: Given } | undefined): KindInfo | undefined {
	return info === undefined || !isDynamic(info) ? info : { ...info, inputs: liveInputs(info, node?.inputs ?? {}) };
}

export function liveInputs(info: KindInfo, given: Given): readonly InputInfo[] {
	return isDynamic(info) ? expand(info.inputs, given, '') : info.inputs;
}

/** What a node of this kind begins with, and what of its inputs goes on after something else was chosen in it. */
export function settled(info: KindInfo, given: Given): { [name: string]: InputValue } {
	let inputs: { [name: string]: InputValue } = { ...given };
	const roots = info.inputs.filter((input) => input.variants !== undefined);
	// A choice inside of a choice is there only after the outer one has its value.
	for (let before = -1; before !== Object.keys(inputs).length; ) {
		before = Object.keys(inputs).length;
		const live = liveInputs(info, inputs);
		const names = new Set(live.map((input) => input.name));
		inputs = Object.fromEntries(
			Object.entries(inputs).filter(
				([name]) => names.has(name) || !roots.some((root) => name.startsWith(`${root.name}.`)),
			),
		);
		for (const input of live) {
			const value = hasWidget(input) && inputs[input.name] === undefined ? defaultValue(input) : undefined;
			if (value !== undefined && roots.some((root) => input.name.startsWith(`${root.name}.`))) {
				inputs[input.name] = { constant: value };
			}
		}
	}
	return inputs;
}

export function settledNode(node: GraphNode, info: KindInfo | undefined): GraphNode {
	return info === undefined || !isDynamic(info) ? node : { ...node, inputs: settled(info, node.inputs) };
}

function isDynamic(info: KindInfo): boolean {
	return info.inputs.some((input) => input.grows !== undefined || input.variants !== undefined);
}

function expand(inputs: readonly InputInfo[], given: Given, prefix: string): InputInfo[] {
	return inputs.flatMap((input) => {
		const name = prefix + input.name;
		if (input.grows !== undefined) {
			const { item, names, min } = input.grows;
			const free = names.findIndex((part, index) => index >= min && given[`${name}.${part}`] === undefined);
			return names.flatMap((part, index) => {
				const full = `${name}.${part}`;
				const required = input.required && index < min;
				return required || index === free || given[full] !== undefined ? [{ ...item, name: full, required }] : [];
			});
		}
		const own = prefix === '' ? input : { ...input, name };
		if (input.variants === undefined) {
			return [own];
		}
		const chosen = constantOf(given[name]) ?? defaultValue(input);
		return [own, ...expand(input.variants[String(chosen)] ?? [], given, `${name}.`)];
	});
}
