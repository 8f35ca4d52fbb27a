"""Figures for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from engine.events import Event, JobFinished, JobStarted, NodeFinished, NodesCached, Why
from engine.office import WorkerSnapshot
from engine.settings import Settings
from server.app import build_app
from server.errors import errors
from server.metrics import Metrics
from tests.server.client import Api, call, eventually, saving


def figure(text: str, name: str, **labels: str) -> float:
	"""A figure by its name and labels; 0 if it was never counted."""
	for family in text_string_to_metric_families(text):
		for sample in family.samples:
			if sample.name == f'lumengraph_{name}' and sample.labels == labels:
				return sample.value
	return 0.0


async def asked(api: Api) -> str:
	"""All figures of the running server."""
	return await (await api.get('/v1/metrics')).text()


def told(*events: Event) -> str:
	"""The figures after these events."""
	metrics = Metrics(remaining=lambda: 5, workers=tuple, restarts=dict)
	for event in events:
		metrics.hear(event)
	return metrics.text().decode()


class TestEvents:
	"""What the engine tells."""

	def test_jobs_by_state(self) -> None:
		"""How many run, and how many have ended how."""
		text = told(
			JobStarted(job='a'),
			JobStarted(job='b'),
			JobFinished(job='a', state='failed'),
			JobStarted(job='c'),
			JobFinished(job='c', state='succeeded'),
		)

		assert figure(text, 'jobs_running') == 1
		assert figure(text, 'queue_length') == 5
		assert [figure(text, 'jobs_total', state=state) for state in ('failed', 'succeeded', 'cancelled')] == [1, 1, 0]
		assert 'state="cancelled"' in text

	def test_seconds_by_kind(self) -> None:
		"""Calls only; what was cached took none."""
		text = told(
			NodeFinished(job='a', node='1', kind='Slow', seconds=2.0),
			NodeFinished(job='a', node='2', kind='Slow', seconds=4.0),
			NodeFinished(job='a', node='3', kind='Slow', seconds=0.0, cached=True),
		)

		assert figure(text, 'node_seconds_count', kind='Slow') == 2
		assert figure(text, 'node_seconds_sum', kind='Slow') == 6.0
		assert figure(text, 'node_seconds_bucket', kind='Slow', le='2.5') == 1

	def test_cache_hits(self) -> None:
		"""Known before, or found out on the way; none is counted twice."""
		cached, same = Why(code='cached'), Why(code='same_inputs')
		text = told(
			NodesCached(job='a', nodes=('1', '2')),
			NodeFinished(job='a', node='2', kind='K', seconds=0, cached=True, why=cached),
			NodeFinished(job='a', node='3', kind='K', seconds=0, cached=True, why=same),
		)

		assert figure(text, 'cache_hits_total') == 3

	def test_workers(self) -> None:
		"""Restarts by cause, and of each worker its memory and whether it is busy."""
		worker = WorkerSnapshot('cpu-0', 'cpu', 'busy', os.getpid(), 'a', '1', 'K', 1.0, 3, 2)
		starting = WorkerSnapshot('cpu-1', 'cpu', 'starting', None, None, None, '', 0.0, 0, 0)
		metrics = Metrics(remaining=lambda: 0, workers=lambda: [worker, starting], restarts=lambda: {'exited': 2})
		text = metrics.text().decode()

		assert figure(text, 'worker_restarts_total', cause='exited') == 2
		assert figure(text, 'worker_restarts_total', cause='heartbeat') == 0
		assert figure(text, 'worker_busy', worker='cpu-0') == 1
		assert figure(text, 'worker_busy', worker='cpu-1') == 0
		assert 'worker_resident_memory_bytes{worker="cpu-1"}' not in text

	@pytest.mark.skipif(not Path('/proc/self/stat').exists(), reason='Only Linux tells.')
	def test_memory(self) -> None:
		"""The server's, and that of each worker."""
		worker = WorkerSnapshot('cpu-0', 'cpu', 'idle', os.getpid(), None, None, '', 0.0, 0, 0)
		text = Metrics(remaining=lambda: 0, workers=lambda: [worker], restarts=dict).text().decode()

		assert 'process_resident_memory_bytes ' in text
		assert figure(text, 'worker_resident_memory_bytes', worker='cpu-0') > 2**20


class TestRequests:
	"""The middleware."""

	async def test_routes_and_statuses(self) -> None:
		"""By the route as it is declared, however many paths there are; refusals and failures too."""

		async def show(request: web.Request) -> web.Response:
			if request.match_info['name'] == 'bad':
				raise web.HTTPForbidden
			if request.match_info['name'] == 'worse':
				raise RuntimeError
			return web.Response()

		metrics = Metrics(remaining=lambda: 0, workers=tuple, restarts=dict)
		app = web.Application(middlewares=(metrics.middleware(), errors))
		app.router.add_get('/things/{name}', show)
		async with TestClient(TestServer(app)) as client:
			for path in ('/things/a', '/things/b', '/things/bad', '/things/worse', '/no', '/nowhere'):
				await client.get(path)
			await client.request('PROPFIND', '/no')
		text = metrics.text().decode()

		def count(method: str, route: str, status: int) -> float:
			labels = {'method': method, 'route': route, 'status': str(status)}
			return figure(text, 'http_request_duration_seconds_count', **labels)

		assert [count('GET', '/things/{name}', status) for status in (200, 403, 500)] == [2, 1, 1]
		assert count('GET', '(none)', 404) == 2
		assert count('(other)', '(none)', 404) == 1

	async def test_statuses_without_the_middleware_of_errors(self) -> None:
		"""What is raised past it counts as what it becomes."""

		async def move(request: web.Request) -> web.Response:
			raise web.HTTPFound('/') if request.path == '/move' else RuntimeError

		metrics = Metrics(remaining=lambda: 0, workers=tuple, restarts=dict)
		app = web.Application(middlewares=(metrics.middleware(),))
		app.router.add_get('/move', move)
		async with TestClient(TestServer(app)) as client:
			await client.get('/move', allow_redirects=False)

		assert (
			figure(
				metrics.text().decode(),
				'http_request_duration_seconds_count',
				method='GET',
				route='/move',
				status='302',
			)
			== 1
		)


class TestServed:
	"""`/v1/metrics` of the whole server."""

	async def test_a_job_is_counted(self, api: Api) -> None:
		"""Its state, its nodes, then the hits when it comes again."""
		graph = saving()
		before = await asked(api)
		await api.ended(await api.submit(graph))
		await api.ended(await api.submit(graph))
		after = await asked(api)

		def more(name: str, **labels: str) -> float:
			return figure(after, name, **labels) - figure(before, name, **labels)

		assert more('jobs_total', state='succeeded') == 2
		assert more('node_seconds_count', kind='Save') == 1
		assert more('cache_hits_total') == 2
		assert figure(after, 'queue_length') == 0

	async def test_sockets_are_counted(self, api: Api) -> None:
		"""While they are open."""
		async with api.listening('a'), api.listening('b'):
			assert figure(await asked(api), 'websocket_clients') == 2

		async def none_is_open() -> bool:
			return figure(await asked(api), 'websocket_clients') == 0

		await eventually(none_is_open, 'the sockets to close')

	async def test_worker_that_died_is_counted(self, api: Api) -> None:
		"""By its cause, once another has taken its place; a job that ends two workers counts twice."""
		before = figure(await asked(api), 'worker_restarts_total', cause='exited')
		await api.ended(await api.submit({'1': call('Die', code=7)}))
		await api.ended(await api.submit(saving()))

		assert figure(await asked(api), 'worker_restarts_total', cause='exited') == before + 2

	async def test_two_servers_count_apart(self, api: Api, tmp_path: Path) -> None:
		"""No figure is shared by what runs in one process."""
		await api.ended(await api.submit(saving()))
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))) as client:
			text = await (await client.get('/v1/metrics')).text()

		assert figure(text, 'jobs_total', state='succeeded') == 0
		assert figure(await asked(api), 'jobs_total', state='succeeded') > 0
