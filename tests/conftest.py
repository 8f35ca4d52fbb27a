"""What all tests share: folders of their own, a browser, and no way out of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.settings import Settings
from tests.web.chromium import FLAGS, find_chromium, install_chromium

if TYPE_CHECKING:
	from playwright.sync_api import Browser

# Loading a model must never ask a hub; should something try, it fails at once and not after a time-out.
os.environ.setdefault('HF_HUB_OFFLINE', '1')
os.environ.setdefault('TRANSFORMERS_OFFLINE', '1')
# Tiny models are quicker on one thread, and so is a machine that runs several tests at once.
os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	"""Settings whose every folder is empty and the test's own."""
	return Settings(base=tmp_path)


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
	"""A headless Chromium: the system's, else Debian's, which is then installed, else Playwright's own.

	Not kept for longer: as long as Playwright runs, it has the thread's event loop, and no test can be a coroutine.
	"""
	from playwright.sync_api import sync_playwright

	path = find_chromium()
	if path is None:
		install_chromium()
		path = find_chromium()
	with sync_playwright() as playwright:
		if path is None and not Path(playwright.chromium.executable_path).is_file():
			reason = 'No Chromium: install it with your system, or with `playwright install chromium`.'
			assert not os.environ.get('CI'), reason
			pytest.skip(reason)
		launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
		yield launched
		launched.close()
