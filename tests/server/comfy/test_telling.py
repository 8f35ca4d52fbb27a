"""The teller by itself: events in at one end, frames out at the other."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from aiohttp import web
from pydantic import JsonValue

from engine.events import (
	AnyEvent,
	EventBus,
	JobFinished,
	JobProgress,
	JobStarted,
	ModelLoading,
	NodeFinished,
	NodeProgress,
	NodeStarted,
)
from engine.graph import Graph
from engine.jobs import MemoryJobStore, Submission
from engine.queue import JobQueue
from server.comfy.sockets import Client, Hub
from server.comfy.teller import Teller
from tests.server.comfy.test_sockets import Connection, OpenSocket, frames


class Listener:
	"""A client of the running job's owner, and what it was sent."""

	def __init__(self, hub: Hub, flags: dict[str, JsonValue] | None = None) -> None:
		self.connection = Connection()
		self.connection.reads = True
		socket, transport = cast(web.WebSocketResponse, OpenSocket()), cast(asyncio.Transport, self.connection)
		self.client = Client('me', socket, transport)
		self.client.flags = flags
		hub.join(self.client)

	async def heard(self, type: str) -> list[dict[str, Any]]:
		"""The data of all messages of a type so far."""
		writer = asyncio.create_task(self.client.write())
		await asyncio.sleep(0.01)
		writer.cancel()
		messages = [json.loads(frame) for frame in frames(b''.join(self.connection.pieces))]
		return [message['data'] for message in messages if message['type'] == type]


class Desk:
	"""A queue with one running job, and its teller."""

	def __init__(self) -> None:
		bus = EventBus()
		self.hub = Hub()
		self.queue = JobQueue(MemoryJobStore(), bus)
		bus.subscribe(Teller(self.queue, self.hub).hear)
		self.job = self.queue.submit(Submission(Graph({}), (), client='me')).id
		self.queue.claim()
		self.queue.tell(JobStarted(job=self.job))

	async def tell(self, *events: AnyEvent) -> None:
		"""Tell events as one batch."""
		for event in events:
			self.queue.tell(event)
		await asyncio.sleep(0)

	def started(self, node: str) -> NodeStarted:
		"""A node has begun."""
		return NodeStarted(job=self.job, node=node, kind='A')

	def finished(self, node: str) -> NodeFinished:
		"""A node has ended."""
		return NodeFinished(job=self.job, node=node, kind='A', seconds=1.0)


@pytest.fixture
async def desk() -> Desk:
	"""A job that has just begun."""
	return Desk()


class TestStates:
	"""Which nodes a `progress_state` holds."""

	async def test_one_per_batch_with_what_it_changed(self, desk: Desk) -> None:
		"""However many nodes a batch tells of; a node that did not change is left out."""
		listener = Listener(desk.hub)
		await desk.tell(desk.started('1'), desk.finished('1'), desk.started('2'))
		await desk.tell(desk.finished('2'), desk.started('3'))
		await desk.tell(desk.started('4'))
		told = await listener.heard('progress_state')

		assert [{id: node['state'] for id, node in state['nodes'].items()} for state in told] == [
			{'1': 'finished', '2': 'running'},
			{'2': 'finished', '3': 'running'},
			{'4': 'running'},
		]

	async def test_a_tick_comes_after_its_state(self, desk: Desk) -> None:
		"""And nothing stands between it and what follows in the batch."""
		listener = Listener(desk.hub)
		await desk.tell(desk.started('1'), *(NodeProgress(job=desk.job, node='1', done=n, total=2) for n in (1, 2)))

		assert [state['nodes']['1']['value'] for state in await listener.heard('progress_state')] == [1, 2]
		assert [tick['value'] for tick in await listener.heard('progress')] == [1, 2]

	async def test_who_comes_later_is_told_everything_once(self, desk: Desk) -> None:
		"""A socket that opens during the run does not know what was told to the one before it."""
		Listener(desk.hub)
		await desk.tell(desk.started('1'), desk.finished('1'))
		late = Listener(desk.hub)
		await desk.tell(desk.started('2'))
		await desk.tell(desk.started('3'))

		assert [set(state['nodes']) for state in await late.heard('progress_state')] == [{'1', '2'}, {'3'}]

	async def test_whole_states_come_seldom_and_none_is_owed(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Who gets all nodes each time gets them with a pause between; what changed meanwhile is told after it."""
		monkeypatch.setattr('server.comfy.progress.WHOLE_SECONDS', 0.02)
		listener = Listener(desk.hub, {})
		for node in range(20):
			await desk.tell(desk.started(f'{node}'))
		while len((await listener.heard('progress_state'))[-1]['nodes']) < 20:
			pass
		told = await listener.heard('progress_state')

		assert len(told) < 20

	async def test_end_has_all_nodes(self, desk: Desk) -> None:
		"""Also for those who were told changes; a node that failed is marked."""
		listener = Listener(desk.hub)
		await desk.tell(desk.started('1'), desk.finished('1'))
		await desk.tell(desk.started('2'))
		await desk.tell(JobFinished(job=desk.job, state='failed', node='2', kind='A'))
		last = (await listener.heard('progress_state'))[-1]

		assert {id: node['state'] for id, node in last['nodes'].items()} == {'1': 'finished', '2': 'error'}


class TestJobProgress:
	"""How far the job has come as a whole."""

	@pytest.mark.parametrize(('flags', 'count'), [(None, 0), ({}, 0), ({'job_progress': True}, 1)])
	async def test_only_who_announced_it_is_told(
		self, desk: Desk, flags: dict[str, JsonValue] | None, count: int
	) -> None:
		"""Other clients complain of types that they do not know."""
		listener = Listener(desk.hub, flags)
		await desk.tell(JobProgress(job=desk.job, fraction=0.25, seconds_left=3.5))
		told = await listener.heard('job_progress')

		assert told == [{'prompt_id': desk.job, 'fraction': 0.25, 'seconds_left': 3.5}] * count


class TestModelLoading:
	"""How far the load of a model has come that a node waits for."""

	@pytest.mark.parametrize(('flags', 'count'), [(None, 0), ({}, 0), ({'model_loading': True}, 1)])
	async def test_only_who_announced_it_is_told(
		self, desk: Desk, flags: dict[str, JsonValue] | None, count: int
	) -> None:
		"""With the node where it is shown, and the bytes of the phase."""
		listener = Listener(desk.hub, flags)
		event = ModelLoading(
			job=desk.job,
			node='1',
			load='a',
			model='m.safetensors',
			part='unet',
			place='cpu',
			phase='loading_model',
			done=2,
			total=5,
		)
		await desk.tell(event)
		told = await listener.heard('model_loading')

		assert [(one['display_node'], one['done'], one['total'], one['state']) for one in told] == [
			('1', 2, 5, 'loading')
		] * count
