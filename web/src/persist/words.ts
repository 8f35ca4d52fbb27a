/** Differences and edits in words. */

import type { Difference, InputChange, NodeMark } from '../api/difference';
import type { Change, Operation } from '../graph/log';
import { titleOf, type GraphNode, type InputValue, type Kinds } from '../graph/types';
import { writeJson, type Json } from '../json';
import { t } from '../i18n/i18n';

export interface Said {
	readonly tone: 'added' | 'removed' | 'changed';
	readonly text: string;
}

const LONGEST = 48;

/** What the server's comparison of two workflows found, one line per thing. */
export function differenceWords(difference: Difference): readonly Said[] {
	const said: Said[] = [];
	for (const node of difference.added) {
		said.push({ tone: 'added', text: t('persist.difference.added', { node: named(node) }) });
	}
	for (const node of difference.removed) {
		said.push({ tone: 'removed', text: t('persist.difference.removed', { node: named(node) }) });
	}
	for (const { before, after, inputs } of difference.changed) {
		if (before.kind !== after.kind) {
			said.push({ tone: 'changed', text: t('persist.difference.kind', { node: named(before), kind: after.kind }) });
		} else if (before.title !== after.title) {
			said.push({ tone: 'changed', text: t('persist.difference.renamed', { node: named(before), title: named(after) }) });
		}
		said.push(...inputs.map((input) => inputWords(named(after), input)));
	}
	for (const { name, change } of difference.named) {
		said.push({ tone: change, text: t(`persist.difference.named.${change}`, { name }) });
	}
	for (const { field, before, after } of difference.texts) {
		said.push({
			tone: 'changed',
			text: t(field === 'title' ? 'persist.difference.title' : 'persist.difference.description', {
				before: short(before),
				after: short(after),
			}),
		});
	}
	return said;
}

function inputWords(node: string, { input, change, before, after }: InputChange): Said {
	const words = { node, input, before: short(before), after: short(after) };
	if (change === 'added' || change === 'removed') {
		return { tone: change, text: t(`persist.difference.input.${change}`, words) };
	}
	return { tone: 'changed', text: t(change === 'rewired' ? 'persist.difference.rewired' : 'persist.difference.changed', words) };
}

/** One edit of the log, in a line. */
export function operationWords({ changes }: Operation, kinds: Kinds): string {
	const nodes = changes.filter((change) => change.of === 'node');
	const name = (node: GraphNode): string => titleOf(node, kinds.get(node.kind));
	const what = (them: readonly GraphNode[]): string => {
		const [first] = them;
		return them.length === 1 && first !== undefined ? name(first) : t('persist.edits.nodes', { count: them.length });
	};
	const come = nodes.flatMap(({ before, after }) => (before === undefined && after !== undefined ? [after] : []));
	const gone = nodes.flatMap(({ before, after }) => (before !== undefined && after === undefined ? [before] : []));
	const other = nodes.flatMap(({ before, after }) => (before !== undefined && after !== undefined ? [{ before, after }] : []));
	const definition = changes.find((change) => change.of === 'subgraph');
	if (definition !== undefined) {
		return t(definition.before === undefined ? 'persist.edits.packed' : 'persist.edits.unpacked');
	}
	if (come.length > 0 && gone.length > 0) {
		return t('persist.edits.replaced', { what: what(gone), by: what(come) });
	}
	if (come.length > 0) {
		return t('persist.edits.added', { what: what(come) });
	}
	if (gone.length > 0) {
		return t('persist.edits.removed', { what: what(gone) });
	}
	const [first] = other;
	if (first === undefined) {
		return fieldWords(changes);
	}
	const all = what(other.map(({ after }) => after));
	if (other.every(({ before, after }) => before.inputs === after.inputs && before.title === after.title && before.mode === after.mode)) {
		const moved = other.some(({ before, after }) => before.place.x !== after.place.x || before.place.y !== after.place.y);
		return t(moved ? 'persist.edits.moved' : 'persist.edits.looks', { what: all });
	}
	if (other.length === 1 && first.before.title !== first.after.title) {
		return t('persist.edits.renamed', { what: name(first.before), title: name(first.after) });
	}
	if (other.length === 1) {
		const inputs = changedInputs(first.before, first.after);
		const [input] = inputs;
		if (input !== undefined && inputs.length === 1) {
			const value = first.after.inputs[input];
			return t(valueKey(value), { what: all, input, value: value !== undefined && 'constant' in value ? short(value.constant) : '' });
		}
	}
	return t('persist.edits.changed', { what: all });
}

function valueKey(value: InputValue | undefined): 'persist.edits.cleared' | 'persist.edits.linked' | 'persist.edits.set' {
	if (value === undefined) {
		return 'persist.edits.cleared';
	}
	return 'constant' in value ? 'persist.edits.set' : 'persist.edits.linked';
}

function fieldWords(changes: readonly Change[]): string {
	const fields = new Set(changes.flatMap((change) => (change.of === 'field' ? [change.field] : [])));
	const [first] = fields;
	switch (first) {
		case 'title':
		case 'frames':
		case 'notes':
		case 'reroutes':
		case 'inputs':
		case 'outputs':
			return t(`persist.edits.fields.${first}`);
		default:
			return t('persist.edits.fields.other');
	}
}

function changedInputs(before: GraphNode, after: GraphNode): string[] {
	return [...new Set([...Object.keys(before.inputs), ...Object.keys(after.inputs)])].filter(
		(input) => before.inputs[input] !== after.inputs[input],
	);
}

function named({ title, kind }: NodeMark): string {
	return title || kind;
}

function short(value: Json): string {
	const whole = typeof value === 'string' ? value : writeJson(value);
	return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}
