"""The client of `/v1`, against servers that break connections, are others, or mean ill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from engine.events import Event, JobFinished, JobStarted, NodeFinished, SavedFile
from server.api_client import RETRIES, ApiClient, ServerRefused, ServerUnreachable
from server.cli_remote import Task, place_file
from server.schemas.stream import EventMessage

EVENTS: Sequence[Event] = (
	JobStarted(job='j'),
	NodeFinished(job='j', node='a', kind='A', seconds=0.0),
	NodeFinished(job='j', node='b', kind='B', seconds=0.0),
	JobFinished(job='j', state='succeeded'),
)


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[ApiClient]:
	"""A client of a server with these routes only."""
	app = web.Application()
	app.add_routes(routes)
	async with TestServer(app) as server, ApiClient(str(server.make_url('/')), pause=0.0) as client:
		yield client


def events_until(stops: Sequence[int], asked: list[int]) -> web.RouteDef:
	"""A route of events that breaks off before the numbers in `stops`, one connection after the other."""
	left = list(stops)

	async def stream(request: web.Request) -> web.WebSocketResponse:
		after = int(request.query['after'])
		asked.append(after)
		stop = left.pop(0) if left else len(EVENTS) + 1
		socket = web.WebSocketResponse()
		await socket.prepare(request)
		for number, event in enumerate(EVENTS, 1):
			if after < number < stop:
				message = EventMessage.model_validate({'number': number, 'event': event})
				await socket.send_str(message.model_dump_json())
		await socket.close()
		return socket

	return web.get('/v1/events', stream)


class TestFollow:
	"""Following a job."""

	async def test_goes_on_after_a_break(self) -> None:
		"""It asks from the last event on; each is told once."""
		asked: list[int] = []
		async with serving(events_until((2, 4), asked)) as client:
			numbers = [message.number async for message in client.follow('j')]

		assert numbers == [1, 2, 3, 4]
		assert asked == [0, 1, 3]

	async def test_gives_up(self) -> None:
		"""When nothing at all comes, again and again, the server is not there any more."""
		asked: list[int] = []

		async def refuse(request: web.Request) -> web.Response:
			asked.append(0)
			return web.Response(status=500)

		async with serving(web.get('/v1/events', refuse)) as client:
			with pytest.raises(ServerUnreachable, match='is lost'):
				async for _ in client.follow('j'):
					pass

		assert len(asked) == RETRIES + 1

	async def test_a_stream_that_ends_at_once(self) -> None:
		"""A server that says goodbye each time before it says anything is given up as well."""
		asked: list[int] = []
		async with serving(events_until([0] * 100, asked)) as client:
			with pytest.raises(ServerUnreachable, match='again and again'):
				async for _ in client.follow('j'):
					pass

		assert len(asked) == RETRIES + 1


class TestAnswers:
	"""What servers answer."""

	@pytest.mark.parametrize(
		('status', 'body', 'error', 'words'),
		[
			(200, {'nonsense': 1}, ServerUnreachable, 'no Lumengraph server'),
			(401, {}, ServerUnreachable, '--token'),
			(503, {'error': {'code': 'x', 'message': 'no disk', 'details': []}}, ServerUnreachable, 'no disk'),
			(404, {'error': {'code': 'x', 'message': 'no job', 'details': []}}, ServerRefused, 'no job'),
			(500, 'gone', ServerRefused, '500'),
		],
	)
	async def test_refusals(self, status: int, body: Any, error: type[Exception], words: str) -> None:
		"""What is said by the server is told; a server of another kind is known as such."""

		async def answer(request: web.Request) -> web.Response:
			return web.json_response(body, status=status)

		async with serving(web.get('/v1/jobs/{id}', answer)) as client:
			with pytest.raises(error, match=words):
				await client.job('j')

	async def test_nobody_there(self) -> None:
		"""An address where nobody listens."""
		async with ApiClient('http://127.0.0.1:9') as client:
			with pytest.raises(ServerUnreachable, match=r'127\.0\.0\.1:9'):
				await client.job('j')


class TestFiles:
	"""Where fetched files go."""

	async def test_never_outside_of_the_folder(self, tmp_path: Path) -> None:
		"""Whatever the server calls them."""

		async def view(request: web.Request) -> web.Response:
			return web.Response(body=request.query['filename'].encode())

		async with serving(web.get('/view', view)) as client:
			task = Task(client, {}, {}, tmp_path / 'out', False)
			paths = [
				await place_file(task, SavedFile(filename=name, subfolder=folder))
				for name, folder in (
					('a.png', 'sub'),
					('../../b.png', ''),
					('c.png', '../..'),
					('d.png', '/etc'),
					('e.png', '..\\..'),
				)
			]

		assert all(path.is_relative_to(tmp_path / 'out') for path in paths)
		assert paths[0] == tmp_path / 'out' / 'sub' / 'a.png'

	async def test_other_files_are_not_overwritten(self, tmp_path: Path) -> None:
		"""A file of the same name with other content gets a neighbour; the same content is the same file."""

		async def view(request: web.Request) -> web.Response:
			return web.Response(body=b'new')

		(tmp_path / 'a.png').write_bytes(b'old')
		async with serving(web.get('/view', view)) as client:
			task = Task(client, {}, {}, tmp_path, False)
			paths = [await place_file(task, SavedFile(filename='a.png')) for _ in range(2)]

		assert paths == [tmp_path / 'a (2).png'] * 2
		assert (tmp_path / 'a.png').read_bytes() == b'old'
