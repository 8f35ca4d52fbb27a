"""One session with the built-in nodes and the demo model for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.code.session import Session
from engine.settings import Settings


@pytest.fixture(scope='module')
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
	"""Folders of its own; the models that are shipped."""
	with Session(Settings(base=tmp_path_factory.mktemp('session'), cpu=True)) as session:
		yield session
