"""A real server with the built editor, and a page of a real Chromium that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from engine.settings import PROJECT
from tests.serving import Server, serving


@pytest.fixture(scope='session')
def editor_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""`python main.py` on a free port, with folders of its own and the models that are shipped."""
	assert (PROJECT / 'web' / 'dist' / 'index.html').is_file(), 'The editor is not built: pip install -e . builds it.'
	with serving(tmp_path_factory.mktemp('editor')) as server:
		yield server


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
