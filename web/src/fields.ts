/** Fields of JSON that others wrote. What is missing or of another type is taken as empty. */

import { isList, isObject, type Json, type JsonObject } from './json';

export function text(value: Json | undefined): string {
	return typeof value === 'string' ? value : '';
}

export function textOrNull(value: Json | undefined): string | null {
	return typeof value === 'string' ? value : null;
}

export function count(value: Json | undefined): number {
	return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}

export function countOrNull(value: Json | undefined): number | null {
	return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
}

export function object(value: Json | undefined): JsonObject {
	return isObject(value) ? value : {};
}

export function objects(value: Json | undefined): readonly JsonObject[] {
	return isList(value) ? value.filter(isObject) : [];
}

export function texts(value: Json | undefined): readonly string[] {
	return isList(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Name → number, as pairs. */
export function counts(value: Json | undefined): readonly (readonly [string, number])[] {
	return Object.entries(object(value)).map(([name, one]) => [name, count(one)]);
}
