import { beforeEach, describe, expect, test } from 'vitest';
import { docOf, emptyGraph } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { rename } from '../src/graph/edit';
import { editGraph, useGraph } from '../src/graph/store';
import { canvasOf } from '../src/run/inside';
import { applyEvent } from '../src/run/events';
import { droppedPreviews } from '../src/run/pages';
import { useRun } from '../src/run/store';
import { INITIAL_RUN } from '../src/run/types';
import {
	activeTab,
	closeTab,
	hasClosed,
	nextTab,
	openTab,
	rememberClosed,
	reopenTab,
	switchTab,
	useTabs,
} from '../src/tabs/tabs';

const document = (title: string) =>
	docOf(readDocument({ lumengraph: 1, title, nodes: { a: { kind: 'Any', inputs: {} } }, layout: { a: { x: 0, y: 0 } } }));
const title = () => useGraph.getState().graph.title;

beforeEach(() => {
	for (const tab of useTabs.getState().tabs) {
		closeTab(tab.id);
	}
	useRun.setState(INITIAL_RUN);
});

describe('tabs', () => {
	test('an empty one is filled, another document gets its own', () => {
		openTab(document('first'));
		openTab(document('second'));

		expect(useTabs.getState().tabs).toHaveLength(2);
		expect(title()).toBe('second');
	});

	test('each keeps its edits and what can be undone', () => {
		const first = openTab(document('first'));
		editGraph((graph) => rename(graph, 'a', 'Renamed'));
		openTab(document('second'));
		editGraph((graph) => ({ ...graph, title: 'changed' }));
		switchTab(first);

		expect(useGraph.getState().graph.nodes.a?.title).toBe('Renamed');

		useGraph.getState().undo();
		nextTab(1);

		expect(title()).toBe('changed');
	});

	test('closing the last leaves an empty one', () => {
		closeTab(openTab(document('first')));

		expect(useTabs.getState().tabs).toHaveLength(1);
		expect(useGraph.getState().graph.nodes).toEqual(emptyGraph().nodes);
	});

	test('the last ten that were closed open again, and so do those that were closed before a reload', () => {
		rememberClosed([[document('before the reload'), { draft: 'd' }]]);
		const all = Array.from({ length: 10 }, (_, index) => openTab(document(`number ${index}`)));
		all.slice(1).forEach(closeTab);
		reopenTab();

		expect(title()).toBe('number 9');

		for (let left = 0; left < 9; left += 1) {
			reopenTab();
		}

		expect([title(), activeTab().draft, hasClosed()]).toEqual(['before the reload', 'd', false]);

		useTabs.getState().tabs.forEach(({ id }) => closeTab(id));

		expect(useTabs.getState().closed).toHaveLength(10);
	});

	test('a run of a tab in the background writes on its page, not on that of the canvas', () => {
		const first = openTab(document('first'));
		const { session } = useGraph.getState().graph;
		const job = { id: 'job', session, title: 'first', nodes: ['a'], started: true, accepted: true };
		useRun.setState({ jobs: { job }, current: 'job' });
		openTab(document('second'));
		const canvas = canvasOf(useGraph.getState().doc);
		useRun.setState((state) => applyEvent(state, { type: 'executing', promptId: 'job', node: 'a' }, canvas, 5));

		expect(useRun.getState().nodes).toEqual({});

		switchTab(first);

		expect(useRun.getState().nodes.a?.state).toBe('running');
	});

	test('previews are let go of when no tab shows them any more, not when another tab is shown', () => {
		const dropped: string[] = [];
		const stop = useRun.subscribe((state, before) => dropped.push(...droppedPreviews(before, state)));
		const first = openTab(document('first'));
		useRun.setState({ previews: { a: 'blob:1' } });
		useRun.setState({ previews: { a: 'blob:2' } });

		expect(dropped).toEqual(['blob:1']);

		openTab(document('second'));
		switchTab(first);

		expect([dropped, useRun.getState().previews]).toEqual([['blob:1'], { a: 'blob:2' }]);

		openTab(document('third'));
		closeTab(first);
		stop();

		expect(dropped).toEqual(['blob:1', 'blob:2']);
	});
});
