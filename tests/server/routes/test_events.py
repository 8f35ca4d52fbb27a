"""/v1/events: what happens, over WebSocket and as Server-Sent Events, and what was missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server import sse
from server.app import build_app
from server.feed import Feed, Interest, TooSlow
from server.keys import STORE
from tests.server.client import PATIENCE, Api, eventually, saving, slow, stepping

LIFE = ['job_queued', 'job_started', 'nodes_cached', 'node_started', 'node_finished', 'node_started', 'node_finished']


class Listener:
	"""Reads one stream of events, whichever way it comes."""

	def __init__(self, source: ClientWebSocketResponse | ClientResponse) -> None:
		self._source = source

	async def next(self) -> dict[str, Any] | None:
		"""The next message; None at the end of the stream."""
		async with asyncio.timeout(PATIENCE):
			if isinstance(self._source, ClientWebSocketResponse):
				found: dict[str, Any] = json.loads((await self._source.receive()).data)
				return found
			while line := await self._source.content.readline():
				if line.startswith(b'data: '):
					message: dict[str, Any] = json.loads(line.removeprefix(b'data: '))
					return message
			return None

	async def until(self, job: str, type: str = 'job_finished') -> list[dict[str, Any]]:
		"""Messages up to one of a job; ticks of the queue as a whole are left out."""
		found: list[dict[str, Any]] = []
		while (message := await self.next()) is not None:
			if message['event']['type'] != 'queue_changed':
				found.append(message)
			if (message['event']['job'], message['event']['type']) == (job, type):
				break
		return found


@asynccontextmanager
async def listening(api: Api, way: str, **query: str | int) -> AsyncIterator[Listener]:
	"""An open stream, from the moment on at which it is open."""
	if way == 'websocket':
		address = api.web.make_url('/v1/events').with_query(query)
		async with api.web.session.ws_connect(address) as socket:
			yield Listener(socket)
		return
	async with api.web.get('/v1/events', params=query) as response:
		assert response.content_type == 'text/event-stream'
		assert await response.content.readline() == b': here you are\n'
		yield Listener(response)


WAYS = pytest.mark.parametrize('way', ['websocket', 'sse'])


class TestStream:
	@WAYS
	async def test_the_life_of_a_job(self, api: Api, way: str) -> None:
		"""From the queue to the end, numbered upward, each once."""
		async with listening(api, way) as listener:
			await asyncio.sleep(0.05 if way == 'websocket' else 0)
			job = await api.submit(saving())
			told = await listener.until(job)
		numbers = [message['number'] for message in told if message['event']['type'] != 'job_progress']

		assert [one['event']['type'] for one in told if one['event']['type'] != 'job_progress'] == [
			*LIFE,
			'job_finished',
		]
		assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

	async def test_head_has_no_body(self, api: Api) -> None:
		"""Its connection serves the next request: what a stream sent would be taken for that one's answer."""
		url = api.web.make_url('/v1/events')
		reader, writer = await asyncio.open_connection(url.host, url.port)
		for method, path in (('HEAD', '/v1/events'), ('GET', '/v1/health/live')):
			writer.write(f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
		async with asyncio.timeout(PATIENCE):
			await reader.readuntil(b'\r\n\r\n')
			following = await reader.readline()
		writer.close()

		assert following == b'HTTP/1.1 200 OK\r\n'

	async def test_a_client_that_goes_is_no_trouble(
		self, api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
	) -> None:
		"""Its stream ends at the next line, and nothing listens for it any more."""
		monkeypatch.setattr(sse, 'BEAT_SECONDS', 0.01)
		listeners = api.web.app[STORE].log.listeners
		async with listening(api, 'sse'):
			pass

		async def is_gone() -> bool:
			return not listeners

		await eventually(is_gone, 'the stream to end')

		assert 'already running' not in caplog.text

	@WAYS
	async def test_one_job_only(self, api: Api, way: str) -> None:
		"""Nothing of the others."""
		async with listening(api, way, job='wanted', after=0) as listener:
			await api.submit(saving())
			await api.submit(saving(), prompt_id=f'{way}-other')
			await api.web.post('/v1/jobs', json={'workflow': saving(), 'id': 'wanted'})
			told = await listener.until('wanted')

		assert {message['event']['job'] for message in told} == {'wanted'}
		await api.idle()

	async def test_previews_only_for_those_who_ask(self, api: Api) -> None:
		"""They are large; ticks come all the same."""
		async with listening(api, 'sse') as plain, listening(api, 'sse', previews='true') as seeing:
			job = await api.submit(stepping(), extra_data={'preview_method': 'auto'})
			without, with_them = await plain.until(job), await seeing.until(job)

		assert 'node_progress' in [message['event']['type'] for message in without]
		assert 'node_preview' not in [message['event']['type'] for message in without]
		assert 'node_preview' in [message['event']['type'] for message in with_them]


class TestReplay:
	@WAYS
	async def test_what_was_missed_comes_first(self, api: Api, way: str) -> None:
		"""From the number on that the client has, without a gap or a repetition up to what happens now."""
		async with listening(api, 'sse') as listener:
			first = await api.submit(saving())
			before = await listener.until(first)
		missed = await api.submit(saving())
		await api.ended(missed)
		async with listening(api, way, after=before[-1]['number']) as listener:
			now = await api.submit(saving())
			told = await listener.until(now)
		kept = [message for message in told if message['event']['type'] != 'job_progress']

		assert [message['number'] for message in kept] == list(
			range(before[-1]['number'] + 1, before[-1]['number'] + 1 + len(kept))
		)
		assert [message['event']['job'] for message in kept if message['event']['type'] == 'job_finished'] == [
			missed,
			now,
		]

	async def test_last_event_id(self, api: Api) -> None:
		"""Browsers say it in a header when they come back."""
		job = await api.submit(saving())
		await api.ended(job)
		async with api.web.get(f'/v1/jobs/{job}/events') as response:
			all_of_it = await Listener(response).until(job)
		third = all_of_it[2]['number']
		async with api.web.get(f'/v1/jobs/{job}/events', headers={'Last-Event-ID': str(third)}) as response:
			rest = await Listener(response).until(job)

		assert rest == all_of_it[3:]

	async def test_over_a_restart(self, tmp_path: Path) -> None:
		"""A client that comes back to another process is told what it missed of the first, and of what came before it."""
		settings = Settings(base=tmp_path)
		async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))) as web:
			api = Api(web)
			first = await api.submit(saving())
			await api.ended(first)
		async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))) as web:
			api = Api(web)
			async with listening(api, 'websocket', after=0) as listener:
				told = await listener.until(first)
				second = await api.submit(saving())
				more = await listener.until(second)

		assert told[0]['event']['type'] == 'job_queued'
		assert more[0]['number'] > told[-1]['number']

	@pytest.mark.parametrize('query', ['after=-1', 'after=x', 'after=99999999999999999999', 'previews=maybe', 'x=1'])
	async def test_bad_queries(self, api: Api, query: str) -> None:
		"""400 before a stream begins."""
		assert (await api.web.get(f'/v1/events?{query}')).status == 400

	async def test_a_bad_last_event_id(self, api: Api) -> None:
		"""400 that names the header."""
		response = await api.web.get('/v1/events', headers={'Last-Event-ID': 'soon'})

		assert response.status == 400
		assert 'Last-Event-ID' in await response.text()


class TestStreamOfAJob:
	async def test_ends_with_the_job(self, api: Api) -> None:
		"""From its beginning to its end, then the stream is over."""
		job = await api.submit(slow(0.2))
		async with api.web.get(f'/v1/jobs/{job}/events') as response:
			listener = Listener(response)
			told = await listener.until(job)
			rest = await listener.next()

		assert told[0]['event']['type'] == 'job_queued'
		assert rest is None

	async def test_of_one_that_is_dropped(self, api: Api) -> None:
		"""A waiting job that is cancelled has an end too."""
		await api.post('/v1/queue/pause', {})
		job = await api.submit(saving())
		async with api.web.get(f'/v1/jobs/{job}/events') as response:
			listener = Listener(response)
			await listener.next()
			await api.post(f'/v1/jobs/{job}/cancel', {})
			told = await listener.until(job, 'job_dropped')
			rest = await listener.next()
		await api.post('/v1/queue/resume', {})

		assert told[-1]['event']['type'] == 'job_dropped'
		assert rest is None

	async def test_unknown_job(self, api: Api) -> None:
		"""404."""
		assert (await api.get('/v1/jobs/nobody/events')).status == 404


class TestSlowClients:
	async def test_ticks_are_left_out_and_the_rest_is_not(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Who reads nothing misses ticks first; then nothing is held for it, and it is sent away. It can ask again."""
		monkeypatch.setattr('server.feed.MOST_WAITING', 30)
		monkeypatch.setattr('server.feed.MOST_PASSING', 5)
		assert api.web.app is not None
		feed = Feed(api.web.app[STORE], Interest(), None)
		stream = feed.all()
		reading = asyncio.ensure_future(anext(stream))
		await asyncio.sleep(0)
		job = await api.submit(stepping(100))
		await api.ended(job)
		for _ in range(10):
			await api.ended(await api.submit(saving()))
		told = [await reading]

		async def read_on() -> None:
			async for item in stream:
				told.append(item)

		with pytest.raises(TooSlow):
			await read_on()

		assert len(told) == 1
