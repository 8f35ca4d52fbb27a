"""A bench per test; the pack's list of calls starts empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import pack
from tests.engine.tools import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The test pack's nodes over empty folders."""
	return Bench(tmp_path)


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[str]]:
	"""The nodes called in this process, in order."""
	pack.calls.clear()
	yield pack.calls
	pack.calls.clear()
