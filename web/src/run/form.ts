/** A workflow as a function: what it takes, and the values of a sweep as people write them. */

import { text } from '../fields';
import { parseNumber } from '../widgets/numbers';
import { defaultValue, widgetType } from '../graph/defaults';
import type { Doc } from '../graph/doc';
import { liveKind } from '../graph/live';
import { constantOf, type InputInfo, type Kinds } from '../graph/types';
import { isObject, type Json, type JsonObject } from '../json';
import { t } from '../i18n/i18n';
import { locate } from './inside';

export interface FormInput {
	/** How callers name it. */
	readonly name: string;
	readonly label: string;
	readonly description: string;
	readonly info: InputInfo;
	/** What it has in the workflow; undefined where a link feeds it. */
	readonly value: Json | undefined;
}

const SPAN = /^\s*([-+.\deE]+)\s*\.\.\s*([-+.\deE]+)\s*\/\s*(\d+)\s*$/;

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
	['true', true],
	['1', true],
	['false', false],
	['0', false],
]);

/** The named inputs of a document whose nodes and kinds are there. */
export function formInputs(doc: Doc, kinds: Kinds): readonly FormInput[] {
	return Object.entries(doc.root.inputs).flatMap(([name, entry]) => {
		if (!isObject(entry) || typeof entry.node !== 'string' || typeof entry.input !== 'string') {
			return [];
		}
		const node = locate(doc, entry.node)?.node;
		const info = liveKind(kinds.get(node?.kind ?? ''), node)?.inputs.find((input) => input.name === entry.input);
		if (node === undefined || info === undefined) {
			return [];
		}
		const value = node.inputs[info.name];
		return [
			{
				name,
				label: text(entry.label) || name,
				description: text(entry.description) || info.tooltip,
				info: { ...info, name },
				value: value === undefined ? defaultValue(info) : constantOf(value),
			},
		];
	});
}

/** `1, 2, 3`, `1..8/8` for evenly spaced numbers, or one text a line; null if that is not a list of values. */
export function sweepValues(written: string, info: InputInfo): Json | null {
	const span = SPAN.exec(written);
	if (span !== null) {
		const [from, to, steps] = span.slice(1).map(Number);
		return [from, to, steps].some((one) => one === undefined || Number.isNaN(one)) ? null : { from: from!, to: to!, steps: steps! };
	}
	const type = widgetType(info);
	const isText = type === 'STRING';
	const parts = written
		.split(isText && written.includes('\n') ? '\n' : /[,\n]/)
		.map((part) => part.trim())
		.filter(Boolean);
	const values = parts.map((part): Json | null => {
		if (type === 'INT' || type === 'FLOAT') {
			const value = parseNumber(part);
			return typeof value === 'string' ? null : value;
		}
		return type === 'BOOLEAN' ? (SWITCHES.get(part.toLowerCase()) ?? null) : part;
	});
	return values.length === 0 || values.includes(null) ? null : values;
}

/** What is wrong with values that `sweepValues` cannot read, and what it takes. */
export function sweepComplaint({ label, info }: FormInput): string {
	switch (widgetType(info)) {
		case 'INT':
			return t('running.form.wrongWhole', { label });
		case 'FLOAT':
			return t('running.form.wrongNumbers', { label });
		case 'BOOLEAN':
			return t('running.form.wrongSwitches', { label });
		default:
			return t('running.form.wrongNone', { label });
	}
}

/** How many combinations that makes. */
export function combinations(sweep: JsonObject): number {
	return Object.values(sweep).reduce<number>((count, values) => {
		const more = Array.isArray(values) ? values.length : isObject(values) ? Number(values.steps) : 1;
		return count * more;
	}, 1);
}
