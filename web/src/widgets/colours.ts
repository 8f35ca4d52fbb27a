/** Colours as inputs have them: a number 0xRRGGBB, or text `#rrggbb`. */

import { widgetType } from '../graph/defaults';
import type { InputInfo } from '../graph/types';
import type { Json } from '../json';

const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;

/** `#rrggbb` of a value, or null if it is no colour. */
export function hexOf(value: Json | undefined): string | null {
	if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffff) {
		return `#${value.toString(16).padStart(6, '0')}`;
	}
	const digits = typeof value === 'string' ? HEX.exec(value.trim())?.[1]?.toLowerCase() : undefined;
	if (digits === undefined) {
		return null;
	}
	return `#${digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits}`;
}

/** The value that an input takes for a typed colour; text that is none stays text, for the server to refuse. */
export function colourValue(text: string, input: InputInfo): Json {
	const hex = hexOf(text);
	if (hex === null) {
		return text;
	}
	return widgetType(input) === 'INT' ? Number.parseInt(hex.slice(1), 16) : hex;
}
