import { expect, test } from 'vitest';
import { readDetail, secondsOf } from '../src/api/jobreader';
import { readLine } from '../src/api/logs';
import { readLoaders } from '../src/api/models';
import { bytesText, percent, secondsText } from '../src/inspect/format';
import { filtered, kindsOf } from '../src/inspect/modelActions';

const input = (name: string, folder: string) => ({ name, widget: { type: 'choice', files_from: `models:${folder}` } });
const model = (kind: string, name: string, family = '') => ({ kind, name, family, size: 1, damage: '' });

test('the plainest loader of a kind of file comes first', () => {
	const loaders = readLoaders([
		{ kind: 'FromAPack', origin: 'custom_nodes.p', inputs: [input('name', 'loras')] },
		{ kind: 'Two', origin: 'nodes', inputs: [input('one', 'loras'), input('two', 'loras')] },
		{ kind: 'Old', origin: 'nodes', deprecated: true, inputs: [input('name', 'loras')] },
		{ kind: 'LoraLoader', origin: 'nodes', inputs: [{ name: 'model', widget: null }, input('lora_name', 'loras')] },
		{ kind: 'Picture', origin: 'nodes', inputs: [{ name: 'image', widget: { files_from: 'input' } }] },
	]);

	expect(loaders.get('loras')?.map(({ kind }) => kind)).toEqual(['LoraLoader', 'Two', 'FromAPack', 'Old']);
	expect(loaders.get('loras')?.[0]?.input).toBe('lora_name');
	expect(loaders.size).toBe(1);
});

test('models are found by words in any order, in name or family', () => {
	const models = [model('loras', 'night demo.safetensors'), model('vae', 'a.pt', 'sdxl'), model('loras', 'b.pt')];

	expect(filtered(models, '', 'DEMO night').map(({ name }) => name)).toEqual(['night demo.safetensors']);
	expect(filtered(models, '', 'sdxl')).toHaveLength(1);
	expect(filtered(models, 'loras', '')).toHaveLength(2);
	expect(kindsOf(models)).toEqual([['loras', 2], ['vae', 1]]);
});

test('figures have units', () => {
	expect(bytesText(999)).toBe('999 byte');
	expect(bytesText(6_310_326)).toBe('6.31 MB');
	expect(bytesText(20 * 1e12)).toBe('20 TB');
	expect([0.0061, 2.96, 12.34, 75].map(secondsText)).toEqual(['0.006 s', '2.96 s', '12.3 s', '1:15 min']);
	expect([percent(1, 3), percent(5, 0), percent(7, 3)]).toEqual([33, 0, 100]);
});

test('a level that nobody knows counts as information, and a critical line as an error', () => {
	const line = (level: string) => readLine({ number: 3, line: { at: 2, level, text: 'x' } });

	expect([line('NOTICE').level, line('CRITICAL').level, line('DEBUG').level]).toEqual(['INFO', 'ERROR', 'DEBUG']);
	expect(line('INFO')).toMatchObject({ number: 3, at: 2000, text: 'x', job: '' });
});

test('a job is read with its document, failure and record', () => {
	const job = readDetail({
		id: 'j',
		title: 'T',
		state: 'failed',
		created: 2,
		started: null,
		extra: { extra_pnginfo: { lumengraph: { title: 'T' } } },
		failure: { message: 'm', exception_type: 'E', node: 'n', traceback: ['a\n', 'b'] },
		record: { program: '1', libraries: { torch: '2' }, device: 'cpu', models: [{ folder: 'f', name: 'x', digest: 'd' }] },
	});

	expect(job).toMatchObject({ title: 'T', created: 2000, started: null, failure: { traceback: 'a\nb', node: 'n' } });
	expect(job.document).toEqual({ title: 'T' });
	expect(secondsOf(job)).toBeNull();
	expect(secondsOf({ ...job, started: 2000, finished: 5000 })).toBe(3);
	expect(job.record?.versions).toContainEqual(['torch', '2']);
	expect(job.record?.files).toEqual([{ folder: 'f', name: 'x', digest: 'd' }]);
});
