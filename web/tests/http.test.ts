import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fetchQueue, removeFromQueue, ServerError, submitJob } from '../src/api/http';

const answer = (status: number, text: string) => vi.stubGlobal('fetch', async () => new Response(text, { status }));

beforeEach(() => {
	vi.stubGlobal('document', { baseURI: 'http://server/' });
});

afterEach(() => {
	vi.unstubAllGlobals();
});

describe('a refusal', () => {
	test.each([
		['an error with a code', '{"error": {"code": "unknown_host", "message": "Not by this name."}}', 'Not by this name.'],
		['an error that is a text', '{"error": "No such thing."}', 'No such thing.'],
		['an error without words', '{"error": {"code": "x"}}', 'The server answered 403 for /queue.'],
		['another object', '{}', 'The server answered 403 for /queue.'],
		['a page of a proxy', '<html>', 'The server answered 403 for /queue.'],
		['nothing', '', 'The server answered 403 for /queue.'],
	])('of %s', async (_case, text, message) => {
		answer(403, text);

		await expect(removeFromQueue(['p'])).rejects.toEqual(new ServerError(message, 403));
	});

	test('of a job is an answer when it has a reason, and an error when it has none', async () => {
		const submit = () => submitJob({}, { id: 'p', client: 'c' });
		answer(413, '{"error": {"code": "too_large", "message": "At most 100 MB."}}');
		expect(await submit()).toMatchObject({ promptId: null, refusal: { message: 'At most 100 MB.' } });

		answer(502, '<html>');
		await expect(submit()).rejects.toThrow('The server answered 502 for /v1/jobs.');
	});
});

test('an answer that is not JSON is told as such', async () => {
	answer(200, '<html>');

	await expect(fetchQueue()).rejects.toThrow('cannot be read');
});

test('no answer at all has the status 0', async () => {
	vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));

	await expect(fetchQueue()).rejects.toMatchObject({ status: 0, message: 'The server does not answer.' });
});
