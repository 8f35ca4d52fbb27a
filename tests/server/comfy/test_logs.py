"""`/internal/logs`, and log lines over the WebSocket."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime

import pytest

from server.comfy.logteller import MOST_SUBSCRIBERS, LogTeller
from server.comfy.sockets import Hub
from server.keys import LOGS
from server.logring import LogLine, LogRing
from server.schemas.messages import Message
from tests.server.client import Api


def ring_of(api: Api) -> LogRing:
	"""The ring of the running server."""
	app = api.web.app
	assert app is not None
	return app[LOGS]


class TestRead:
	"""The last lines."""

	async def test_as_one_text(self, api: Api) -> None:
		"""A JSON string, each line with its time and source."""
		ring_of(api).add(0.0, 'worker', 'as one text')
		text = await api.json('/internal/logs')

		assert isinstance(text, str)
		assert text.splitlines()[-1].endswith('worker: as one text')

	async def test_one_by_one(self, api: Api) -> None:
		"""Time as ISO 8601, text with the line's end, and how large the terminal is."""
		ring_of(api).add(1000.0, 'worker', 'one by one')
		raw = await api.json('/internal/logs/raw')
		entry = raw['entries'][-1]

		assert datetime.fromisoformat(entry['t']).timestamp() == 1000.0
		assert entry['m'].endswith('worker: one by one\n')
		assert raw['size']['cols'] > 0
		assert raw['size']['rows'] > 0

	async def test_they_are_not_doubled(self, api: Api) -> None:
		"""The dialect has them at the bare path alone."""
		assert (await api.get('/api/internal/logs')).status == 404


class TestSubscribe:
	"""Further lines."""

	async def subscribe(self, api: Api, sid: str, *, enabled: bool) -> None:
		"""As the official front end does."""
		body = {'clientId': sid, 'enabled': enabled}
		answer = await api.web.patch('/internal/logs/subscribe', json=body)

		assert answer.status == 200
		assert await answer.read() == b''

	async def test_only_those_who_asked_are_told(self, api: Api) -> None:
		"""Lines come as `logs` messages, several together; nobody else gets them."""
		async with api.listening('watcher') as watcher, api.listening('other') as other:
			await self.subscribe(api, 'watcher', enabled=True)
			ring_of(api).add(1000.0, 'worker', 'first')
			ring_of(api).add(1001.0, 'worker', 'second')
			message = (await watcher.until('logs'))[-1]
			await self.subscribe(api, 'watcher', enabled=False)

			assert [entry['m'].partition('worker: ')[2] for entry in message['data']['entries']] == [
				'first\n',
				'second\n',
			]
			assert message['data']['size'] is None
			assert str(watcher.raw[-1]).startswith('{"type":"logs"')
			assert await other.silent()

	async def test_lines_of_other_threads_arrive(self, api: Api) -> None:
		"""Workers' output is read in a thread of its own."""
		async with api.listening('watcher') as watcher:
			await self.subscribe(api, 'watcher', enabled=True)
			thread = threading.Thread(target=lambda: ring_of(api).add(1000.0, 'worker', 'from a thread'))
			thread.start()
			message = (await watcher.until('logs'))[-1]
			thread.join()
			await self.subscribe(api, 'watcher', enabled=False)

		assert 'from a thread' in message['data']['entries'][0]['m']

	async def test_nothing_comes_after_the_end_of_it(self, api: Api) -> None:
		"""Whoever has closed the panel is left in peace."""
		async with api.listening('watcher') as watcher:
			await self.subscribe(api, 'watcher', enabled=True)
			await self.subscribe(api, 'watcher', enabled=False)
			ring_of(api).add(1000.0, 'worker', 'unheard')

			assert await watcher.silent()

	@pytest.mark.parametrize(
		'body',
		[{}, {'clientId': 'a'}, {'enabled': True}, {'clientId': '', 'enabled': True}, {'clientId': [], 'enabled': 1}],
	)
	async def test_what_is_no_subscription(self, api: Api, body: dict[str, object]) -> None:
		"""400, with what is missing."""
		answer = await api.web.patch('/internal/logs/subscribe', json=body)

		assert answer.status == 400
		assert 'enabled' in await answer.text() or 'clientId' in await answer.text()


class Told(Hub):
	"""Notes who is sent to; nobody is connected."""

	def __init__(self) -> None:
		super().__init__()
		self.sids: list[str] = []
		self.done = asyncio.Event()

	def send(self, sid: str, message: Message) -> None:
		"""Note it."""
		self.sids.append(sid)
		self.done.set()


class TestTeller:
	"""Who is told."""

	async def test_subscribers_are_not_endlessly_many(self) -> None:
		"""Those who have gone make room for others."""
		hub = Told()
		teller = LogTeller(hub)
		for number in range(MOST_SUBSCRIBERS + 5):
			teller.subscribe(str(number))
		teller.hear(LogLine(at=0.0, level='INFO', source='s', text='t'))
		await asyncio.wait_for(hub.done.wait(), 10)

		assert hub.sids == [str(MOST_SUBSCRIBERS + number) for number in range(5)]

	async def test_nobody_is_told_before_somebody_asks(self) -> None:
		"""Lines cost nothing then."""
		hub = Told()
		teller = LogTeller(hub)
		for sid in ('early', 'late'):
			teller.hear(LogLine(at=0.0, level='INFO', source='s', text=f'before {sid}'))
			teller.subscribe(sid)
			teller.unsubscribe('early')
		teller.hear(LogLine(at=0.0, level='INFO', source='s', text='now'))
		await asyncio.wait_for(hub.done.wait(), 10)

		assert hub.sids == ['late']
