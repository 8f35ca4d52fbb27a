import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { JsonObject } from '../src/json';
import { useKinds } from '../src/graph/kinds';
import { beginDownload, endDownload, fileOf, followDownloads, useDownloads } from '../src/opening/downloading';

const MODEL = { name: 'a.safetensors', folder: 'loras', url: 'http://hub/a.safetensors', differs: false, uses: [] };
const OTHER = { ...MODEL, name: 'b.safetensors' };

/** A server of downloads: what it has of them, and what it was asked. */
let downloads: JsonObject[] = [];
let asked: string[] = [];
let away = false;
/** What answers about all of them wait for. */
let gate: Promise<void> = Promise.resolve();

const made = (model: typeof MODEL, state: string, received = 0) => ({
	id: model.name,
	folder: model.folder,
	name: model.name,
	state,
	received,
	total: 200,
	error: '',
});
const states = () => [...useDownloads.getState().files.values()].map(({ name, state, fraction }) => [name, state, fraction]);
const listings = () => asked.filter((request) => request === 'GET /v1/models/downloads').length;

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('document', { baseURI: 'http://server/' });
	vi.stubGlobal('fetch', async (address: string, { method = 'GET' }: RequestInit) => {
		const { pathname } = new URL(address);
		asked.push(`${method} ${pathname}`);
		if (away) {
			throw new TypeError('Failed to fetch');
		}
		if (method === 'POST') {
			downloads = [made(MODEL, pathname.endsWith('/cancel') ? 'cancelled' : 'running')];
			return Response.json(downloads[0]);
		}
		const answer = Response.json(pathname === '/object_info' ? {} : { downloads, hosts: ['hub'] });
		await gate;
		return answer;
	});
	useDownloads.setState({ files: new Map(), hosts: [] });
	downloads = [];
	asked = [];
	away = false;
	gate = Promise.resolve();
});

afterEach(async () => {
	downloads = [];
	await followDownloads();
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

test('a download is followed although nothing shows it, and then what can be chosen is read anew', async () => {
	const kinds = useKinds.getState().server;
	await beginDownload(MODEL);
	downloads = [made(MODEL, 'running', 50)];
	await vi.advanceTimersByTimeAsync(600);

	expect(states()).toEqual([['a.safetensors', 'running', 0.25]]);

	downloads = [made(MODEL, 'done', 200)];
	await vi.advanceTimersByTimeAsync(600);

	expect(states()).toEqual([['a.safetensors', 'done', 1]]);
	expect(asked).toContain('GET /object_info');
	expect(useKinds.getState().server).not.toBe(kinds);

	const before = listings();
	await vi.advanceTimersByTimeAsync(10_000);

	expect(listings()).toBe(before);
});

test('one that another page began is known too, the latest of each file', async () => {
	downloads = [made(MODEL, 'running', 20), made(OTHER, 'done', 200), made(MODEL, 'failed')];
	await followDownloads();

	expect(useDownloads.getState().files.get(fileOf(MODEL))?.state).toBe('running');
	expect(useDownloads.getState().hosts).toEqual(['hub']);
});

test('a server that was away is asked again', async () => {
	await beginDownload(MODEL);
	away = true;
	await vi.advanceTimersByTimeAsync(5000);
	away = false;
	downloads = [made(MODEL, 'running', 100)];
	await vi.advanceTimersByTimeAsync(5000);

	expect(states()).toEqual([['a.safetensors', 'running', 0.5]]);
});

test('one that began while the others were asked for is not lost by their older answer', async () => {
	let open = (): void => undefined;
	gate = new Promise((resolve) => (open = resolve));
	const older = followDownloads();
	await beginDownload(MODEL);
	open();
	await older;

	expect(states()).toEqual([['a.safetensors', 'running', 0]]);
});

test('one that is stopped is asked for no more', async () => {
	await beginDownload(MODEL);
	await endDownload(useDownloads.getState().files.get(fileOf(MODEL))!);
	await vi.advanceTimersByTimeAsync(10_000);

	expect(states()).toEqual([['a.safetensors', 'cancelled', 0]]);
	expect(listings()).toBe(0);
});
