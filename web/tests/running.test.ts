import { describe, expect, test } from 'vitest';
import { readDifference } from '../src/api/difference';
import { readPreflight } from '../src/api/preflight';
import { fitted, panned, zoomedAt } from '../src/panels/zoom';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { branchTargets } from '../src/run/branch';
import { applyEvent } from '../src/run/events';
import { factsOf } from '../src/run/facts';
import { combinations, formInputs, sweepComplaint, sweepValues } from '../src/run/form';
import { groupShots, selectShots } from '../src/run/shots';
import { INITIAL_RUN, type Shot } from '../src/run/types';
import type { InputInfo } from '../src/graph/types';
import { KINDS } from './kinds';

const input = (type: string): InputInfo => ({ name: 'x', type, required: true, options: {}, choices: null, tooltip: '' });
const shot = (key: string, version: string, at: number): Shot => ({
	key,
	version,
	at,
	title: version,
	own: true,
	picture: { filename: key, subfolder: '', type: 'output' },
});

describe('the viewer', () => {
	const picture = { width: 200, height: 100 };
	const stage = { width: 400, height: 400 };

	test('shows all of a picture, and small ones not too large', () => {
		expect(fitted(picture, stage)).toEqual({ scale: 2, x: 0, y: 0 });
		expect(fitted({ width: 1, height: 1 }, stage).scale).toBe(8);
	});

	test('keeps what is under the pointer there', () => {
		const zoom = zoomedAt({ scale: 1, x: 10, y: 0 }, 2, { x: 50, y: 20 });

		expect(zoom).toEqual({ scale: 2, x: -30, y: -20 });
	});

	test('never loses the picture', () => {
		const moved = panned({ scale: 1, x: 0, y: 0 }, { x: 9999, y: -9999 }, picture, stage);

		expect(moved).toEqual({ scale: 1, x: 260, y: -210 });
	});
});

describe('the gallery', () => {
	test('groups pictures by job, the newest first', () => {
		const groups = groupShots([shot('c', 'two', 3), shot('a', 'one', 1), shot('d', 'two', 4)]);

		expect(groups.map(({ version, at, shots }) => [version, at, shots.length])).toEqual([
			['two', 4, 2],
			['one', 1, 1],
		]);
	});

	test('selects one by one, and a range in either direction', () => {
		const all = ['a', 'b', 'c', 'd'];

		expect([...selectShots(all, new Set(['a']), 'a', 'a', 'toggle')]).toEqual([]);
		expect([...selectShots(all, new Set(['d']), 'd', 'b', 'range')].sort()).toEqual(['b', 'c', 'd']);
	});
});

describe('facts of a job', () => {
	test('are seeds, prompts and models', () => {
		const facts = factsOf({
			prompt: {
				a: { inputs: { seed: 2n ** 60n, text: 'long words', ckpt_name: 'm.safetensors', model: ['b', 0] } },
				b: { inputs: { text: 'few', seed: ['a', 0] } },
			},
		});

		expect(facts).toEqual({
			seeds: ['1152921504606846976'],
			texts: ['long words', 'few'],
			models: ['m.safetensors'],
		});
	});
});

describe('the form', () => {
	test('says what an input takes, by its name', () => {
		const complaint = (type: string): string =>
			sweepComplaint({ name: 'x', label: 'Width', description: '', info: input(type), value: undefined });

		expect(complaint('INT')).toMatch(/^“Width” takes whole numbers/);
		expect(complaint('FLOAT')).toMatch(/^“Width” takes numbers/);
		expect(complaint('BOOLEAN')).toBe('“Width” takes true and false.');
		expect(complaint('STRING')).toBe('“Width” needs at least one value.');
	});

	test('reads lists and ranges, and refuses what is none', () => {
		expect(sweepValues('1, 2,3', input('INT'))).toEqual([1, 2, 3]);
		expect(sweepValues('0.5..1 / 3', input('FLOAT'))).toEqual({ from: 0.5, to: 1, steps: 3 });
		expect(sweepValues('1, two', input('INT'))).toBeNull();
		expect(sweepValues('  ', input('INT'))).toBeNull();
		expect(sweepValues('a, red one\na blue one', input('STRING'))).toEqual(['a, red one', 'a blue one']);
		expect(sweepValues('True, 0', input('BOOLEAN'))).toEqual([true, false]);
		expect(sweepValues('true, maybe', input('BOOLEAN'))).toBeNull();
		expect(combinations({ a: [1, 2], b: { from: 0, to: 1, steps: 3 } })).toBe(6);
	});

	const graph = readDocument(
		{
			lumengraph: 2,
			inputs: { size: { node: 'latent', input: 'width' }, gone: { node: 'no', input: 'such' } },
			nodes: {
				latent: { kind: 'EmptyLatentImage', inputs: { width: 64 } },
				sample: { kind: 'KSampler', inputs: { latent_image: { node: 'latent', output: 0 } } },
				decode: { kind: 'VAEDecode', inputs: { samples: { node: 'sample', output: 0 } } },
				save: { kind: 'SaveImage', inputs: { images: { node: 'decode', output: 0 } } },
				alone: { kind: 'SaveImage', inputs: {} },
			},
		},
		KINDS,
	);

	test('has the named inputs whose nodes are there, with their values', () => {
		expect(formInputs(docOf(graph), KINDS).map(({ name, value }) => [name, value])).toEqual([['size', 64]]);
	});

	test('a branch ends with what shows it', () => {
		expect(branchTargets(docOf(graph), [], ['latent', 'decode'], KINDS)).toEqual(['save']);
		expect(branchTargets(docOf(graph), [], ['alone'], KINDS)).toEqual(['alone']);
	});
});

describe('a model that is loaded', () => {
	const job = { id: 'j', session: 1, title: '', nodes: ['a'], started: true, accepted: true };
	const state = { ...INITIAL_RUN, jobs: { j: job }, current: 'j' };
	const canvas = { session: 1, has: () => true };
	const loading = { type: 'model_loading', promptId: 'j', node: 'a', model: 'm', phase: 'loading_model', fraction: 0.4 } as const;

	test('is told at its node until it is there', () => {
		const during = applyEvent(state, { ...loading, loading: true }, canvas, 0);
		const after = applyEvent(during, { ...loading, loading: false }, canvas, 0);

		expect(during.loads).toEqual({ a: { model: 'm', phase: 'loading_model', fraction: 0.4 } });
		expect(after.loads).toEqual({});
	});

	test('is forgotten with its job', () => {
		const during = applyEvent(state, { ...loading, loading: true }, canvas, 0);

		expect(applyEvent(during, { type: 'execution_interrupted', promptId: 'j', node: 'a' }, canvas, 0).loads).toEqual({});
	});
});

describe('what the server foretells', () => {
	test('is counted', () => {
		const told = readPreflight({
			outlook: { cached: ['a'], pending: ['b', 'c'], seconds: 2.5, untimed: ['c'] },
			memory: { place: 'cpu', peak: 5, budget: 4, nodes: [{ plan: 'refused' }] },
			models: [{ name: 'm' }],
			missing: [{ kind: 'Odd' }],
		});

		expect(told).toEqual({
			outlook: { cached: 1, pending: 2, seconds: 2.5, untimed: 1 },
			memory: { place: 'cpu', peak: 5, budget: 4, refused: true },
			models: ['m'],
			kinds: ['Odd'],
		});
	});

	test('a difference says what an input was given', () => {
		const told = readDifference({
			same: false,
			changed: [
				{
					after: { node: 'a', kind: 'K', title: '' },
					before: { node: 'a', kind: 'J', title: '' },
					inputs: [
						{ input: 'x', change: 'rewired', before: { value: 1 }, after: { link: { node: 'b', output: 'IMAGE' } } },
						{ input: 'y', change: 'added', before: null, after: { link: null, value: { node: 'c', output: 0 } } },
					],
				},
			],
			inputs: [{ name: 'size', change: 'removed' }],
			texts: [{ field: 'title', before: 'A', after: 'B' }],
		});

		expect(told.changed).toEqual([
			{
				before: { node: 'a', title: '', kind: 'J' },
				after: { node: 'a', title: '', kind: 'K' },
				inputs: [
					{ input: 'x', change: 'rewired', before: '1', after: 'b.IMAGE' },
					{ input: 'y', change: 'added', before: null, after: 'c.0' },
				],
			},
		]);
		expect(told.named).toEqual([{ name: 'size', change: 'removed' }]);
		expect(told.texts).toEqual([{ field: 'title', before: 'A', after: 'B' }]);
	});
});
