import { describe, expect, test } from 'vitest';
import { readProblems } from '../src/api/answers';
import { readFrame, readPreview } from '../src/api/messages';
import { runningWords } from '../src/run/words';
import { applyEvent } from '../src/run/events';
import { INITIAL_RUN, type RunState } from '../src/run/types';

const SESSION = 1;
const NODES = { a: {}, b: {}, c: {} };
const JOB = { id: 'p', session: SESSION, title: 'T', nodes: ['a', 'b', 'c'], started: false, accepted: true };
const QUEUED: RunState = { ...INITIAL_RUN, jobs: { p: JOB } };

function play(state: RunState, session: number, ...frames: [string, object][]): RunState {
	return frames.reduce((next, [type, data]) => {
		const event = readFrame(JSON.stringify({ type, data: { prompt_id: 'p', ...data } }));
		return event === null ? next : applyEvent(next, event, { session, has: (id) => Object.hasOwn(NODES, id) }, 1000);
	}, state);
}

const states = (state: RunState) =>
	Object.fromEntries(Object.entries(state.nodes).map(([id, node]) => [id, node.state]));

describe('a run', () => {
	const running = play(
		QUEUED,
		SESSION,
		['execution_start', {}],
		['execution_cached', { nodes: ['a'] }],
		['executing', { node: 'b' }],
		['progress', { node: 'b', value: 3, max: 20 }],
	);

	test('marks nodes as cached, running with their step, and queued', () => {
		expect(states(running)).toEqual({ a: 'cached', b: 'running', c: 'queued' });
		expect(running.nodes.b).toMatchObject({ value: 3, max: 20 });
	});

	test('nodes run side by side, and each ends by its own progress', () => {
		const both = play(running, SESSION, ['executing', { node: 'c' }]);
		const finished = { b: { value: 20, max: 20, state: 'finished', display_node_id: 'b' } };

		expect(states(both)).toEqual({ a: 'cached', b: 'running', c: 'running' });
		expect(states(play(both, SESSION, ['progress_state', { nodes: finished }]))).toEqual({
			a: 'cached',
			b: 'done',
			c: 'running',
		});
	});

	test('the progress of a node that is not on the canvas marks nothing', () => {
		expect(states(play(running, SESSION, ['progress', { node: 'b.0.1', value: 1, max: 2 }]))).toEqual(states(running));
	});

	test('tells how far the whole job is, until it ends', () => {
		const half = play(running, SESSION, ['job_progress', { fraction: 0.5, seconds_left: 12.2 }]);

		expect(half.progress).toEqual({ fraction: 0.5, secondsLeft: 12.2 });
		expect(runningWords(half.progress)).toBe('running, 50 %, 13 s left');
		expect(runningWords({ fraction: 0.999, secondsLeft: 300 })).toBe('running, 99 %, 5 min left');
		expect(play(half, SESSION, ['execution_success', {}], ['executing', { node: null }]).progress).toBeNull();
	});

	test('success leaves no node waiting and no job behind', () => {
		const done = play(running, SESSION, ['execution_success', {}], ['executing', { node: null }]);

		expect(states(done)).toEqual({ a: 'cached', b: 'done', c: 'idle' });
		expect(done.jobs).toEqual({});
		expect(done.current).toBeNull();
	});

	test('an error marks its node and says why', () => {
		const failed = play(running, SESSION, [
			'execution_error',
			{ node_id: 'b', exception_message: 'no room\n', exception_type: 'X' },
		]);

		expect(states(failed)).toEqual({ a: 'cached', b: 'error', c: 'idle' });
		expect(failed.problems.b?.[0]).toMatchObject({ message: 'no room', source: 'execution' });
	});

	test.each([
		['no node at all', ''],
		['a node that was deleted meanwhile', 'gone'],
	])('an error of %s is told as one of the job', (_case, node_id) => {
		const failed = play(running, SESSION, [
			'execution_error',
			{ node_id, exception_message: 'The worker was killed.\n', exception_type: 'WorkerLost' },
		]);

		expect(failed.failure).toEqual({ message: 'The job failed', details: 'The worker was killed.' });
		expect(failed.problems).toEqual({});
		expect(states(failed)).toEqual({ a: 'cached', b: 'idle', c: 'idle' });
		expect(failed.jobs).toEqual({});
	});

	test('an error without a node, read from a null', () => {
		const failed = play(running, SESSION, ['execution_error', { node_id: null, exception_type: 'WorkerLost' }]);

		expect(failed.failure).toEqual({ message: 'The job failed', details: 'WorkerLost' });
	});

	test('a blocked branch does not end the job', () => {
		const blocked = play(running, SESSION, [
			'execution_error',
			{ node_id: 'c', exception_type: 'ExecutionBlocked', exception_message: 'no' },
		]);

		expect(blocked.jobs.p).toBeDefined();
		expect(states(blocked)).toMatchObject({ b: 'running', c: 'error' });
	});

	test('pictures go to their node and, newest first, to the results', () => {
		const picture = (filename: string) => ({
			node: 'c',
			output: { images: [{ filename, subfolder: '', type: 'output' }] },
		});
		const done = play(
			running,
			SESSION,
			['executed', picture('1.png')],
			['executed', picture('2.png')],
			['executed', picture('1.png')],
		);

		expect(done.results.c?.pictures[0]?.filename).toBe('1.png');
		expect(done.shots.map((shot) => shot.picture.filename)).toEqual(['2.png', '1.png']);
	});

	test('a job of another graph fills the results but leaves the nodes alone', () => {
		const other = play(
			QUEUED,
			2,
			['execution_start', {}],
			['executing', { node: 'b' }],
			['executed', { node: 'b', output: { images: [{ filename: 'x' }] } }],
		);

		expect(other.nodes).toEqual({});
		expect(other.results).toEqual({});
		expect(other.shots).toHaveLength(1);
	});

	test('progress_state ends nodes too, and does not repaint what did not move', () => {
		const entry = { value: 3, max: 20, state: 'running' };
		const same = play(running, SESSION, ['progress_state', { nodes: { b: entry } }]);

		expect(same.nodes).toBe(running.nodes);
		expect(
			states(play(running, SESSION, ['progress_state', { nodes: { b: { ...entry, state: 'finished' } } }])).b,
		).toBe('done');
	});

	test('a node that has its results without being called is done, and stays so', () => {
		const entry = { value: 1, max: 1, state: 'finished' };
		const told = play(
			running,
			SESSION,
			['executed', { node: 'c', output: null }],
			['progress_state', { nodes: { a: entry, b: { ...entry, state: 'running' }, c: entry } }],
		);
		const done = play(told, SESSION, ['execution_success', {}]);

		expect(states(told)).toEqual({ a: 'cached', b: 'running', c: 'done' });
		expect(states(done)).toEqual({ a: 'cached', b: 'done', c: 'done' });
		expect(done.nodes.c?.startedAt).toBe(0);
	});

	test('frames of unknown types are passed over', () => {
		expect(readFrame('{"type": "crystools.monitor", "data": {}}')).toBeNull();
	});
});

describe('binary frames', () => {
	test('a preview with metadata knows its node', () => {
		const about = new TextEncoder().encode('{"node_id": "b", "prompt_id": "p", "image_type": "image/png"}');
		const frame = new Uint8Array(8 + about.length + 3);
		new DataView(frame.buffer).setUint32(0, 4);
		new DataView(frame.buffer).setUint32(4, about.length);
		frame.set(about, 8);

		expect(readPreview(frame.buffer)).toMatchObject({
			node: 'b',
			promptId: 'p',
			image: { type: 'image/png', size: 3 },
		});
	});

	test('text frames and stumps are passed over', () => {
		expect(readPreview(new ArrayBuffer(4))).toBeNull();
		expect(readPreview(new Uint8Array([0, 0, 0, 3, 0, 0, 0, 0]).buffer)).toBeNull();
	});
});

test('node errors name their input', () => {
	const problems = readProblems({
		code: 'invalid_graph',
		details: [{ code: 'c', node: '3', input: 'steps', sentence: 'Too few.' }, { place: 'x' }],
	});

	expect(problems.get('3')).toEqual([{ type: 'c', message: 'Too few.', details: '', input: 'steps' }]);
	expect(problems.size).toBe(1);
});
