"""Model files fetched from elsewhere: only when somebody asks, only from hosts that whoever runs the server has named."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from engine.catalogue import Catalogue
from engine.errors import BadName, NotFound
from engine.events import ModelDownload
from server.errors import Forbidden, NameTaken
from server.filing import folders_for, place
from server.paths import inside

State = Literal['running', 'done', 'failed', 'cancelled']
SUFFIXES = frozenset({'.safetensors', '.sft', '.gguf'})
"""Files that hold numbers and nothing that runs."""
CHUNK = 2**20
REDIRECTS = 5
REMEMBERED = 100
TOLD_SECONDS = 0.5
SILENCE = ClientTimeout(total=None, sock_connect=30, sock_read=60)


class DownloadNotFound(NotFound):
	"""There is no download of this id."""

	def __init__(self, id: str) -> None:
		super().__init__(f'There is no download {id!r}; GET /v1/models/downloads lists them.')
		self.id = id


class DownloadForbidden(Forbidden):
	"""Nothing may be fetched from this address."""


class _Failed(Exception):
	"""The sentence says why a download came to nothing."""


@dataclass
class Download:
	"""One file on its way. `received` and `total` are in bytes; `total` is None until it is known."""

	id: str
	url: str
	folder: str
	name: str
	sha256: str
	state: State = 'running'
	received: int = 0
	total: int | None = None
	error: str = ''

	@property
	def event(self) -> ModelDownload:
		"""How it stands, for whoever listens."""
		return ModelDownload(
			id=self.id,
			folder=self.folder,
			name=self.name,
			state=self.state,
			received=self.received,
			total=self.total,
			error=self.error,
		)


class Downloads:
	"""The downloads of this run of the server. `hosts` may be fetched from, and their subdomains; none: nothing may."""

	def __init__(self, catalogue: Catalogue, hosts: tuple[str, ...], tell: Callable[[ModelDownload], None]) -> None:
		self.hosts = tuple(host.lower() for host in hosts)
		self._catalogue = catalogue
		self._tell = tell
		self._numbers = itertools.count(1)
		self._all: dict[str, Download] = {}
		self._tasks: dict[str, asyncio.Task[None]] = {}

	def entries(self) -> list[Download]:
		"""The latest ones, newest first."""
		return list(reversed(self._all.values()))

	def find(self, id: str) -> Download:
		"""One of them. Raises `DownloadNotFound`."""
		if id not in self._all:
			raise DownloadNotFound(id)
		return self._all[id]

	def start(self, url: str, folder: str, name: str, sha256: str = '') -> Download:
		"""Begin to fetch a file into a folder of model files.

		Raises `DownloadForbidden`, `BadName` for a folder or a name that cannot be, `NameTaken`.
		"""
		self._check_address(url)
		wanted = self._place(folder, name)
		download = Download(str(next(self._numbers)), url, folder, name, sha256.lower())
		self._all[download.id] = download
		for old in list(self._all)[:-REMEMBERED]:
			if old not in self._tasks:
				del self._all[old]
		task = asyncio.create_task(self._run(download, wanted))
		self._tasks[download.id] = task
		task.add_done_callback(lambda _: self._tasks.pop(download.id, None))
		return download

	async def cancel(self, id: str) -> Download:
		"""End a download; nothing of it stays. One that is over stays as it is. Raises `DownloadNotFound`."""
		download = self.find(id)
		if (task := self._tasks.get(id)) is not None:
			task.cancel()
			await asyncio.wait([task])
		return download

	async def stop(self) -> None:
		"""End all of them."""
		for id in list(self._tasks):
			await self.cancel(id)

	def _check_address(self, url: str) -> None:
		if not self.hosts:
			raise DownloadForbidden('This server fetches no models: start it with --model-hosts to name where from.')
		parts = urlsplit(url)
		host = (parts.hostname or '').lower()
		if parts.scheme not in ('http', 'https'):
			raise DownloadForbidden(f'Models are fetched by http and https only, not by {parts.scheme!r}.')
		if not any(host == known or host.endswith(f'.{known}') for known in self.hosts):
			raise DownloadForbidden(f'Nothing is fetched from {host!r}; --model-hosts names {", ".join(self.hosts)}.')

	def _place(self, folder: str, name: str) -> Path:
		places = self._catalogue.places.get(folder)
		if not places:
			raise BadName(folder, 'models', reason='there is no such folder of model files')
		if Path(name).suffix.lower() not in SUFFIXES:
			raise BadName(name, folder, reason=f'only {", ".join(sorted(SUFFIXES))} are fetched')
		wanted = inside(places[0], name)
		if any(part.startswith('.') for part in wanted.relative_to(places[0].resolve()).parts):
			raise BadName(name, folder, reason='it is hidden')
		if name in self._catalogue.names(folder) or wanted.exists():
			raise NameTaken(name)
		return wanted

	async def _run(self, download: Download, wanted: Path) -> None:
		download.state = await self._outcome(download, wanted)
		self._tell(download.event)

	async def _outcome(self, download: Download, wanted: Path) -> State:
		partial = wanted.parent / f'.{wanted.name}.{download.id}.part'
		try:
			with folders_for(wanted):
				try:
					await self._fetch(download, partial)
					await asyncio.to_thread(place, partial, wanted)
				finally:
					partial.unlink(missing_ok=True)
		except asyncio.CancelledError:
			return 'cancelled'
		except (_Failed, DownloadForbidden, NameTaken) as error:
			download.error = str(error)
			return 'failed'
		except (ClientError, TimeoutError, OSError, ValueError) as error:
			download.error = f'{type(error).__name__}: {error}'
			return 'failed'
		return 'done'

	async def _fetch(self, download: Download, partial: Path) -> None:
		async with ClientSession(timeout=SILENCE, cookie_jar=DummyCookieJar(), trust_env=True) as session:
			response = await self._open(session, download.url)
			with contextlib.closing(response):
				download.total = response.content_length
				with await asyncio.to_thread(partial.open, 'xb') as stream:
					await self._copy(download, response, stream)

	async def _open(self, session: ClientSession, url: str) -> ClientResponse:
		"""Redirects are followed by hand: each address is checked as the first one was."""
		for _ in range(REDIRECTS + 1):
			response = await session.get(url, allow_redirects=False, headers={'Accept-Encoding': 'identity'})
			if response.status == 200:
				return response
			response.release()
			if response.status not in (301, 302, 303, 307, 308) or 'Location' not in response.headers:
				raise _Failed(f'{urlsplit(url).hostname} answered {response.status}.')
			url = urljoin(url, response.headers['Location'])
			self._check_address(url)
		raise _Failed(f'It was sent on more than {REDIRECTS} times.')

	async def _copy(self, download: Download, response: ClientResponse, stream: IO[bytes]) -> None:
		digest = hashlib.sha256()
		told = 0.0
		clock = asyncio.get_running_loop().time
		async for piece in response.content.iter_chunked(CHUNK):
			await asyncio.to_thread(stream.write, piece)
			digest.update(piece)
			download.received += len(piece)
			if clock() - told >= TOLD_SECONDS:
				told = clock()
				self._tell(download.event)
		if download.total is not None and download.received != download.total:
			raise _Failed(f'{download.received:,} bytes of {download.total:,} came.')
		if download.sha256 and digest.hexdigest() != download.sha256:
			raise _Failed(f'It is another file: its SHA-256 is {digest.hexdigest()}, not {download.sha256}.')
		await asyncio.to_thread(stream.flush)
