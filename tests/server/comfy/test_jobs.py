"""/api/jobs: what the official front end lists, shows and cancels."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server.app import build_app
from server.store import writer
from tests.server.client import Api, Graph, call, saving, shade, slow

STATUSES = ('pending', 'in_progress', 'completed', 'failed', 'cancelled')


def failing() -> Graph:
	"""A graph whose second node raises."""
	return {
		'1': shade(),
		'2': call('Save', paper=['1', 0]),
		'3': call('Fail', paper=['1', 0], text='it broke'),
		'4': call('Save', paper=['3', 0]),
	}


async def one_of_each(api: Api) -> dict[str, str]:
	"""Status → a job that has it."""
	completed = await api.submit(saving())
	failed = await api.submit(failing())
	await api.ended(failed)
	cancelled = await api.submit(slow())
	await api.running(cancelled)
	await api.post('/interrupt', {'prompt_id': cancelled})
	await api.ended(cancelled)
	running = await api.submit(slow())
	await api.running(running)
	pending = await api.submit(saving())
	return dict(zip(STATUSES, (pending, running, completed, failed, cancelled), strict=True))


async def listed(api: Api, **query: str | int) -> list[dict[str, Any]]:
	"""The jobs of a list."""
	jobs: list[dict[str, Any]] = (await api.json('/api/jobs', **query))['jobs']
	return jobs


async def ids(api: Api, **query: str | int) -> list[str]:
	"""Their ids."""
	return [job['id'] for job in await listed(api, **query)]


async def ended(api: Api, count: int) -> list[str]:
	"""Jobs that have succeeded, oldest first."""
	jobs = [await api.submit({'1': shade(), '2': call('Show', paper=['1', 0])}) for _ in range(count)]
	for job in jobs:
		await api.ended(job)
	return jobs


class TestList:
	"""GET /api/jobs."""

	async def test_all_states(self, api: Api) -> None:
		"""Jobs in every state are listed, newest first, each with what clients count on."""
		jobs = await one_of_each(api)
		found = await listed(api)
		now = time.time() * 1000

		assert [(job['id'], job['status']) for job in found] == [
			(jobs[status], status) for status in ('pending', 'in_progress', 'cancelled', 'failed', 'completed')
		]
		for job in found:
			assert isinstance(job['create_time'], int)
			assert now - 600_000 < job['create_time'] <= now
			assert isinstance(job['priority'], int)
			assert None not in job.values()

	@pytest.mark.parametrize('path', ['/jobs', '/api/jobs'])
	async def test_empty(self, api: Api, path: str) -> None:
		"""No jobs are a list too; a limit that was not given is null."""
		assert await api.json(path) == {
			'jobs': [],
			'pagination': {'offset': 0, 'limit': None, 'total': 0, 'has_more': False},
		}

	async def test_status(self, api: Api) -> None:
		"""One, or several with commas; spaces and empty ones do not matter; the total is of those."""
		jobs = await one_of_each(api)

		for status in STATUSES:
			assert await ids(api, status=status) == [jobs[status]]
		assert await ids(api, status='in_progress,pending') == [jobs['pending'], jobs['in_progress']]
		assert len(await ids(api, status=' completed , failed ,')) == 2
		assert len(await ids(api, status=',')) == 5
		page = await api.json('/api/jobs', status='completed,failed,cancelled', limit=2)
		assert page['pagination'] == {'offset': 0, 'limit': 2, 'total': 3, 'has_more': True}

	@pytest.mark.parametrize(
		('query', 'word'),
		[
			({'status': 'done'}, "'done'"),
			({'status': 'completed,Failed'}, "'Failed'"),
			({'sort_by': 'name'}, "'name'"),
			({'sort_order': 'up'}, "'up'"),
			({'limit': '0'}, 'limit'),
			({'limit': '-1'}, 'limit'),
			({'limit': 'ten'}, 'limit'),
			({'limit': ''}, 'limit'),
			({'limit': '1.5'}, 'limit'),
			({'limit': '9' * 5000}, 'limit'),
			({'offset': 'x'}, 'offset'),
		],
	)
	async def test_bad_queries(self, api: Api, query: dict[str, str], word: str) -> None:
		"""400 with a sentence that says which word is wrong."""
		response = await api.get('/api/jobs', **query)
		body = await response.json()

		assert response.status == 400
		assert body.keys() == {'error'}
		assert word in body['error']

	async def test_window(self, api: Api) -> None:
		"""Limit and offset; negative offsets are 0, those past the end find nothing, however large."""
		jobs = (await ended(api, 3))[::-1]
		pages = [await api.json('/api/jobs', limit=2, offset=offset) for offset in (0, 1, 2, 3, -1)]

		assert [[job['id'] for job in page['jobs']] for page in pages] == [
			jobs[:2],
			jobs[1:],
			jobs[2:],
			[],
			jobs[:2],
		]
		assert [page['pagination']['has_more'] for page in pages] == [True, False, False, False, True]
		assert [page['pagination']['offset'] for page in pages] == [0, 1, 2, 3, 0]
		assert {page['pagination']['total'] for page in pages} == {3}
		assert await ids(api, limit=2**70) == jobs
		assert await ids(api, limit=1, offset=2**70) == []
		assert await ids(api, limit=1, offset=-(2**70)) == jobs[:1]

	async def test_by_time(self, api: Api) -> None:
		"""Oldest first, if that is wanted; unknown parameters do not matter."""
		jobs = await ended(api, 3)

		assert await ids(api, sort_by='created_at', sort_order='asc', rand=1) == jobs
		assert await ids(api, sort_by='created_at', sort_order='desc') == jobs[::-1]
		assert await ids(api, sort_by='', sort_order='') == jobs[::-1]

	async def test_by_duration(self, api: Api) -> None:
		"""The longest first, or the shortest."""
		jobs = [await api.submit({'1': call('Slow', seconds=seconds)}) for seconds in (0.2, 0.0, 0.4)]
		for job in jobs:
			await api.ended(job)

		assert await ids(api, sort_by='execution_duration') == [jobs[2], jobs[0], jobs[1]]
		assert await ids(api, sort_by='execution_duration', sort_order='asc') == [jobs[1], jobs[0], jobs[2]]

	async def test_of_a_workflow(self, api: Api) -> None:
		"""As the extra data name it."""
		job = await api.submit(saving(), extra_data={'extra_pnginfo': {'workflow': {'id': 'w'}}})
		await api.ended(await api.submit(saving(), extra_data={'extra_pnginfo': {'workflow': {'id': 'v'}}}))
		await api.ended(await api.submit(saving()))

		assert [(item['id'], item['workflow_id']) for item in await listed(api, workflow_id='w')] == [(job, 'w')]
		assert 'workflow_id' not in (await listed(api))[0]
		assert len(await ids(api, workflow_id='')) == 3

	async def test_after_forgetting(self, api: Api) -> None:
		"""What the history forgets is not listed."""
		jobs = await ended(api, 2)
		await api.post('/history', {'delete': [jobs[0]]})

		assert await ids(api) == [jobs[1]]

	async def test_dropped_jobs(self, api: Api) -> None:
		"""A job that was cancelled while it waited is listed as cancelled, and has no beginning."""
		running, dropped = await api.submit(slow()), await api.submit(saving())
		await api.running(running)
		await api.post('/queue', {'delete': [dropped]})
		[job] = await listed(api, status='cancelled')

		assert job['id'] == dropped
		assert 'execution_start_time' not in job
		assert 'execution_end_time' in job


class TestItem:
	"""What an item of the list tells."""

	async def test_completed(self, api: Api) -> None:
		"""Times, counts, and a saved picture to show."""
		graph = {**saving(), '3': call('Look', paper=['1', 0]), '4': call('Show', paper=['3', 0])}
		job = await api.submit(graph)
		picture = (await api.ended(job))['outputs']['2']['images'][0]
		[item] = await listed(api)

		assert item.keys() == {
			'id',
			'status',
			'priority',
			'create_time',
			'execution_start_time',
			'execution_end_time',
			'outputs_count',
			'previewable_outputs_count',
			'preview_output',
		}
		assert item['create_time'] <= item['execution_start_time'] <= item['execution_end_time']
		assert (item['outputs_count'], item['previewable_outputs_count']) == (1, 1)
		assert item['preview_output'] == {**picture, 'nodeId': '2', 'mediaType': 'images'}

	async def test_text(self, api: Api) -> None:
		"""Where there is nothing to see, a text stands for the job."""
		await api.ended(
			await api.submit({'1': shade(7), '2': call('Look', paper=['1', 0]), '3': call('Show', paper=['2', 0])})
		)
		[item] = await listed(api)

		assert item['outputs_count'] == 0
		assert item['preview_output'] == {'nodeId': '2', 'mediaType': 'text', 'content': 'shade 7'}

	async def test_failed(self, api: Api) -> None:
		"""With the message that the history has, and the outputs that were made before."""
		entry = await api.ended(await api.submit(failing()))
		[item] = await listed(api)
		error = item['execution_error']

		assert item['status'] == 'failed'
		assert error == entry['status']['messages'][-1][1]
		assert (error['node_id'], error['node_type'], error['exception_type']) == ('3', 'Fail', 'RuntimeError')
		assert 'it broke' in error['exception_message']
		assert all(isinstance(line, str) for line in error['traceback'])

	async def test_failed_within_an_expansion(self, api: Api) -> None:
		"""The node that was submitted is named."""
		await api.ended(
			await api.submit(
				{
					'1': shade(),
					'2': call('Twice', paper=['1', 0], fails=True),
					'3': call('Show', paper=['2', 0]),
				}
			)
		)
		[item] = await listed(api)

		assert (item['execution_error']['node_id'], item['execution_error']['node_type']) == ('2', 'Twice')

	async def test_interrupted(self, api: Api) -> None:
		"""Is cancelled, and no failure."""
		job = await api.submit(slow())
		await api.running(job)
		await api.post('/interrupt', {})
		await api.ended(job)
		[item] = await listed(api)

		assert item['status'] == 'cancelled'
		assert 'execution_error' not in item

	@pytest.mark.parametrize('number', [7, -3, 2.5, 1e300])
	async def test_priority(self, api: Api, number: float) -> None:
		"""Is the number in the queue, whether the job waits or is over."""
		first = await api.submit(slow())
		await api.running(first)
		job = await api.submit(saving(), number=number)
		waiting = await api.json(f'/api/jobs/{job}')
		await api.post('/interrupt', {})
		await api.ended(job)

		assert waiting['priority'] == number
		assert [item['priority'] for item in await listed(api) if item['id'] == job] == [number]


class TestShow:
	"""GET /api/jobs/{id}."""

	async def test_completed(self, api: Api) -> None:
		"""The item with graph, extra data, outputs and messages, as history and list have them."""
		graph = saving()
		extra = {'extra_pnginfo': {'workflow': {'id': 'w', 'nodes': []}}}
		job = await api.submit(graph, client_id='me', extra_data=extra)
		entry = await api.ended(job)
		found = await api.json(f'/api/jobs/{job}')
		[item] = await listed(api)

		assert {name: found[name] for name in item} == item
		assert found['workflow']['prompt'] == graph
		assert found['workflow']['extra_data']['extra_pnginfo'] == extra['extra_pnginfo']
		assert found['workflow']['extra_data']['client_id'] == 'me'
		assert (found['outputs'], found['execution_status']) == (entry['outputs'], entry['status'])
		assert found.keys() == {*item, 'workflow', 'outputs', 'execution_status'}

	async def test_in_every_state(self, api: Api) -> None:
		"""What has not ended has no outputs yet."""
		jobs = await one_of_each(api)
		found = {status: await api.json(f'/api/jobs/{job}') for status, job in jobs.items()}

		assert {status: job['status'] for status, job in found.items()} == {status: status for status in STATUSES}
		assert [status for status, job in found.items() if 'outputs' in job] == ['completed', 'failed', 'cancelled']
		assert found['failed']['execution_error'] == found['failed']['execution_status']['messages'][-1][1]

	@pytest.mark.parametrize('path', ['nobody', '%00', '%ED%A0%80', '%FF', 'x' * 2000, '..%2f..'])
	async def test_unknown(self, api: Api, path: str) -> None:
		"""404 with a sentence, whatever letters it has."""
		async with api.web.session.get(f'{api.web.make_url("/api/jobs/")}{path}') as response:
			assert response.status == 404
			if path == 'nobody':
				assert await response.json() == {'error': 'Job not found'}

	@pytest.mark.parametrize('id', ['a b', 'é/ü', "'; --", '100%', 'a\0b', '𝄞'])
	async def test_odd_ids(self, api: Api, id: str) -> None:
		"""An id that a client chose is found as it is."""
		await api.ended(await api.submit(saving(), prompt_id=id))

		assert (await api.json(f'/api/jobs/{quote(id, safe="")}'))['id'] == id
		assert await ids(api) == [id]


class TestCancel:
	"""POST /api/jobs/{id}/cancel and /api/jobs/cancel."""

	async def cancel(self, api: Api, job: str) -> bool:
		response = await api.web.post(f'/api/jobs/{quote(job, safe="")}/cancel')
		body = await response.json()

		assert response.status == 200
		assert body.keys() == {'cancelled'}
		return bool(body['cancelled'])

	async def test_running(self, api: Api) -> None:
		"""Is interrupted; once it is over there is nothing to cancel."""
		job = await api.submit(slow())
		await api.running(job)
		first = await self.cancel(api, job)
		entry = await api.ended(job)

		assert first
		assert entry['status']['messages'][-1][0] == 'execution_interrupted'
		assert not await self.cancel(api, job)

	async def test_pending(self, api: Api) -> None:
		"""Is dropped; a second time there is nothing to drop; the running one goes on."""
		running, job = await api.submit(slow()), await api.submit(saving())
		await api.running(running)

		assert await self.cancel(api, job)
		assert not await self.cancel(api, job)
		assert [item[1] for item in (await api.json('/queue'))['queue_running']] == [running]
		assert (await api.json('/queue'))['queue_pending'] == []

	async def test_finished_and_unknown(self, api: Api) -> None:
		"""Are left as they are."""
		[job] = await ended(api, 1)

		assert not await self.cancel(api, job)
		assert not await self.cancel(api, str(uuid.uuid4()))
		assert (await api.json(f'/api/jobs/{job}'))['status'] == 'completed'

	async def test_several(self, api: Api) -> None:
		"""True if any was cancelled; the others are passed over."""
		running, first, second = [await api.submit(graph) for graph in (slow(), saving(), saving())]
		await api.running(running)
		response = await api.post('/api/jobs/cancel', {'job_ids': [running, first, 'nobody']})
		await api.ended(second)

		assert (response.status, await response.json()) == (200, {'cancelled': True})
		assert set(await ids(api, status='cancelled')) == {running, first}
		for nothing in ([], ['nobody'], [first, second]):
			again = await api.post('/api/jobs/cancel', {'job_ids': nothing})
			assert (again.status, await again.json()) == (200, {'cancelled': False})

	@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'"x"', b'{}', b'{"job_ids": "x"}', b'{"job_ids": null}'])
	async def test_bad_bodies(self, api: Api, body: bytes) -> None:
		"""400 with a sentence; nothing is cancelled."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.post('/api/jobs/cancel', body)

		assert response.status == 400
		assert (await response.json()).keys() == {'error'}
		assert await ids(api, status='in_progress') == [job]

	async def test_bad_ids(self, api: Api) -> None:
		"""Are named; nothing is cancelled, the good ones neither."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.post('/api/jobs/cancel', {'job_ids': [job, '', 5, None, {'a': 1}]})
		body = await response.json()

		assert response.status == 400
		assert body['invalid_ids'] == ['', '5', 'None', "{'a': 1}"]
		assert body['error']
		assert await ids(api, status='in_progress') == [job]


@asynccontextmanager
async def started(base: Path) -> AsyncIterator[Api]:
	"""A server of its own."""
	app = build_app(Settings(base=base), pack='tests.server.pack')
	async with TestClient(TestServer(app)) as client:
		yield Api(client)


class TestDamage:
	"""Somebody has changed the database by hand."""

	async def test_the_rest_is_listed(self, tmp_path: Path) -> None:
		"""A waiting job that cannot be read is shown as failed, with the reason; history and list go on."""
		async with started(tmp_path) as api:
			good = await api.submit(saving())
			await api.ended(good)
			damaged = await api.submit(saving())
			await api.ended(damaged)
			waiting = await api.submit(slow())
		with closing(sqlite3.connect(tmp_path / 'data' / 'lumengraph.db')) as connection:
			connection.execute("UPDATE submissions SET prompt_json = '{' WHERE job != ?", [good])
			connection.commit()
		async with started(tmp_path) as api:
			found = {job['id']: job for job in await listed(api)}
			history = await api.json('/history')
			shown = await api.get(f'/api/jobs/{waiting}')

		assert {id: job['status'] for id, job in found.items()} == {
			good: 'completed',
			damaged: 'completed',
			waiting: 'failed',
		}
		assert 'cannot be read' in found[waiting]['execution_error']['exception_message']
		assert list(history) == [good]
		assert shown.status == 404


class TestUnwilling:
	"""The database cannot be written."""

	async def test_no_prompt_is_taken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""503 says why, and the job is not run; when it can be written again, prompts are taken."""
		async with started(tmp_path) as api:
			await api.ended(await api.submit(saving()))
			running = await api.submit(slow())
			await api.running(running)
			monkeypatch.setattr(writer, 'PATIENCE', 0.3)
			with closing(sqlite3.connect(tmp_path / 'data' / 'lumengraph.db', isolation_level=None)) as other:
				other.execute('BEGIN IMMEDIATE')
				status, body = await api.prompt(saving())
				listing = await api.get('/api/jobs')
				queue = await api.json('/queue')
				health = await api.get('/v1/health')
				other.execute('ROLLBACK')
			monkeypatch.setattr(writer, 'PATIENCE', 30.0)
			await api.post('/interrupt', {})
			taken = await api.ended(await api.submit(saving()))

		assert (status, body['error']['code']) == (503, 'not_stored')
		assert listing.status == 503
		assert ([item[1] for item in queue['queue_running']], queue['queue_pending']) == ([running], [])
		assert health.status == 200
		assert taken['status']['completed']
