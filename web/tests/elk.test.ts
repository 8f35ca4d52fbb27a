import { describe, expect, test } from 'vitest';
import { readDocument } from '../src/graph/document';
import { tidied } from '../src/graph/elk';
import { estimatedSize } from '../src/graph/layout';
import type { Graph } from '../src/graph/types';
import { KINDS } from './kinds';

const GRAPH = readDocument(
	{
		lumengraph: 2,
		nodes: {
			model: { kind: 'CheckpointLoaderSimple', inputs: {} },
			text: { kind: 'CLIPTextEncode', inputs: { clip: { node: 'model', output: 'CLIP' } } },
			latent: { kind: 'EmptyLatentImage', inputs: {} },
			sample: {
				kind: 'KSampler',
				inputs: { positive: { node: 'text', output: 0 }, latent_image: { node: 'latent', output: 0 } },
			},
			lost: { kind: 'Unheard of', inputs: { a: { node: 'sample', output: 'WHAT' } } },
		},
		layout: { nodes: { model: { x: 0, y: 0 }, text: { x: 0, y: 0 }, latent: { x: 0, y: 0 }, sample: { x: 0, y: 0 }, lost: { x: 5, y: 5 } } },
	},
	KINDS,
);

describe('the tidy layout', () => {
	// Loading the kernel alone takes seconds on a busy machine.
	test('has each node right of those it needs, and none on another', { timeout: 60_000 }, async () => {
		const { nodes } = await tidied(GRAPH, KINDS, new Map(), new Set());
		const boxes = Object.values(nodes).map((node) => ({ ...node.place, ...estimatedSize(node, KINDS) }));

		expect(nodes.text!.place.x).toBeGreaterThan(nodes.model!.place.x);
		expect(nodes.sample!.place.x).toBeGreaterThan(nodes.text!.place.x);
		for (const [index, a] of boxes.entries()) {
			for (const b of boxes.slice(index + 1)) {
				expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
			}
		}
	});

	test('leaves alone what was not chosen and what is pinned', async () => {
		const pinned: Graph = {
			...GRAPH,
			nodes: { ...GRAPH.nodes, model: { ...GRAPH.nodes.model!, place: { x: 7, y: 8, pinned: true, extra: {} } } },
		};
		const { nodes } = await tidied(pinned, KINDS, new Map(), new Set(['model', 'text', 'sample']));

		expect(nodes.model!.place).toMatchObject({ x: 7, y: 8 });
		expect(nodes.lost).toBe(pinned.nodes.lost);
	});
});
