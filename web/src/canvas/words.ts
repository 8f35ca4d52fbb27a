/** Names and explanations of inputs and outputs, for people. */

import { hasWidget } from '../graph/defaults';
import type { GraphNode, InputInfo, KindInfo, OutputInfo } from '../graph/types';
import type { NodeState } from '../run/types';
import { t } from '../i18n/i18n';

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
		min !== undefined && max !== undefined ? t('input.range', { min: String(min), max: String(max) }) : '',
		step !== undefined ? t('input.step', { step: String(step) }) : '',
	].filter(Boolean);
	const facts = [
		problem ?? '',
		undeclared ? t('input.undeclared') : '',
		input.tooltip,
		hasWidget(input) ? range.join(', ') : '',
	];
	return [`${input.name} · ${input.type}${input.required ? '' : ` · ${t('input.optional')}`}`, ...facts].filter(Boolean).join('\n');
}

export function outputTip(output: OutputInfo): string {
	return [`${output.name} · ${output.type}${output.isList ? ` · ${t('input.list')}` : ''}`, output.tooltip]
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

/** A node as it is read out: title, kind, what it is doing and what is wrong with it. */
export function nodeWords(title: string, node: GraphNode, state: NodeState, problems: number): string {
	return [
		title,
		node.kind === title ? '' : node.kind,
		node.mode === 'run' ? '' : t(`node.mode.${node.mode}`),
		state === 'idle' ? '' : state === 'running' ? t('queue.running') : t(`node.state.${state}`),
		problems === 0 ? '' : t('problems.count', { count: problems }),
	]
		.filter(Boolean)
		.join(', ');
}
