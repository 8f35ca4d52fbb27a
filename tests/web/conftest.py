"""A real server with the built editor, and a page of a real Chromium that looks at it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from engine.settings import PROJECT
from tests.web.chromium import FLAGS, find_chromium, install_chromium


@dataclass(frozen=True)
class Server:
	"""A server process and its folders."""

	url: str
	base: Path
	process: subprocess.Popen[str]


@pytest.fixture(scope='session')
def editor_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""`python main.py` on a free port, with folders of its own and the models that are shipped."""
	assert (PROJECT / 'web' / 'dist' / 'index.html').is_file(), 'The editor is not built: pip install -e . builds it.'
	base = tmp_path_factory.mktemp('editor')
	process = subprocess.Popen(
		[sys.executable, 'main.py', '--port', '0', '--base', str(base)],
		cwd=PROJECT,
		stdout=subprocess.PIPE,
		text=True,
	)
	assert process.stdout is not None
	try:
		line = process.stdout.readline()
		assert line, f'The server ended with {process.wait()}; its own words are above.'
		yield Server(line.split()[-1], base, process)
	finally:
		process.terminate()
		process.communicate(timeout=30)


@pytest.fixture(scope='session')
def browser() -> Iterator[Browser]:
	"""A headless Chromium: the system's, else Debian's, which is then installed, else Playwright's own."""
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


@dataclass
class Editor:
	"""The editor as a user has it before them, with what the browser complained about."""

	page: Page
	server: Server
	complaints: list[str]


@pytest.fixture
def editor(browser: Browser, editor_server: Server) -> Iterator[Editor]:
	"""A fresh window with the editor open and ready."""
	context = browser.new_context(viewport={'width': 1600, 'height': 900})
	page = context.new_page()
	complaints: list[str] = []

	def complain(message: ConsoleMessage) -> None:
		if message.type in ('error', 'warning'):
			complaints.append(message.text)

	page.on('console', complain)
	page.on('pageerror', lambda error: complaints.append(str(error)))
	page.goto(editor_server.url)
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
	yield Editor(page, editor_server, complaints)
	context.close()
