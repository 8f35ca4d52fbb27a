/** Names and explanations of inputs and outputs, for people. */

import { hasWidget } from '../graph/defaults';
import type { InputInfo, KindInfo, OutputInfo } from '../graph/types';

export function inputLabel(input: InputInfo): string {
	const given = input.options.display_name;
	return typeof given === 'string' && given !== '' ? given : input.name.replaceAll('_', ' ').trim() || input.name;
}

export function outputLabel(output: OutputInfo): string {
	return output.name;
}

/** First line: the name as in files, and the type. Then what the node says, then the range. */
export function inputTip(input: InputInfo, undeclared: boolean, problem: string | null): string {
	const { min, max, step } = input.options;
	const range = [
		min !== undefined && max !== undefined ? `${String(min)} to ${String(max)}` : '',
		step !== undefined ? `steps of ${String(step)}` : '',
	].filter(Boolean);
	const facts = [
		problem ?? '',
		undeclared ? 'This kind of node does not declare this input.' : '',
		input.tooltip,
		hasWidget(input) ? range.join(', ') : '',
	];
	return [`${input.name} · ${input.type}${input.required ? '' : ' · optional'}`, ...facts].filter(Boolean).join('\n');
}

export function outputTip(output: OutputInfo): string {
	return [`${output.name} · ${output.type}${output.isList ? ' · a list' : ''}`, output.tooltip]
		.filter(Boolean)
		.join('\n');
}

export function kindTip(kind: string, info: KindInfo | undefined): string {
	return [
		info === undefined || info.title === kind ? kind : `${info.title} · ${kind}`,
		info?.description ?? '',
		info?.category ?? '',
	]
		.filter(Boolean)
		.join('\n');
}
