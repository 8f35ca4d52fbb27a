"""A client of `/v1`, for the command line: nodes, workflows, jobs and their events, files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, JsonValue, ValidationError

from engine.declaration import NodeInfo
from engine.errors import BadDocument, EngineError
from engine.events import JobDropped, JobFinished, SavedFile
from engine.formats.document import WorkflowDocument
from engine.sweep import Values
from server.cli_models import TOKEN
from server.schemas.declarations import NodePage
from server.schemas.errors import ErrorBody, Misfit
from server.schemas.files import Uploaded
from server.schemas.runs import CancelReply, JobDetail, JobRequest
from server.schemas.stream import EventMessage

M = TypeVar('M', bound=BaseModel)
RETRIES = 5
PAUSE_SECONDS = 0.5
CONNECT_SECONDS = 10.0
PAGE = 500


class ServerUnreachable(EngineError):
	"""No server of ours answers at an address, or it does not let us in, or it went away."""


class ServerRefused(EngineError):
	"""The server does not take a request; it says why."""


class ApiClient:
	"""One server, at an address such as `http://127.0.0.1:8188`. All methods raise `ServerUnreachable`, `ServerRefused`.

	A connection that breaks is made again after `pause` seconds, then after twice as long, and so on, a few times.
	"""

	def __init__(self, server: str, token: str = '', *, pause: float = PAUSE_SECONDS) -> None:
		self._pause = pause
		self._server = server.rstrip('/')
		if not self._server.startswith(('http://', 'https://')):
			raise BadDocument(f'{server!r} is no address of a server: it must begin with http:// or https://.')
		self._headers = {'Authorization': f'Bearer {token}'} if token else {}
		self._session: aiohttp.ClientSession | None = None

	async def __aenter__(self) -> ApiClient:
		timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
		self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
		return self

	async def __aexit__(
		self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
	) -> None:
		if self._session is not None:
			await self._session.close()

	async def nodes(self) -> dict[str, NodeInfo]:
		"""The kinds of nodes that it has."""
		found: dict[str, NodeInfo] = {}
		cursor = ''
		while True:
			page = await self._ask('GET', f'/v1/nodes?limit={PAGE}{cursor}', NodePage)
			found.update({info.kind: info for info in page.items})
			if page.next is None:
				return found
			cursor = f'&cursor={quote(page.next, safe="")}'

	async def workflow(self, name: str) -> dict[str, JsonValue]:
		"""A workflow of its library."""
		document = await self._ask('GET', f'/v1/workflows/{quote(name, safe="")}', WorkflowDocument)
		return document.model_dump(mode='json', exclude_unset=True)

	async def submit(
		self,
		document: Mapping[str, JsonValue],
		inputs: Mapping[str, JsonValue],
		job: str,
		axes: Mapping[str, Values] = MappingProxyType({}),
	) -> JobDetail:
		"""Queue a job under an id, for every combination of values if there are `axes`."""
		wanted = JobRequest(workflow=dict(document), inputs=dict(inputs), id=job, sweep=dict(axes))
		body = wanted.model_dump(mode='json', exclude_unset=True, by_alias=True)
		return await self._ask('POST', '/v1/jobs', JobDetail, json=body)

	async def job(self, job: str) -> JobDetail:
		"""A job with all that is known of it."""
		return await self._ask('GET', f'/v1/jobs/{job}', JobDetail)

	async def cancel(self, job: str) -> None:
		"""Cancel a job."""
		await self._ask('POST', f'/v1/jobs/{job}/cancel', CancelReply)

	async def follow(self, job: str) -> AsyncIterator[EventMessage]:
		"""What happens to a job, to its end. A connection that breaks is made again, and nothing is told twice."""
		after, failures = 0, 0
		while True:
			trouble = ServerUnreachable(f'The server at {self._server} ends the stream of events, again and again.')
			try:
				async for message in self._listen(job, after):
					failures = 0
					after = max(after, message.number)
					yield message
					if isinstance(message.event, JobFinished | JobDropped):
						return
			except ServerUnreachable as error:
				trouble = error
			if failures >= RETRIES:
				raise trouble
			failures += 1
			await asyncio.sleep(self._pause * failures)

	async def upload(self, path: Path) -> str:
		"""Send an input file; gives the name that it has there."""
		form = aiohttp.FormData()
		with path.open('rb') as stream:
			form.add_field('image', stream, filename=path.name)
			form.add_field('type', 'input')
			return (await self._ask('POST', '/upload/image', Uploaded, data=form)).name

	async def file(self, file: SavedFile) -> bytes:
		"""The content of a saved file."""
		asked = {'filename': file.filename, 'subfolder': file.subfolder, 'type': file.type}
		query = '&'.join(f'{name}={quote(value, safe="")}' for name, value in asked.items())
		return await self._fetch('GET', f'/view?{query}')

	async def _listen(self, job: str, after: int) -> AsyncIterator[EventMessage]:
		url = f'{self._server}/v1/events?job={quote(job, safe="")}&after={after}'
		try:
			async with self._open.ws_connect(url, heartbeat=30.0, max_msg_size=2**28) as socket:
				async for frame in socket:
					if frame.type is aiohttp.WSMsgType.TEXT:
						yield EventMessage.model_validate_json(frame.data)
		except (aiohttp.ClientError, OSError, TimeoutError) as error:
			raise ServerUnreachable(
				f'The connection to {self._server} is lost: {error or type(error).__name__}.'
			) from error

	@property
	def _open(self) -> aiohttp.ClientSession:
		if self._session is None:
			raise RuntimeError('The client is used outside of its `async with`.')
		return self._session

	async def _ask(
		self, method: str, path: str, model: type[M], *, json: object = None, data: aiohttp.FormData | None = None
	) -> M:
		content = await self._fetch(method, path, json=json, data=data)
		try:
			return model.model_validate_json(content)
		except ValidationError as error:
			raise ServerUnreachable(
				f'What answers at {self._server} is no Lumengraph server of this version.'
			) from error

	async def _fetch(
		self, method: str, path: str, *, json: object = None, data: aiohttp.FormData | None = None
	) -> bytes:
		try:
			async with self._open.request(method, f'{self._server}{path}', json=json, data=data) as answer:
				content = await answer.read()
				if answer.status in (401, 429):
					raise ServerUnreachable(
						f'The server at {self._server} asks for a token: give --token, or set {TOKEN}.'
					)
				if answer.status in (502, 503, 504):
					raise ServerUnreachable(f'The server at {self._server} answers {answer.status}: {told(content)}')
				if answer.status >= 400:
					raise ServerRefused(told(content) or f'The server answers {answer.status} {answer.reason}.')
				return content
		except (aiohttp.ClientError, OSError, TimeoutError) as error:
			cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
			raise ServerUnreachable(f'No server answers at {self._server}: {cause or type(cause).__name__}.') from error


def told(content: bytes) -> str:
	"""What a refusal says: every single thing that is wrong in a line of its own."""
	try:
		error = ErrorBody.model_validate_json(content).error
	except ValidationError:
		return ''
	details = [
		f'{detail.place}: {detail.message}' if isinstance(detail, Misfit) else detail.sentence
		for detail in error.details
	]
	return '\n'.join(details) or error.message
