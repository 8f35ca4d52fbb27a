/** Numbers as typed, stepped and judged. Whole numbers beyond 2^53 are bigint throughout. */

import type { Json } from '../json';
import type { InputInfo } from '../graph/types';
import { widgetType } from '../graph/defaults';
import { t } from '../i18n/i18n';
import { evaluate } from './expressions';

type Numeric = number | bigint;

const WHOLE = /^[+-]?\d+$/;

/** What was typed, as the value it means; text that is no number stays text, for the server to refuse. */
export function parseNumber(text: string): Json {
	const trimmed = text.trim();
	if (WHOLE.test(trimmed)) {
		const whole = BigInt(trimmed);
		return shrink(whole);
	}
	const value = trimmed === '' ? NaN : Number(trimmed);
	return Number.isFinite(value) ? value : text;
}

/** The same, where arithmetic counts too: `512*1.5`, `=1024-64`. What a whole number cannot be is rounded. */
export function readNumber(text: string, input: InputInfo): Json {
	const typed = parseNumber(text);
	const value = isNumeric(typed) ? null : evaluate(text);
	if (value === null) {
		return typed;
	}
	if (typeof value === 'bigint') {
		return shrink(value);
	}
	return widgetType(input) === 'INT' ? Math.round(value) : Number(value.toPrecision(15));
}

/** Whether this text says a number by arithmetic. */
export function isSum(text: string): boolean {
	return typeof parseNumber(text) === 'string' && evaluate(text) !== null;
}

export function formatNumber(value: Json | undefined): string {
	return value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Rounds a typed FLOAT as its declaration asks; nothing is moved into range. */
export function roundNumber(value: Json, input: InputInfo): Json {
	const { round } = input.options;
	if (typeof value !== 'number' || typeof round !== 'number' || round <= 0 || widgetType(input) !== 'FLOAT') {
		return value;
	}
	return Number((Math.round(value / round) * round).toFixed(decimals(round)));
}

/** What is wrong with a value, in a few words, or null. */
export function numberHint(value: Json | undefined, input: InputInfo): string | null {
	if (!isNumeric(value)) {
		return t('widget.notNumber');
	}
	const { min, max, step } = input.options;
	const whole = widgetType(input) === 'INT';
	if (whole && typeof value === 'number' && !Number.isInteger(value)) {
		return t('widget.whole');
	}
	if (isNumeric(min) && value < min) {
		return t('widget.least', { min: String(min) });
	}
	if (isNumeric(max) && value > max) {
		return t('widget.most', { max: String(max) });
	}
	if (whole && typeof step === 'number' && step > 1 && (BigInt(value) - BigInt(offset(min))) % BigInt(step) !== 0n) {
		return t('widget.multiple', { step: String(step) });
	}
	return null;
}

/** The value so many steps away, inside the declared range. */
export function stepNumber(value: Json | undefined, steps: number, input: InputInfo): Numeric {
	const start = isNumeric(value) ? value : 0;
	return clamp(
		widgetType(input) === 'INT' ? stepWhole(start, steps, input) : stepFraction(Number(start), steps, input),
		input,
	);
}

export function isNumeric(value: Json | undefined): value is Numeric {
	return typeof value === 'number' || typeof value === 'bigint';
}

function stepWhole(start: Numeric, steps: number, input: InputInfo): Numeric {
	const { step } = input.options;
	const width = typeof step === 'number' && step >= 1 ? Math.round(step) : 1;
	return shrink(
		BigInt(typeof start === 'number' ? Math.round(start) : start) + BigInt(Math.round(steps)) * BigInt(width),
	);
}

function stepFraction(start: number, steps: number, input: InputInfo): number {
	const { step, round } = input.options;
	const width = typeof step === 'number' && step > 0 ? step : 0.1;
	const places = Math.max(decimals(width), typeof round === 'number' && round > 0 ? decimals(round) : 0);
	return Number((start + steps * width).toFixed(places));
}

function clamp(value: Numeric, input: InputInfo): Numeric {
	const { min, max } = input.options;
	if (isNumeric(min) && value < min) {
		return min;
	}
	return isNumeric(max) && value > max ? max : value;
}

function shrink(whole: bigint): Numeric {
	const plain = Number(whole);
	return Number.isSafeInteger(plain) ? plain : whole;
}

function offset(min: Json | undefined): Numeric {
	return typeof min === 'bigint' || (typeof min === 'number' && Number.isInteger(min)) ? min : 0;
}

function decimals(step: number): number {
	const text = step.toString();
	const exponent = /e-(\d+)$/.exec(text)?.[1];
	return Math.min(20, exponent !== undefined ? Number(exponent) : (text.split('.')[1]?.length ?? 0));
}
