import { expect, test } from 'vitest';
import { EDITS, flaw, frozen } from '../src/extensions/edits';
import { runEvents } from '../src/extensions/events';
import { readAny } from '../src/graph/open';
import { useKinds } from '../src/graph/kinds';

const graph = readAny({ a: { class_type: 'A', inputs: { x: 1 } }, b: { class_type: 'B', inputs: {} } }, new Map()).root;

test('edits give another graph and leave the one they were given', () => {
	const frozenGraph = frozen(graph);
	const next = EDITS.move(EDITS.rename(EDITS.set(EDITS.connect(frozenGraph, 'a', 'out', 'b', 'in'), 'a', 'x', 2), 'a', 'A2'), 'b', { x: 7, y: 8 });

	expect(next.nodes.a).toMatchObject({ title: 'A2', inputs: { x: { constant: 2 } } });
	expect(next.nodes.b).toMatchObject({ place: { x: 7, y: 8 }, inputs: { in: { link: { node: 'a', output: 'out' } } } });
	expect(graph.nodes.a?.inputs.x).toEqual({ constant: 1 });
	expect(flaw(next, graph)).toBeNull();
	expect(Object.keys(EDITS.remove(next, ['a']).nodes)).toEqual(['b']);
});

test('edits of what is not there say so', () => {
	useKinds.getState().set(new Map());

	expect(() => EDITS.set(graph, 'c', 'x', 1)).toThrow('no node "c"');
	expect(() => EDITS.add(graph, 'Gone', { x: 0, y: 0 })).toThrow('no kind "Gone"');
});

test.each([
	[undefined, 'it has no "nodes"'],
	[{ nodes: [] }, 'it has no "nodes"'],
	[{ nodes: {} }, '"session" is missing'],
	[{ ...graph, nodes: { ...graph.nodes, c: { id: 'd', kind: 'A' } } }, 'node "c": "id" is not its own'],
	[{ ...graph, nodes: { a: { ...graph.nodes.a, place: {} } } }, '"place" has no x and y'],
	[{ ...graph, nodes: { a: { ...graph.nodes.a, inputs: { x: 5 } } } }, 'input "x" is neither'],
])('what is no graph is told from one: %#', (next, reason) => {
	expect(flaw(next, graph)).toContain(reason);
});

test('a graph that was handed out cannot be changed', () => {
	const given = frozen(structuredClone(graph)) as { nodes: { a?: { title: string } } };

	expect(() => {
		if (given.nodes.a) {
			given.nodes.a.title = 'other';
		}
	}).toThrow(TypeError);
});

test('events of the server in the words of extensions', () => {
	expect(runEvents({ type: 'execution_start', promptId: 'p' })).toEqual([{ type: 'started', job: 'p' }]);
	expect(runEvents({ type: 'progress', promptId: 'p', node: 'a', value: 1, max: 4 })).toEqual([
		{ type: 'progress', job: 'p', node: 'a', done: 1, total: 4 },
	]);
	expect(runEvents({ type: 'execution_interrupted', promptId: 'p', node: 'a' })).toEqual([
		{ type: 'finished', job: 'p', state: 'cancelled' },
	]);
	expect(runEvents({ type: 'status', remaining: 1 })).toEqual([]);
});
