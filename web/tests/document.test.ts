import { describe, expect, test } from 'vitest';
import { DocumentError, readDoc, readDocument, writeDoc, writeDocument } from '../src/graph/document';
import { isEditorForm, readAny, readJson, readText } from '../src/graph/open';
import type { JsonObject } from '../src/json';
import { writeJson } from '../src/json';
import { KINDS } from './kinds';

const DOCUMENT: JsonObject = {
	lumengraph: 2,
	title: 'Text to image',
	description: 'Words become a picture.',
	requires: { packs: { 'a-pack': '1.0' } },
	inputs: { prompt: { node: 'positive', input: 'text', description: 'what to draw' } },
	outputs: { picture: { node: 'save' } },
	nodes: {
		model: { kind: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
		positive: {
			kind: 'CLIPTextEncode',
			title: 'Prompt',
			inputs: { text: 'a red circle', clip: { node: 'model', output: 'CLIP' } },
			colour: 'red',
		},
		odd: {
			kind: 'Unknown',
			inputs: { box: { value: { node: 'x', output: 'y' } }, list: [1, 2], seed: 18446744073709551615n },
		},
	},
	subgraphs: { twice: { title: 'Twice', nodes: {}, layout: { nodes: {} } } },
	layout: {
		nodes: {
			model: { x: 0, y: 0, width: 260 },
			positive: { x: 340, y: 0, seeds: { seed: 'randomise' } },
			odd: { x: 340, y: 300 },
		},
		groups: { '1': { title: 'All', x: 0, y: 0, width: 700, height: 400 } },
		notes: { '7': { text: 'Read *me*.', x: 0, y: -90 } },
	},
	made_by: { program: 'something else' },
};

describe('native document', () => {
	test('survives a round trip with unknown keys, wrapped objects and huge integers', () => {
		expect(writeDoc(readDoc(DOCUMENT))).toEqual(DOCUMENT);
	});

	test('is written with its keys in a stable order', () => {
		expect(Object.keys(writeDoc(readDoc(DOCUMENT)))).toEqual(Object.keys(DOCUMENT));
		expect(writeJson(writeDoc(readDoc(DOCUMENT)), '\t')).toBe(writeJson(DOCUMENT, '\t'));
	});

	test('tells links, wrapped objects and constants apart', () => {
		const { nodes } = readDocument(DOCUMENT);

		expect(nodes.positive?.inputs.clip).toEqual({ link: { node: 'model', output: 'CLIP' } });
		expect(nodes.odd?.inputs.box).toEqual({ constant: { node: 'x', output: 'y' } });
		expect(nodes.odd?.inputs.list).toEqual({ constant: [1, 2] });
	});

	test('places nodes from left to right when the layout is missing', () => {
		const { layout: _gone, ...bare } = DOCUMENT;
		const { nodes } = readDocument(bare, KINDS);

		expect(nodes.positive!.place.x).toBeGreaterThan(nodes.model!.place.x);
	});

	test('a file of the first version has the places of nodes right in its layout', () => {
		const graph = readDocument({ ...DOCUMENT, lumengraph: 1, layout: { model: { x: 12, y: 34 }, zoom: 2 } }, KINDS);

		expect(graph.nodes.model!.place).toMatchObject({ x: 12, y: 34 });
		expect(writeDocument(graph)).toMatchObject({ lumengraph: 2, layout: { nodes: { model: { x: 12 } }, zoom: 2 } });
	});

	test('places only the nodes that the layout leaves out', () => {
		const { nodes } = readDocument({ ...DOCUMENT, layout: { nodes: { model: { x: 12, y: 34 } } } }, KINDS);

		expect(nodes.model!.place).toMatchObject({ x: 12, y: 34 });
		expect(nodes.positive!.place.y).toBeGreaterThan(34);
	});
});

describe('files that cannot be opened', () => {
	test.each([
		['{', 'not JSON'],
		['[]', 'not a workflow'],
		['{"a": 1}', 'neither'],
		['{"nodes": {}, "links": []}', 'neither'],
		['{"lumengraph": 9, "nodes": {}}', 'newer'],
		['{"lumengraph": 1}', 'no "nodes"'],
		['{"lumengraph": 1, "nodes": {"a": {}}}', '"kind"'],
	])('%s says what it is', (text, message) => {
		expect(() => readText(text, KINDS)).toThrow(DocumentError);
		expect(() => readText(text, KINDS)).toThrow(message);
	});

	test('the editor form of ComfyUI is told apart, for the server to read', () => {
		expect(isEditorForm(readJson('{"nodes": [], "links": []}'))).toBe(true);
		expect(isEditorForm(readJson('{"lumengraph": 1, "nodes": []}'))).toBe(false);
		expect(isEditorForm(readJson('{"nodes": {"class_type": "A"}}'))).toBe(false);
	});

	test('an API prompt opens', () => {
		const { root: graph } = readAny({ '3': { class_type: 'Split', inputs: {} } }, KINDS);

		expect(graph.nodes['3']?.kind).toBe('Split');
	});
});
