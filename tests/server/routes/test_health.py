"""/v1/health, and what is known of the worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from engine.errors import WorkerLost
from engine.events import EventBus
from engine.jobs import MemoryJobStore
from engine.queue import JobQueue
from engine.settings import Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from server.app import build_app
from server.worker import known_nodes
from tests.server.client import Api, eventually, slow


class TestHealth:
	"""Whether jobs can run."""

	async def test_ready_and_busy(self, api: Api) -> None:
		"""A worker that waits is ready, one that runs a job is busy."""
		await api.json('/object_info')
		idle = await api.json('/v1/health')
		await api.running(await api.submit(slow()))
		busy = await api.json('/v1/health')

		assert (idle['status'], idle['worker'], busy['worker']) == ('ok', 'ready', 'busy')
		assert busy['seconds_up'] > idle['seconds_up'] > 0

	async def test_answers_while_the_worker_starts(self, tmp_path: Path) -> None:
		"""The server listens at once; what needs no nodes is answered, what needs them waits for them."""
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))) as client:
			health = await (await client.get('/v1/health')).json()
			live = await client.get('/v1/health/live')
			early = await client.get('/v1/health/ready')
			nodes = await (await client.get('/object_info')).json()

			async def is_up() -> bool:
				return (await client.get('/v1/health/ready')).status == 200

			await eventually(is_up, 'a worker')
			ready = await client.get('/v1/health/ready')

			assert health['worker'] == 'starting'
			assert (live.status, await live.json()) == (200, {'status': 'ok'})
			assert (early.status, (await early.json())['error']['code']) == (503, 'not_ready')
			assert 'Shade' in nodes
			assert (ready.status, await ready.json()) == (200, {'status': 'ok', 'nodes': len(nodes)})


class TestKnownNodes:
	"""Waiting for the declarations."""

	async def test_is_not_for_ever(self, settings: Settings) -> None:
		"""If no worker comes up, a request is told so at last."""
		queue = JobQueue(MemoryJobStore(), EventBus())
		supervisor = Supervisor(settings, queue, Storage.of(settings))
		with pytest.raises(WorkerLost, match='No worker'):
			await asyncio.wait_for(known_nodes(supervisor, 0.01), 5)
