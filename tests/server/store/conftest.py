"""A store for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.server.store.desk import Desk


@pytest_asyncio.fixture(loop_scope='session')
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
	"""An open, empty store with a queue."""
	desk = await Desk(tmp_path).open()
	yield desk
	desk.close()
