/** What `/v1/workflows/diff` answers. */

import { object, objects, text } from '../fields';
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
	readonly change: 'added' | 'removed' | 'changed' | 'rewired';
	/** What it was given before and now, as text (a link as `node.output`); null where it was not given. */
	readonly before: string | null;
	readonly after: string | null;
}

export interface NodeChange {
	readonly before: NodeMark;
	readonly after: NodeMark;
	readonly inputs: readonly InputChange[];
}

export interface Difference {
	readonly same: boolean;
	readonly added: readonly NodeMark[];
	readonly removed: readonly NodeMark[];
	readonly changed: readonly NodeChange[];
	/** Named inputs and outputs of the workflow. */
	readonly named: readonly { readonly name: string; readonly change: 'added' | 'removed' | 'changed' }[];
	/** Title and description. */
	readonly texts: readonly { readonly field: string; readonly before: string; readonly after: string }[];
}

/** What is another in a workflow than in an earlier one. */
export async function fetchDifference(before: JsonObject, after: JsonObject): Promise<Difference> {
	return readDifference(await sendJson('POST', 'v1/workflows/diff', { before, after }));
}

export function readDifference(answer: Json): Difference {
	const told = object(answer);
	return {
		same: told.same === true,
		added: objects(told.added).map(readMark),
		removed: objects(told.removed).map(readMark),
		changed: objects(told.changed).map((change) => ({
			before: readMark(object(change.before)),
			after: readMark(object(change.after)),
			inputs: objects(change.inputs).map(readInput),
		})),
		named: [...objects(told.inputs), ...objects(told.outputs)].map((entry) => ({
			name: text(entry.name),
			change: entry.change === 'added' || entry.change === 'removed' ? entry.change : 'changed',
		})),
		texts: objects(told.texts).map((entry) => ({
			field: text(entry.field),
			before: text(entry.before),
			after: text(entry.after),
		})),
	};
}

function readMark(mark: JsonObject): NodeMark {
	return { node: text(mark.node), title: text(mark.title), kind: text(mark.kind) };
}

function readInput({ input, change, before, after }: JsonObject): InputChange {
	const known = change === 'added' || change === 'removed' || change === 'rewired' ? change : 'changed';
	return { input: text(input), change: known, before: given(before), after: given(after) };
}

function given(told: Json | undefined): string | null {
	if (!isObject(told)) {
		return null;
	}
	const { link, value = null } = told;
	// The links of a node whose kind is not known come as they stand in the file.
	const { node, output } = object(isObject(link) ? link : value);
	return typeof node === 'string' && output !== undefined ? `${node}.${inText(output)}` : inText(value);
}

function inText(value: Json): string {
	return typeof value === 'string' ? value : writeJson(value);
}
