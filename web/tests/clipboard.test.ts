import { describe, expect, test } from 'vitest';
import { copyParts, pasteParts, readClipboard } from '../src/graph/clipboard';
import { docOf, emptyDoc, withGraph } from '../src/graph/doc';
import { readDoc } from '../src/graph/document';
import * as edit from '../src/graph/edit';
import { KINDS } from './kinds';

const DOC = readDoc(
	{
		lumengraph: 2,
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: {} },
			text: { kind: 'CLIPTextEncode', inputs: { text: 'x', clip: { node: 'model', output: 'CLIP' } } },
			sample: { kind: 'KSampler', inputs: { seed: 5, positive: { node: 'text', output: 0 } } },
			packed: { kind: 'subgraph:outer', inputs: {} },
		},
		subgraphs: {
			outer: { nodes: { deep: { kind: 'subgraph:inner', inputs: {} } } },
			inner: { nodes: { latent: { kind: 'EmptyLatentImage', inputs: { width: 64 } } } },
			other: { nodes: {} },
		},
		layout: {
			groups: { frame: { title: 'Frame', x: 0, y: 0, width: 100, height: 100 } },
			notes: { note: { text: 'Note', x: 5, y: 5 } },
			reroutes: {
				a: { x: 10, y: 10, links: [{ node: 'sample', input: 'positive' }] },
				b: { x: 20, y: 10, links: [{ node: 'text', input: 'clip' }] },
			},
		},
	},
	KINDS,
);
const AT = { x: 40, y: 40 };
const copied = (nodes: string[], frames: string[] = [], notes: string[] = []) =>
	readClipboard(copyParts(DOC, '', { nodes: new Set(nodes), frames: new Set(frames), notes: new Set(notes) }), KINDS)!;

describe('clipboard', () => {
	test('copies keep links among themselves and those from outside that still fit', () => {
		const { doc, nodes } = pasteParts(DOC, '', copied(['text', 'sample']), KINDS, AT);

		expect(nodes).toEqual(['text_2', 'sample_2']);
		expect(doc.root.nodes.sample_2?.inputs.positive).toEqual({ link: { node: 'text_2', output: 0 } });
		expect(doc.root.nodes.text_2?.inputs.clip).toEqual({ link: { node: 'model', output: 'CLIP' } });
		expect(doc.root.nodes.text_2?.place.x).toBe(DOC.root.nodes.text!.place.x + 40);
	});

	test('other text is not taken for nodes', () => {
		expect(readClipboard('a red circle', KINDS)).toBeNull();
		expect(readClipboard('{"a": 1}', KINDS)).toBeNull();
	});

	test('frames, notes and the points of links come along', () => {
		const { doc, frames, notes } = pasteParts(DOC, '', copied(['sample', 'text'], ['frame'], ['note']), KINDS, AT);

		expect(frames).toEqual(['frame_2']);
		expect(notes).toEqual(['note_2']);
		expect(doc.root.notes.note_2).toMatchObject({ text: 'Note', x: 45, y: 45 });
		expect(doc.root.reroutes.a_2).toMatchObject({ x: 50, y: 50, links: [{ node: 'sample_2', input: 'positive' }] });
	});

	test('an instance brings its subgraph, and those in that, into another document', () => {
		const { doc, nodes } = pasteParts(emptyDoc(), '', copied(['packed']), KINDS, AT);

		expect(nodes).toEqual(['packed']);
		expect(Object.keys(doc.subgraphs).sort()).toEqual(['inner', 'outer']);
		expect(doc.subgraphs.inner!.nodes.latent!.inputs.width).toEqual({ constant: 64 });
	});

	test('a subgraph that is there already is used, another of its name gets a new one', () => {
		const again = pasteParts(DOC, '', copied(['packed']), KINDS, AT).doc;
		const changed = withGraph(DOC, 'inner', edit.setConstant(DOC.subgraphs.inner!, 'latent', 'width', 128));
		const both = pasteParts(changed, '', copied(['packed']), KINDS, AT).doc;

		expect(Object.keys(again.subgraphs).sort()).toEqual(['inner', 'other', 'outer']);
		expect(both.subgraphs.inner_2!.nodes.latent!.inputs.width).toEqual({ constant: 64 });
		expect(both.root.nodes.packed_2!.kind).toBe('subgraph:outer_2');
		expect(both.subgraphs.outer_2!.nodes.deep!.kind).toBe('subgraph:inner_2');
		expect(both.root.nodes.packed!.kind).toBe('subgraph:outer');
	});

	test('a subgraph is not put into itself', () => {
		const { doc, nodes, refused } = pasteParts(DOC, 'inner', copied(['packed', 'model']), KINDS, AT);

		expect(refused).toBe(1);
		expect(nodes).toEqual(['model']);
		expect(Object.keys(doc.subgraphs.inner!.nodes)).toEqual(['latent', 'model']);
	});

	test('what an instance gave is a constant where there is none', () => {
		const inner = { node: 'x', kind: 'EmptyLatentImage' };
		const doc = docOf(DOC.root, {
			...DOC.subgraphs,
			outer: {
				...DOC.subgraphs.outer!,
				inputs: { width: {} },
				nodes: {
					x: { ...DOC.root.nodes.model!, id: inner.node, kind: inner.kind, inputs: { width: { outer: 'width', kept: 96 } } },
				},
			},
		});
		const text = copyParts(doc, 'outer', { nodes: new Set(['x']) });
		const pasted = pasteParts(DOC, '', readClipboard(text, KINDS)!, KINDS, AT).doc;

		expect(pasted.root.nodes.x!.inputs.width).toEqual({ constant: 96 });
	});
});
