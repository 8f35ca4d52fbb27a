import { beforeEach, expect, test } from 'vitest';
import { readDetail } from '../src/api/jobreader';
import { useGraph } from '../src/graph/store';
import { openGraphOf } from '../src/panels/jobs';
import { useToasts } from '../src/panels/toasts';

beforeEach(() => {
	useToasts.setState({ toasts: [] });
});

test('a job opens as the document that it was made of, or else as what was sent', () => {
	const prompt = { a: { class_type: 'Any', inputs: {} } };
	const lumengraph = { lumengraph: 2, title: 'Made', nodes: {} };

	expect(openGraphOf(readDetail({ prompt, extra: { extra_pnginfo: { lumengraph } } }))).toBe(true);
	expect(useGraph.getState().doc.root.title).toBe('Made');

	expect(openGraphOf(readDetail({ prompt }))).toBe(true);
	expect(Object.keys(useGraph.getState().doc.root.nodes)).toEqual(['a']);
});

test('a job whose graph cannot be read is told as such, and opens nothing', () => {
	const before = useGraph.getState().doc;
	const extra = { extra_pnginfo: { lumengraph: { lumengraph: 999, nodes: {} } } };

	expect(openGraphOf(readDetail({ prompt: {}, extra }))).toBe(false);
	expect(useGraph.getState().doc).toBe(before);
	expect(useToasts.getState().toasts.map(({ tone }) => tone)).toEqual(['error']);
});
