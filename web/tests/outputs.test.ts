import { expect, test } from 'vitest';
import { guessedOutputs, linkSource } from '../src/canvas/outputs';
import { readDocument } from '../src/graph/document';
import { disconnect } from '../src/graph/edit';
import { NO_KINDS } from '../src/graph/types';

const reads = (output: string | number) => ({ kind: 'Reader', inputs: { x: { node: 'odd', output } } });
const GRAPH = readDocument({
	lumengraph: 2,
	nodes: { odd: { kind: 'Odd', inputs: {} }, a: reads('MODEL'), b: reads(1), c: reads('MODEL') },
});

test('a node of an unknown kind has the outputs that others read from it', () => {
	expect(guessedOutputs(GRAPH, 'odd').map(({ index, name }) => [index, name])).toEqual([
		[0, '1'],
		[1, 'MODEL'],
	]);
	expect(guessedOutputs(GRAPH, 'a')).toEqual([]);
	expect(linkSource(GRAPH, NO_KINDS, { node: 'odd', output: 'MODEL' })?.index).toBe(1);
	expect(linkSource(GRAPH, NO_KINDS, { node: 'odd', output: 'VAE' })).toBeNull();
});

test('they are those of the graph as it is after an edit', () => {
	const cut = disconnect(GRAPH, 'b', 'x', undefined);

	expect(guessedOutputs(cut, 'odd').map(({ name }) => name)).toEqual(['MODEL']);
});

test('many links from unknown kinds look through the nodes once', () => {
	let looked = 0;
	const nodes = new Proxy(GRAPH.nodes, {
		ownKeys: (target) => {
			looked += 1;
			return Reflect.ownKeys(target);
		},
	});
	for (let link = 0; link < 50; link += 1) {
		linkSource({ ...GRAPH, nodes }, NO_KINDS, { node: 'odd', output: 'MODEL' });
	}

	expect(looked).toBe(1);
});
