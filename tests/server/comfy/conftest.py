"""One real server whose custom nodes are the testing packs, for all tests of this folder that ask for it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from engine.settings import PROJECT, Settings
from server.app import build_app
from tests.server.client import Api, Web

PACKS = PROJECT / 'tests' / 'packs'
COMPANION = 'companion pack'


@pytest_asyncio.fixture(scope='session', loop_scope='session')
async def hosting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
	"""A client of the running server."""
	base = tmp_path_factory.mktemp('host')
	shutil.copytree(PACKS / 'testing-pack', base / 'custom_nodes' / 'testing-pack')
	shutil.copy(PACKS / 'single_file.py', base / 'custom_nodes')
	shutil.copytree(PACKS / 'more' / COMPANION, base / 'custom_nodes' / COMPANION)
	Image.new('RGB', (4, 4)).save(base / 'custom_nodes' / COMPANION / 'example_workflows' / 'start.jpg')
	app = build_app(Settings(base=base), editor=Path(base))
	async with TestClient(TestServer(app)) as client:
		yield client


@pytest_asyncio.fixture(loop_scope='session')
async def host(hosting: Web) -> AsyncIterator[Api]:
	"""The server with an empty queue and an empty history, and left so."""
	api = Api(hosting)
	yield api
	await api.idle()
