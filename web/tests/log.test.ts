import { describe, expect, test } from 'vitest';
import { docOf, withGraph, type Doc } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import * as edit from '../src/graph/edit';
import { differences, NO_LOG, record, redo, undo } from '../src/graph/log';
import { useGraph } from '../src/graph/store';
import { KINDS } from './kinds';

const GRAPH = readDocument(
	{
		lumengraph: 1,
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: {} },
			text: { kind: 'CLIPTextEncode', inputs: { text: 'x', clip: { node: 'model', output: 'CLIP' } } },
			sample: { kind: 'KSampler', inputs: { seed: 5, positive: { node: 'text', output: 0 } } },
		},
	},
	KINDS,
);
const DOC = docOf(GRAPH, { twice: { ...GRAPH, title: 'Twice' } });
const infoOf = (node: { kind: string }) => KINDS.get(node.kind);
const at = (time: number, key = '', scope = '') => ({ key, scope, at: time });

function edited(doc: Doc, change: (graph: typeof GRAPH) => typeof GRAPH, scope = ''): Doc {
	return withGraph(doc, scope, change(scope === '' ? doc.root : doc.subgraphs[scope]!));
}

describe('the log', () => {
	test('takes an edit back and does it again', () => {
		const changed = edited(DOC, (graph) => edit.rename(graph, 'text', 'Prompt'));
		const log = record(NO_LOG, DOC, changed, at(0));
		const back = undo(log, changed)!;

		expect(back.doc).toEqual(DOC);
		expect(redo(back.log, back.doc)!.doc).toEqual(changed);
		expect(undo(back.log, back.doc)).toBeNull();
	});

	test('holds what changed and nothing else', () => {
		const changed = edited(DOC, (graph) => edit.rename(graph, 'text', 'Prompt'));

		expect(differences(DOC, changed)).toEqual([
			{ of: 'node', scope: '', id: 'text', index: 1, before: GRAPH.nodes.text, after: changed.root.nodes.text },
		]);
	});

	test('brings a deleted node back to its place, with its links', () => {
		const changed = edited(DOC, (graph) => edit.removeNodes(graph, new Set(['text']), infoOf));
		const back = undo(record(NO_LOG, DOC, changed, at(0)), changed)!;

		expect(Object.keys(back.doc.root.nodes)).toEqual(['model', 'text', 'sample']);
		expect(back.doc).toEqual(DOC);
	});

	test('typing into one field is one step, a pause or another field starts a new one', () => {
		const typed = (doc: Doc, text: string) => edited(doc, (graph) => edit.setConstant(graph, 'text', 'text', text));
		const a = typed(DOC, 'a');
		const ab = typed(a, 'ab');
		const first = record(NO_LOG, DOC, a, at(1000, 'text'));
		const joined = record(first, a, ab, at(1500, 'text'));

		expect(joined.operations).toHaveLength(1);
		expect(undo(joined, ab)!.doc).toEqual(DOC);
		expect(record(first, a, ab, at(9000, 'text')).operations).toHaveLength(2);
		expect(record(first, a, ab, at(1500, 'other')).operations).toHaveLength(2);
	});

	test('knows the definitions of subgraphs, and those that come and go', () => {
		const inner = edited(DOC, (graph) => edit.rename(graph, 'sample', 'Inner'), 'twice');
		const { twice: _gone, ...subgraphs } = inner.subgraphs;
		const without = { ...inner, subgraphs };
		const log = record(record(NO_LOG, DOC, inner, at(0, '', 'twice')), inner, without, at(1));
		const back = undo(log, without)!;

		expect(back.doc).toEqual(inner);
		expect(undo(back.log, back.doc)!.doc).toEqual(DOC);
	});

	test('an edit after undoing forgets what was undone', () => {
		const changed = edited(DOC, (graph) => edit.rename(graph, 'text', 'Prompt'));
		const back = undo(record(NO_LOG, DOC, changed, at(0)), changed)!;
		const other = edited(back.doc, (graph) => edit.rename(graph, 'text', 'Words'));
		const log = record(back.log, back.doc, other, at(1));

		expect(redo(log, other)).toBeNull();
		expect(log.operations).toHaveLength(1);
	});

	test('an edit that changes nothing forgets nothing', () => {
		const changed = edited(DOC, (graph) => edit.rename(graph, 'text', 'Prompt'));
		const log = record(NO_LOG, DOC, changed, at(1000, 'text'));
		const back = undo(log, changed)!;

		expect(record(back.log, back.doc, { ...back.doc }, at(1500))).toBe(back.log);
		expect(record(log, changed, { ...changed }, at(1500, 'text'))).toBe(log);
	});

	test('typing back what was there leaves no step', () => {
		const changed = edited(DOC, (graph) => edit.rename(graph, 'text', 'Prompt'));
		const log = record(NO_LOG, DOC, changed, at(1000, 'text'));

		expect(record(log, changed, DOC, at(1500, 'text'))).toEqual(NO_LOG);
	});
});

describe('the store', () => {
	test('undoing inside of a subgraph shows it', () => {
		const { show } = useGraph.getState();
		show({ doc: DOC, log: NO_LOG, path: [{ scope: 'twice', instance: 'a' }] });
		useGraph.getState().edit((graph) => edit.rename(graph, 'text', 'Prompt'));
		useGraph.getState().leave(0);

		expect(useGraph.getState().graph).toBe(DOC.root);

		useGraph.getState().undo();

		expect(useGraph.getState().scope).toBe('twice');
		expect(useGraph.getState().doc).toEqual(DOC);
	});

	test('a definition that goes away leaves the graph above it on the canvas', () => {
		useGraph.getState().show({ doc: DOC, log: NO_LOG, path: [{ scope: 'twice', instance: 'a' }] });
		useGraph.getState().editDoc((doc) => docOf(doc.root));

		expect(useGraph.getState().scope).toBe('');
	});

	test('an edit that changes nothing is none', () => {
		useGraph.getState().show({ doc: DOC, log: NO_LOG, path: [] });
		useGraph.getState().edit((graph) => edit.rename(graph, 'text', 'Prompt'));
		useGraph.getState().undo();
		const before = useGraph.getState();
		useGraph.getState().editDoc(({ root, subgraphs }) => ({ root, subgraphs }));

		expect(useGraph.getState()).toBe(before);
	});
});
