/** Which output fits which input. The server has the last word; this is the same rule, so that wrong links cannot be drawn. */

import type { GraphNode, InputInfo, KindInfo, Link, OutputInfo } from './types';

export function canJoin(output: string, input: string): boolean {
	if (output === input || output === '*' || input === '*') {
		return true;
	}
	const offered = members(output);
	const wanted = members(input);
	return offered.some((type) => type === '*' || wanted.includes(type)) || wanted.includes('*');
}

/** The output a link means, or null when the kind does not have it. */
export function resolveOutput(info: KindInfo | undefined, output: Link['output']): OutputInfo | null {
	if (info === undefined) {
		return null;
	}
	if (typeof output === 'number') {
		return info.outputs[output] ?? null;
	}
	return info.outputs.find((candidate) => candidate.name === output) ?? null;
}

/** How a link to this output is written: by name, by index only where the name is not its own. */
export function outputReference(info: KindInfo, index: number): Link['output'] {
	const name = info.outputs[index]?.name;
	const first = info.outputs.findIndex((candidate) => candidate.name === name);
	const repeated = info.outputs.filter((candidate) => candidate.name === name).length > 1;
	return name === undefined || name === '' || repeated || first !== index ? index : name;
}

export function inputOf(info: KindInfo | undefined, name: string): InputInfo | undefined {
	return info?.inputs.find((input) => input.name === name);
}

/** The declared type of an input; anything goes into one that the kind does not declare. */
export function inputType(info: KindInfo | undefined, name: string): string {
	return inputOf(info, name)?.type ?? '*';
}

export function firstFittingInput(info: KindInfo, type: string, node?: GraphNode): InputInfo | undefined {
	const fitting = info.inputs.filter((input) => canJoin(type, input.type));
	const free = fitting.filter(
		(input) => node?.inputs[input.name] === undefined || !('link' in node.inputs[input.name]!),
	);
	const exact = (input: InputInfo): boolean => input.type === type;
	return free.find(exact) ?? free[0] ?? fitting.find(exact) ?? fitting[0];
}

export function firstFittingOutput(info: KindInfo, type: string): OutputInfo | undefined {
	return (
		info.outputs.find((output) => output.type === type) ?? info.outputs.find((output) => canJoin(output.type, type))
	);
}

function members(type: string): string[] {
	return type.split(',').map((part) => part.trim());
}
