/** What `/v1/workflows/diff` answers. */

import { objects, text } from '../fields';
import { isObject, writeJson, type Json, type JsonObject } from '../json';
import { sendJson } from './http';

export interface NodeMark {
	readonly node: string;
	/** Empty if it has none of its own. */
	readonly title: string;
	readonly kind: string;
}

export interface InputChange {
	readonly input: string;
	/** What it was given before and now, as text; null where it was not given. */
	readonly before: string | null;
	readonly after: string | null;
}

export interface Difference {
	readonly same: boolean;
	readonly added: readonly NodeMark[];
	readonly removed: readonly NodeMark[];
	readonly changed: readonly { readonly mark: NodeMark; readonly inputs: readonly InputChange[] }[];
	/** Named inputs and outputs, title and description that are another. */
	readonly others: readonly string[];
}

export async function diffWorkflows(before: JsonObject, after: JsonObject): Promise<Difference> {
	return readDifference(await sendJson('POST', 'v1/workflows/diff', { before, after }));
}

export function readDifference(answer: Json): Difference {
	const told = isObject(answer) ? answer : {};
	return {
		same: told.same === true,
		added: objects(told.added).map(readMark),
		removed: objects(told.removed).map(readMark),
		changed: objects(told.changed).map((change) => ({
			mark: readMark(isObject(change.after) ? change.after : {}),
			inputs: objects(change.inputs).map((input) => ({
				input: text(input.input),
				before: given(input.before),
				after: given(input.after),
			})),
		})),
		others: [
			...[...objects(told.inputs), ...objects(told.outputs)].map((entry) => text(entry.name)),
			...objects(told.texts).map((entry) => text(entry.field)),
		],
	};
}

function readMark(mark: JsonObject): NodeMark {
	return { node: text(mark.node), title: text(mark.title), kind: text(mark.kind) };
}

function given(value: Json | undefined): string | null {
	if (!isObject(value)) {
		return null;
	}
	if (isObject(value.link)) {
		return `${text(value.link.node)} → ${text(value.link.output)}`;
	}
	return typeof value.value === 'string' ? value.value : writeJson(value.value ?? null);
}
