"""A client as real ones are: it posts prompts, listens at a WebSocket, polls the history."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

Web = TestClient[Request, Application]
Graph = dict[str, dict[str, Any]]
PATIENCE = 60.0
PAUSE = 0.02
seeds = itertools.count(1)


def call(kind: str, **inputs: object) -> dict[str, Any]:
	"""One node of a graph in API form."""
	return {'class_type': kind, 'inputs': inputs}


def shade(value: int = 3) -> dict[str, Any]:
	"""A node that no other test has in the cache."""
	return call('Shade', value=value, seed=next(seeds))


def saving() -> Graph:
	"""A graph that saves one picture."""
	return {'1': shade(), '2': call('Save', paper=['1', 0])}


def slow(seconds: float = 30.0) -> Graph:
	"""A graph that waits, until it is interrupted."""
	return {'1': call('Slow', seconds=seconds + next(seeds) / 1e6)}


def stepping(count: int = 3) -> Graph:
	"""A graph that tells progress and shows previews."""
	return {'1': call('Steps', count=count, seed=next(seeds))}


async def eventually(check: Callable[[], Awaitable[bool]], what: str) -> None:
	"""Wait until a check holds."""
	for _ in range(int(PATIENCE / PAUSE)):
		if await check():
			return
		await asyncio.sleep(PAUSE)
	raise TimeoutError(f'Waited {PATIENCE} seconds for {what}.')


class Socket:
	"""An open WebSocket: its frames, in order."""

	def __init__(self, socket: ClientWebSocketResponse) -> None:
		self.socket = socket
		self.raw: list[str | bytes] = []

	async def next(self) -> dict[str, Any] | bytes:
		"""The next frame: a message, or the bytes of a binary one."""
		frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
		if frame.type is WSMsgType.BINARY:
			self.raw.append(frame.data)
			return bytes(frame.data)
		assert frame.type is WSMsgType.TEXT, frame
		self.raw.append(frame.data)
		message: dict[str, Any] = json.loads(frame.data)
		return message

	async def until(self, type: str, **data: object) -> list[dict[str, Any]]:
		"""Text messages up to the first of this type whose data holds these items; binary frames are in `raw`."""
		found: list[dict[str, Any]] = []
		while True:
			message = await self.next()
			if isinstance(message, bytes):
				continue
			found.append(message)
			if message['type'] == type and data.items() <= message['data'].items():
				return found

	async def until_over(self, job: str) -> list[dict[str, Any]]:
		"""Messages up to the one that says the job is over."""
		return await self.until('executing', node=None, prompt_id=job)

	async def silent(self) -> bool:
		"""Whether nothing comes for a while."""
		try:
			frame = await asyncio.wait_for(self.socket.receive(), 0.2)
		except TimeoutError:
			return True
		self.raw.append(frame.data)
		return False

	async def close(self) -> None:
		"""Leave."""
		await self.socket.close()


class Api:
	"""The routes that a client uses, with what the tests ask of them most."""

	def __init__(self, web: Web) -> None:
		self.web = web

	async def get(self, path: str, **query: str | int) -> ClientResponse:
		"""GET with a query."""
		return await self.web.get(path, params=query)

	async def json(self, path: str, **query: str | int) -> Any:
		"""The JSON that a GET gives."""
		response = await self.get(path, **query)

		assert response.status == 200, await response.text()
		return await response.json()

	async def post(self, path: str, body: object) -> ClientResponse:
		"""POST of a JSON body without a content type, as simple clients do."""
		data = body if isinstance(body, bytes) else json.dumps(body).encode()
		return await self.web.post(path, data=data, skip_auto_headers=('Content-Type',))

	async def prompt(self, graph: Mapping[str, object], **fields: object) -> tuple[int, Any]:
		"""POST /prompt: status and body."""
		response = await self.post('/prompt', {'prompt': graph, **fields})
		return response.status, await response.json()

	async def submit(self, graph: Mapping[str, object], **fields: object) -> str:
		"""Queue a graph that is good; gives its id."""
		status, body = await self.prompt(graph, **fields)

		assert status == 200, body
		return str(body['prompt_id'])

	async def ended(self, job: str) -> dict[str, Any]:
		"""The history entry of a job, once there is one."""
		found: dict[str, Any] = {}

		async def is_there() -> bool:
			found.update(await self.json(f'/history/{quote(job, safe="")}'))
			return bool(found)

		await eventually(is_there, f'job {job} to end')
		entry: dict[str, Any] = found[job]
		return entry

	async def running(self, job: str) -> None:
		"""Wait until a job has begun."""

		async def has_begun() -> bool:
			return [item[1] for item in (await self.json('/queue'))['queue_running']] == [job]

		await eventually(has_begun, f'job {job} to begin')

	async def idle(self) -> None:
		"""Drop all jobs and wait until none is left."""
		await self.post('/queue', {'clear': True})
		await self.web.post('/interrupt')

		async def is_idle() -> bool:
			return not (await self.json('/prompt'))['exec_info']['queue_remaining']

		await eventually(is_idle, 'all jobs to end')
		await self.post('/history', {'clear': True})

	@asynccontextmanager
	async def listening(self, sid: str = '', flags: Mapping[str, object] | None = None) -> AsyncIterator[Socket]:
		"""A WebSocket that has had its first message, and told its feature flags if it has any."""
		async with self.web.ws_connect(f'/ws?clientId={sid}', max_msg_size=0) as opened:
			socket = Socket(opened)
			await socket.until('status')
			if flags is not None:
				await opened.send_str(json.dumps({'type': 'feature_flags', 'data': flags}))
				await socket.until('feature_flags')
			yield socket
