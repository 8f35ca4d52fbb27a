"""A client that behaves as the one in Krita's plugin does: what it sends, in which order, and what it makes of answers."""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import ClientSession, ClientWebSocketResponse, FormData, WSMsgType

PATIENCE = 120.0
LARGEST = 2**30
PREVIEW, PNG = 1, 2


@dataclass
class Outcome:
	"""What became of a job: how many nodes and samples were counted, which pictures came, and which way."""

	job: str
	state: Literal['finished', 'interrupted', 'failed'] | None = None
	nodes: int = 0
	samples: int = 0
	saved: list[dict[str, str]] = field(default_factory=list)
	sent: list[bytes] = field(default_factory=list)
	previews: int = 0
	error: str = ''

	def hear(self, message: Mapping[str, Any]) -> None:
		"""Take in a message about this job."""
		data = message['data']
		match message['type']:
			case 'execution_cached':
				self.nodes += len(data['nodes'])
			case 'executing' if data['node'] is not None:
				self.nodes += 1
			case 'executing':
				self.state = self.state or 'finished'
			case 'progress':
				self.samples += 1
			case 'executed':
				self.saved += (data['output'] or {}).get('images', [])
			case 'execution_interrupted':
				self.state = 'interrupted'
			case 'execution_error':
				self.state = 'failed'
				self.error = data['exception_message']


class Krita:
	"""A connected client."""

	def __init__(self, web: ClientSession, socket: ClientWebSocketResponse, id: str) -> None:
		self.web = web
		self.socket = socket
		self.id = id
		self.flags: dict[str, Any] = {}

	async def introduce(self) -> None:
		"""Tell what it supports, and learn what the server does."""
		await self.socket.send_json({'type': 'feature_flags', 'data': {'supports_progress_text_metadata': True}})
		while (message := await self._next()).get('type') != 'feature_flags':
			pass
		self.flags = message['data']

	async def enqueue(self, prompt: Mapping[str, object], **fields: object) -> Outcome:
		"""Post a prompt under an id of its own; another id in the answer is a failure."""
		job = str(uuid.uuid4())
		body = {'prompt': prompt, 'client_id': self.id, 'prompt_id': job, **fields}
		async with self.web.post('/prompt', json=body) as response:
			answer = await response.json()

		assert response.status == 200, answer
		assert answer['prompt_id'] == job
		return Outcome(job)

	async def follow(self, outcome: Outcome, *, until: str = '') -> Outcome:
		"""Listen until the job is over, or until a message of this type about it."""
		while True:
			message = await self._next(outcome)
			if not message or message['data'].get('prompt_id') != outcome.job:
				continue
			outcome.hear(message)
			over = message['type'] == 'executing' and message['data']['node'] is None
			if over or message['type'] == until:
				return outcome

	async def run(self, prompt: Mapping[str, object], **fields: object) -> Outcome:
		"""Post a prompt and listen until it is over."""
		return await self.follow(await self.enqueue(prompt, **fields))

	async def view(self, image: Mapping[str, str]) -> bytes:
		"""Download a picture."""
		async with self.web.get('/view', params=image) as response:
			assert response.status == 200
			return await response.read()

	async def get(self, path: str) -> Any:
		"""The JSON of a GET."""
		async with self.web.get(path) as response:
			assert response.status == 200
			return await response.json()

	async def post(self, path: str, body: Mapping[str, object]) -> None:
		"""POST for which there is nothing to read: an answer is read as JSON only if it says that it is."""
		async with self.web.post(path, json=body) as response:
			assert response.status == 200
			assert 'application/json' not in response.headers.get('Content-Type', '')

	async def upload(self, name: str, data: bytes) -> dict[str, str]:
		"""Upload a picture; gives where it lies."""
		form = FormData()
		form.add_field('image', data, filename=name, content_type='image/png')
		form.add_field('overwrite', 'true')
		async with self.web.post('/upload/image', data=form) as response:
			placed: dict[str, str] = await response.json()
			return placed

	async def _next(self, outcome: Outcome | None = None) -> dict[str, Any]:
		"""The next message; {} for a binary frame. A PNG in one of those is a result, a JPEG a preview."""
		frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
		if frame.type is WSMsgType.TEXT:
			message: dict[str, Any] = json.loads(frame.data)
			return message

		assert frame.type is WSMsgType.BINARY, frame
		event, form = struct.unpack('>II', frame.data[:8])
		if outcome is not None and event == PREVIEW:
			if form == PNG:
				outcome.sent.append(frame.data[8:])
			else:
				outcome.previews += 1
		return {}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Krita]:
	"""Connect as the plugin does: look at the machine, open a socket to see whether that works, then the one to keep."""
	id = str(uuid.uuid4())
	async with ClientSession(url) as web:
		async with web.get('/system_stats') as response:
			device = (await response.json())['devices'][0]
			assert device['name'].split(':')[0]
			assert device['type']
			assert device['vram_total'] > 0
		probe = await web.ws_connect(f'/ws?clientId={id}', max_msg_size=LARGEST)
		async with web.ws_connect(f'/ws?clientId={id}', max_msg_size=LARGEST) as socket:
			await probe.close()
			krita = Krita(web, socket, id)
			await krita.introduce()
			yield krita
