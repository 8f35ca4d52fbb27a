import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readAny } from '../src/graph/open';
import { NO_LOG } from '../src/graph/log';
import { editGraph, useGraph } from '../src/graph/store';
import { startChecking } from '../src/run/check';
import { clearProblems, addProblems, useRun } from '../src/run/store';

const problem = (code: string, node: string | null, input: string | null) => ({
	code,
	node,
	input,
	expected: 'LATENT',
	received: 'IMAGE',
});
const doc = readAny({ a: { class_type: 'A', inputs: { x: 1 } } }, new Map());
let asked: string[] = [];
let problems: object[] = [];
let stop = () => {};

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('document', { baseURI: 'http://server/' });
	vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
		asked.push(`${url} ${String(init.body)}`);
		return new Response(JSON.stringify({ problems, sinks: [] }));
	});
	asked = [];
	problems = [];
	clearProblems();
	useGraph.getState().show({ doc, log: NO_LOG, path: [] });
	stop = startChecking();
});

afterEach(() => {
	stop();
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

test('a graph is checked once it has rested, and again only when a run would see the difference', async () => {
	editGraph((now) => ({ ...now, title: 'B' }));
	await vi.advanceTimersByTimeAsync(299);
	expect(asked).toEqual([]);

	await vi.advanceTimersByTimeAsync(1);
	expect(asked).toHaveLength(1);
	expect(asked[0]).toContain('http://server/v1/check {"lumengraph":2');

	editGraph((now) => ({ ...now, title: 'C' }));
	await vi.advanceTimersByTimeAsync(300);
	expect(asked).toHaveLength(1);
});

test('problems are shown at their nodes, but not what is only unfinished', async () => {
	problems = [
		problem('return_type_mismatch', 'a', 'x'),
		problem('required_input_missing', 'a', 'y'),
		problem('prompt_no_outputs', null, null),
	];
	await vi.advanceTimersByTimeAsync(300);

	expect(useRun.getState().problems).toEqual({
		a: [{ source: 'check', message: 'expected LATENT, got IMAGE', details: '', input: 'x' }],
	});
});

test('the next check takes the place of the last one, and leaves alone what a run has told', async () => {
	const told = { source: 'validation', message: 'No.', details: '', input: 'x' } as const;
	addProblems([['a', [told, { ...told, source: 'check', input: 'gone' }]]]);
	problems = [problem('return_type_mismatch', 'a', 'x')];
	await vi.advanceTimersByTimeAsync(300);

	expect(useRun.getState().problems).toEqual({ a: [told] });
});
