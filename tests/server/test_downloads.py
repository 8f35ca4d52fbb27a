"""Model files fetched from a server on this machine."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from engine.catalogue import Catalogue
from engine.errors import BadName
from engine.events import ModelDownload
from engine.settings import Settings
from server.downloads import Download, DownloadForbidden, DownloadNotFound, Downloads
from server.errors import Forbidden, NameTaken
from tests.server.client import eventually

CONTENT = bytes(range(256)) * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


async def whole(request: web.Request) -> web.Response:
	"""A file."""
	return web.Response(body=CONTENT)


async def endless(request: web.Request) -> web.StreamResponse:
	"""A file that begins and does not go on."""
	response = web.StreamResponse(headers={'Content-Length': '1000000'})
	await response.prepare(request)
	await response.write(b'begun')
	await asyncio.Event().wait()
	return response


async def elsewhere(request: web.Request) -> web.Response:
	"""Sent on, to where the query says."""
	raise web.HTTPFound(request.query['to'])


@pytest_asyncio.fixture(loop_scope='session')
async def hub() -> AsyncIterator[TestServer]:
	"""Where models are found."""
	app = web.Application()
	app.add_routes([web.get('/a', whole), web.get('/slow', endless), web.get('/on', elsewhere)])
	server = TestServer(app, host='127.0.0.1', shutdown_timeout=0)
	await server.start_server()
	yield server
	await server.close()


@pytest.fixture
def told() -> list[ModelDownload]:
	"""The events that were told."""
	return []


@pytest.fixture
def downloads(tmp_path: Path, told: list[ModelDownload]) -> Downloads:
	"""Downloads from this machine, into an empty folder of models."""
	(tmp_path / 'models' / 'checkpoints').mkdir(parents=True)
	return Downloads(Catalogue(Settings(base=tmp_path)), ('127.0.0.1',), told.append)


async def ended(downloads: Downloads, download: Download) -> Download:
	"""A download that is over."""

	async def over() -> bool:
		return download.state != 'running'

	await eventually(over, 'the end of a download')
	return download


def files(folder: Path) -> list[str]:
	"""What lies in the folders of models, hidden files too."""
	return [path.name for path in (folder / 'models').rglob('*') if path.is_file()]


class TestFetching:
	"""A file comes, or nothing does."""

	async def test_file_has_its_name_when_it_is_whole(
		self, downloads: Downloads, hub: TestServer, tmp_path: Path, told: list[ModelDownload]
	) -> None:
		"""Below its folder, checked against its sum, and told of to the end."""
		download = downloads.start(str(hub.make_url('/a')), 'checkpoints', 'sub/a.safetensors', DIGEST.upper())
		await ended(downloads, download)

		assert (download.state, download.error) == ('done', '')
		assert (tmp_path / 'models' / 'checkpoints' / 'sub' / 'a.safetensors').read_bytes() == CONTENT
		assert files(tmp_path) == ['a.safetensors']
		assert (told[-1].state, told[-1].received, told[-1].total) == ('done', len(CONTENT), len(CONTENT))
		assert downloads.entries() == [download]

	async def test_another_file_than_was_meant(self, downloads: Downloads, hub: TestServer, tmp_path: Path) -> None:
		"""It is not kept, and both sums are told."""
		download = downloads.start(str(hub.make_url('/a')), 'checkpoints', 'a.safetensors', 'f' * 64)
		await ended(downloads, download)

		assert download.state == 'failed'
		assert DIGEST in download.error
		assert files(tmp_path) == []

	async def test_what_is_not_there(self, downloads: Downloads, hub: TestServer, tmp_path: Path) -> None:
		"""The status is told; a folder that was made for it is gone again."""
		download = downloads.start(str(hub.make_url('/none')), 'checkpoints', 'sub/a.safetensors')
		await ended(downloads, download)

		assert (download.state, download.error) == ('failed', '127.0.0.1 answered 404.')
		assert not (tmp_path / 'models' / 'checkpoints' / 'sub').exists()

	async def test_cancelled(self, downloads: Downloads, hub: TestServer, tmp_path: Path) -> None:
		"""Nothing of it stays; cancelling again changes nothing."""
		download = downloads.start(str(hub.make_url('/slow')), 'checkpoints', 'a.safetensors')

		async def begun() -> bool:
			return download.received > 0

		await eventually(begun, 'the first bytes')
		await downloads.cancel(download.id)
		await downloads.cancel(download.id)

		assert download.state == 'cancelled'
		assert files(tmp_path) == []

	async def test_redirects_lead_to_named_hosts_only(self, downloads: Downloads, hub: TestServer) -> None:
		"""Each address is checked as the first one was."""
		good, bad = (
			downloads.start(str(hub.make_url('/on').with_query(to=to)), 'checkpoints', name)
			for to, name in (('/a', 'a.gguf'), (f'http://localhost:{hub.port}/a', 'b.gguf'))
		)
		await ended(downloads, good)
		await ended(downloads, bad)

		assert (good.state, bad.state) == ('done', 'failed')
		assert 'localhost' in bad.error


class TestRefusals:
	"""What is not even tried."""

	@pytest.mark.parametrize(
		'url', ['http://elsewhere/a', 'http://x127.0.0.1/a', 'file:///etc/passwd', 'ftp://127.0.0.1/a', '']
	)
	def test_addresses(self, downloads: Downloads, url: str) -> None:
		"""Only http and https, only hosts that were named."""
		with pytest.raises(DownloadForbidden):
			downloads.start(url, 'checkpoints', 'a.safetensors')

	def test_off_unless_allowed(self, tmp_path: Path, told: list[ModelDownload]) -> None:
		"""Without named hosts nothing is fetched."""
		downloads = Downloads(Catalogue(Settings(base=tmp_path)), (), told.append)
		with pytest.raises(DownloadForbidden, match='--model-hosts'):
			downloads.start('http://127.0.0.1/a', 'checkpoints', 'a.safetensors')

	@pytest.mark.parametrize(
		('folder', 'name'),
		[
			('checkpoints', 'a.ckpt'),
			('checkpoints', 'a.py'),
			('checkpoints', '.a.safetensors'),
			('checkpoints', '../outside.safetensors'),
			('checkpoints', '/tmp/outside.safetensors'),
			('nothing', 'a.safetensors'),
			('..', 'a.safetensors'),
		],
	)
	def test_names(self, downloads: Downloads, folder: str, name: str) -> None:
		"""Only into folders of models, only files that hold nothing that runs."""
		with pytest.raises((BadName, Forbidden)):
			downloads.start('http://127.0.0.1/a', folder, name)

	def test_nothing_is_replaced(self, downloads: Downloads, tmp_path: Path) -> None:
		"""A file that is there stays."""
		(tmp_path / 'models' / 'checkpoints' / 'a.safetensors').write_bytes(b'mine')
		with pytest.raises(NameTaken):
			downloads.start('http://127.0.0.1/a', 'checkpoints', 'a.safetensors')

	async def test_unknown_ones(self, downloads: Downloads) -> None:
		"""Neither found nor cancelled."""
		with pytest.raises(DownloadNotFound):
			downloads.find('1')
		with pytest.raises(DownloadNotFound):
			await downloads.cancel('1')
