/** JSON that keeps integers beyond 2^53: they are read as bigint and written digit for digit. */

export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
	readonly [key: string]: Json;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity/gs;
// A control character cannot stand unescaped in JSON text, so only our own marks match after parsing.
const MARKED = /^\u0000(NaN|-?Infinity|-?\d+)$/;
const INTEGER = /^-?\d+$/;
const INLINE_LENGTH = 100;

export function parseJson(text: string): Json {
	let marked = false;
	const source = text.replace(TOKEN, (token) => {
		if (token.startsWith('"') || !isSpecial(token)) {
			return token;
		}
		marked = true;
		return `"\\u0000${token}"`;
	});
	if (!marked) {
		return JSON.parse(text) as Json;
	}
	return JSON.parse(source, (_key, value: Json) => (typeof value === 'string' ? unmark(value) : value)) as Json;
}

export function writeJson(value: Json, indent = ''): string {
	return indent === '' ? compact(value, ',', ':') : pretty(value, indent, '');
}

export function isObject(value: Json | undefined): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
	return Array.isArray(value);
}

/** A field of untrusted data, or undefined; never something inherited from Object. */
export function own<T>(record: { readonly [key: string]: T }, key: string): T | undefined {
	return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isSpecial(token: string): boolean {
	return !/\d/.test(token) || (INTEGER.test(token) && !Number.isSafeInteger(Number(token)));
}

function unmark(text: string): Json {
	const token = MARKED.exec(text)?.[1];
	if (token === undefined) {
		return text;
	}
	return INTEGER.test(token) ? BigInt(token) : Number(token);
}

function scalar(value: null | boolean | number | bigint | string): string {
	return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function compact(value: Json, comma: string, colon: string): string {
	if (isList(value)) {
		return `[${value.map((item) => compact(item, comma, colon)).join(comma)}]`;
	}
	if (isObject(value)) {
		const fields = Object.entries(value).map(
			([key, item]) => JSON.stringify(key) + colon + compact(item, comma, colon),
		);
		return `{${fields.join(comma)}}`;
	}
	return scalar(value);
}

function pretty(value: Json, indent: string, margin: string): string {
	if (!isList(value) && !isObject(value)) {
		return scalar(value);
	}
	const members = Object.values(value);
	const flat = members.every((item: Json) => typeof item !== 'object' || item === null);
	const line = compact(value, ', ', ': ');
	if (members.length === 0 || (flat && line.length <= INLINE_LENGTH && margin !== '')) {
		return line;
	}
	const inner = margin + indent;
	if (isList(value)) {
		return `[\n${value.map((item) => inner + pretty(item, indent, inner)).join(',\n')}\n${margin}]`;
	}
	const fields = Object.entries(value).map(
		([key, item]) => `${inner}${JSON.stringify(key)}: ${pretty(item, indent, inner)}`,
	);
	return `{\n${fields.join(',\n')}\n${margin}}`;
}
