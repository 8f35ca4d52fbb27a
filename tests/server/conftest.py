"""One real server with one real worker process for all tests of this folder; each test begins with an empty queue."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Api, Web
from tests.server.guarded import Guarded, guarded_server

PACK = 'tests.server.pack'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
	"""The server lives in the session's event loop, so its tests run there."""
	here = Path(__file__).parent
	for item in items:
		is_async = isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function)
		if is_async and item.path.is_relative_to(here):
			item.add_marker(pytest.mark.asyncio(loop_scope='session'), append=False)


@pytest.fixture(scope='session')
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""The server's data folder: a picture to load, an embedding, two models, a built editor, a broken pack."""
	base = tmp_path_factory.mktemp('base')
	for name in ('input/sub', 'output', 'models/checkpoints/sub', 'models/embeddings', 'editor/assets'):
		(base / name).mkdir(parents=True)
	Image.new('RGBA', (8, 4), (10, 20, 30, 40)).save(base / 'input' / 'seen.png')
	for name in ('checkpoints/one.safetensors', 'checkpoints/sub/two.safetensors', 'embeddings/good.pt'):
		(base / 'models' / name).write_bytes(b'weights')
	(base / 'custom_nodes').mkdir()
	(base / 'custom_nodes' / 'broken.py').write_text('raise RuntimeError')
	(base / 'editor' / 'index.html').write_text('<title>Editor</title>')
	(base / 'editor' / 'assets' / 'main.js').write_text('run()')
	(base / 'editor' / 'assets' / 'logo.PNG').write_bytes(b'png')
	return base


@pytest_asyncio.fixture(scope='session', loop_scope='session')
async def web(base: Path) -> AsyncIterator[Web]:
	"""A client of the running server."""
	app = build_app(Settings(base=base), pack=PACK, max_body=2**19, editor=base / 'editor')
	async with TestClient(TestServer(app)) as client:
		yield client


@pytest_asyncio.fixture(loop_scope='session')
async def api(web: Web) -> AsyncIterator[Api]:
	"""The server with an empty queue and an empty history, and left so."""
	api = Api(web)
	yield api
	await api.idle()


@pytest_asyncio.fixture(scope='session', loop_scope='session')
async def guarded_session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
	"""One server for all tests that need tokens."""
	async with guarded_server(tmp_path_factory.mktemp('guarded')) as guarded:
		yield guarded


@pytest.fixture
def guarded(guarded_session: Guarded) -> Guarded:
	"""That server, to a client that has shown nothing yet."""
	guarded_session.forget()
	return guarded_session
