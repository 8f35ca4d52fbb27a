/** What an input holds before anyone has touched it. */

import type { Json } from '../json';
import type { InputInfo, InputValue, KindInfo } from './types';

const WIDGET_TYPES = ['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'] as const;
export type WidgetType = (typeof WIDGET_TYPES)[number];

/** The type that decides an input's widget, null for inputs that only take a link. */
export function widgetType(input: InputInfo): WidgetType | null {
	if (input.options.forceInput === true) {
		return null;
	}
	const types = [String(input.options.widgetType ?? ''), ...input.type.split(',').map((part) => part.trim())];
	return WIDGET_TYPES.find((type) => types.includes(type)) ?? null;
}

/** Inputs that a widget was made for though their type is none of those, and what they hold at first. */
export interface Start {
	readonly wants: (input: InputInfo) => boolean;
	readonly start: (input: InputInfo) => Json;
}

const starts = new Set<Start>([
	{ wants: ({ type }) => type === 'COLOR', start: () => '#ffffff' },
	{ wants: ({ type }) => type === 'CURVE', start: () => ({ points: [[0, 0], [1, 1]], interpolation: 'monotone_cubic' }) },
]);

/** Returns the way to take it back. */
export function addStart(start: Start): () => void {
	starts.add(start);
	return () => starts.delete(start);
}

export function hasWidget(input: InputInfo): boolean {
	return (
		widgetType(input) !== null ||
		(input.options.forceInput !== true && (input.options.default !== undefined || startOf(input) !== undefined))
	);
}

function startOf(input: InputInfo): Start | undefined {
	for (const start of starts) {
		if (start.wants(input)) {
			return start;
		}
	}
	return undefined;
}

export function defaultValue(input: InputInfo): Json | undefined {
	const given = input.options.default;
	if (given !== undefined) {
		return given;
	}
	switch (widgetType(input)) {
		case 'INT':
		case 'FLOAT':
			return lowest(input.options.min);
		case 'STRING':
			return '';
		case 'BOOLEAN':
			return false;
		case 'COMBO':
			return input.choices?.[0] ?? '';
		case null:
			return startOf(input)?.start(input);
	}
}

export function defaultInputs(info: KindInfo): { [name: string]: InputValue } {
	const inputs: { [name: string]: InputValue } = {};
	for (const input of info.inputs) {
		const value = hasWidget(input) ? defaultValue(input) : undefined;
		if (value !== undefined) {
			inputs[input.name] = { constant: value };
		}
	}
	return inputs;
}

function lowest(min: Json | undefined): number | bigint {
	return (typeof min === 'number' || typeof min === 'bigint') && min > 0 ? min : 0;
}
