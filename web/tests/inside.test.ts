import { describe, expect, test } from 'vitest';
import { readDoc } from '../src/graph/document';
import { locate, runIds, together } from '../src/run/inside';
import { IDLE, type NodeRun } from '../src/run/types';
import { KINDS } from './kinds';

const DOC = readDoc(
	{
		lumengraph: 2,
		nodes: { first: { kind: 'subgraph:outer', inputs: {} }, '5:6': { kind: 'Split', inputs: {} } },
		subgraphs: {
			outer: { nodes: { a: { kind: 'Split', inputs: {} }, deep: { kind: 'subgraph:inner', inputs: {} } } },
			inner: { nodes: { b: { kind: 'Split', inputs: {} } } },
		},
	},
	KINDS,
);
const run = (state: NodeRun['state'], more: Partial<NodeRun> = {}): NodeRun => ({ ...IDLE, state, ...more });

describe('a node that runs', () => {
	test('is found at any depth, with the way to it', () => {
		expect(locate(DOC, 'first:deep:b')).toMatchObject({
			node: { id: 'b' },
			path: [
				{ scope: 'outer', instance: 'first' },
				{ scope: 'inner', instance: 'deep' },
			],
		});
		expect(locate(DOC, '5:6')).toMatchObject({ node: { id: '5:6' }, path: [] });
		expect(locate(DOC, 'first:nobody')).toBeNull();
	});

	test('an instance runs by all that is in it', () => {
		expect(runIds(DOC, DOC.root.nodes.first!, 'first')).toEqual(['first:a', 'first:deep:b']);
	});

	test('a definition that contains itself does not hang', () => {
		const { inner, ...others } = DOC.subgraphs;
		const loop = { ...DOC, subgraphs: { ...others, inner: { ...inner!, nodes: DOC.subgraphs.outer!.nodes } } };

		expect(runIds(loop, loop.root.nodes.first!, 'first')).toContain('first:a');
	});
});

describe('several as one', () => {
	test('run while one does, with its progress', () => {
		const seen = together([run('done', { startedAt: 5, endedAt: 9 }), run('running', { value: 2, max: 8, startedAt: 9 })]);

		expect(seen).toMatchObject({ state: 'running', value: 2, max: 8, startedAt: 5 });
	});

	test('are between two nodes still running', () => {
		expect(together([run('done'), run('queued')])).toMatchObject({ state: 'running', value: 1, max: 2 });
	});

	test('are done when all are, cached when all were, and failed when one did', () => {
		expect(together([run('done'), run('cached')]).state).toBe('done');
		expect(together([run('cached'), run('cached')]).state).toBe('cached');
		expect(together([run('done'), run('error'), run('queued')]).state).toBe('error');
		expect(together([run('idle'), run('idle')]).state).toBe('idle');
	});
});
