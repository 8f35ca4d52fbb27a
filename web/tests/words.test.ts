import { describe, expect, test } from 'vitest';
import { readDifference } from '../src/api/difference';
import { emptyDoc, withGraph, ROOT, type Doc } from '../src/graph/doc';
import { differences, type Operation } from '../src/graph/log';
import { readDoc } from '../src/graph/document';
import { NO_KINDS } from '../src/graph/types';
import type { JsonObject } from '../src/json';
import { keptOf, markOf } from '../src/persist/keeper';
import { nameFor } from '../src/persist/names';
import { differenceWords, operationWords } from '../src/persist/words';
import { lastEdit } from '../src/tabs/tabs';

const before = readDoc({
	lumengraph: 2,
	nodes: { a: { kind: 'Alpha', inputs: { steps: 20 } }, b: { kind: 'Beta', inputs: {} } },
	layout: { nodes: { a: { x: 0, y: 0 }, b: { x: 9, y: 9 } } },
});

function edit(from: Doc, to: Doc): string {
	const operation: Operation = { at: 0, key: '', scope: ROOT, changes: differences(from, to) };
	return operationWords(operation, NO_KINDS);
}

function changed(id: string, change: object): Doc {
	const node = before.root.nodes[id];
	return withGraph(before, ROOT, { ...before.root, nodes: { ...before.root.nodes, [id]: { ...node!, ...change } } });
}

describe('edits in words', () => {
	test.each([
		['steps of Alpha: 25', changed('a', { inputs: { steps: { constant: 25 } } })],
		['steps of Alpha cleared', changed('a', { inputs: {} })],
		['x of Beta linked', changed('b', { inputs: { x: { link: { node: 'a', output: 0 } } } })],
		['Alpha renamed to First', changed('a', { title: 'First' })],
		['Alpha moved', changed('a', { place: { x: 5, y: 0, extra: {} } })],
		['Alpha changed', changed('a', { mode: 'mute' })],
		['2 nodes removed', emptyDoc()],
		['Title changed', withGraph(before, ROOT, { ...before.root, title: 'New' })],
	])('%s', (words, after) => {
		expect(edit(before, after)).toBe(words);
	});

	test('2 nodes added', () => {
		expect(edit(emptyDoc(), before)).toBe('2 nodes added');
	});
});

describe('differences in words', () => {
	const wordsOf = (answer: JsonObject) => differenceWords(readDifference(answer));

	test('one line each', () => {
		const mark = { node: 'a', kind: 'KSampler', title: '' };
		const said = wordsOf({
			same: false,
			added: [{ node: 'n', kind: 'SaveImage', title: 'Last' }],
			removed: [{ node: 'm', kind: 'PreviewImage', title: '' }],
			changed: [
				{
					before: mark,
					after: { ...mark, title: 'Main' },
					inputs: [
						{ input: 'steps', change: 'changed', before: { link: null, value: 20 }, after: { link: null, value: 25 } },
						{
							input: 'model',
							change: 'rewired',
							before: { link: { node: 'x', output: 'MODEL' }, value: null },
							after: { link: { node: 'y', output: 'MODEL' }, value: null },
						},
						{ input: 'cfg', change: 'added', before: null, after: { link: null, value: 7 } },
					],
				},
			],
			inputs: [{ name: 'prompt', change: 'removed', before: {}, after: null }],
			outputs: [],
			texts: [{ field: 'title', before: 'A', after: 'B' }],
			renumbered: {},
		});

		expect(said.map(({ tone, text }) => `${tone}: ${text}`)).toEqual([
			'added: Last added',
			'removed: PreviewImage removed',
			'changed: KSampler is now called Main',
			'changed: steps of Main: 20 → 25',
			'changed: model of Main rewired: x.MODEL → y.MODEL',
			'added: cfg of Main given: 7',
			'removed: Workflow input or output “prompt” removed',
			'changed: Title: A → B',
		]);
	});

	test('nothing for what is the same', () => {
		expect(wordsOf({ same: true, added: [], removed: [], changed: [] })).toEqual([]);
	});
});

describe('names', () => {
	test.each([
		['Text to image', 'Text to image'],
		[' a/b: "c"? ', 'a b c'],
		['..hidden.', 'hidden'],
		['///', ''],
		['x'.repeat(80), 'x'.repeat(60)],
		['Ölgemälde', 'Ölgemälde'],
	])('%j becomes %j', (title, name) => {
		expect(nameFor(title)).toBe(name);
	});
});

describe('what was saved', () => {
	const operations: readonly Operation[] = [1, 2, 3].map((at) => ({ at, key: '', scope: ROOT, changes: [] }));
	const tab = { id: 't', name: null, etag: null, draft: 'd', opened: { doc: before, log: { operations: [], done: 0 }, path: [] } };

	test.each([[null], [operations[1]], [undefined]])('is known again after being kept', (mark) => {
		const opened = { doc: before, log: { operations, done: 3 }, path: [] };
		const kept = keptOf({ ...tab, mark }, opened);
		const again = structuredClone(operations);

		expect(markOf(kept, again)).toEqual(mark);
		expect(markOf(kept, again) === lastEdit({ operations: again, done: 2 })).toBe(mark === operations[1]);
	});

	test('is saved nowhere once the edit that was saved is forgotten', () => {
		const opened = { doc: before, log: { operations: operations.slice(0, 1), done: 1 }, path: [] };

		expect(markOf(keptOf({ ...tab, mark: operations[2]! }, opened), operations)).toBeUndefined();
	});
});
