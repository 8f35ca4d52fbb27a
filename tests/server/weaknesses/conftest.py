"""A server that is not well guarded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Web


@pytest_asyncio.fixture(scope='session', loop_scope='session')
async def open_network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
	"""A server that other machines can reach, and that asks nobody for a token: `--listen --insecure`."""
	settings = Settings(base=tmp_path_factory.mktemp('open'))
	app = build_app(settings, pack='tests.server.pack', host='0.0.0.0,::')
	async with TestClient(TestServer(app)) as client:
		yield client
