"""The editor talks to the server it came from and to nobody else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request, WebSocket, expect

from tests.web.conftest import Editor

pytestmark = pytest.mark.browser


def test_no_request_leaves_the_host(editor: Editor) -> None:
	"""Loaded anew, with every panel and dialog opened, a search, a tidy layout and the other language."""
	page = editor.page
	asked: list[str] = []

	def note(request: Request) -> None:
		asked.append(request.url)

	def note_socket(socket: WebSocket) -> None:
		asked.append(socket.url)

	page.on('request', note)
	page.on('websocket', note_socket)
	page.reload()
	page.get_by_test_id('editor-ready').wait_for(state='attached')
	panels = page.locator('.rail button').evaluate_all('all => all.map(one => one.dataset.testid)')
	for panel in panels:
		page.get_by_test_id(panel).click()
		expect(page.get_by_test_id(f'open-{panel}')).to_be_visible()
	for keys in ('?', 'Control+k', 'Control+f'):
		page.locator('.canvas').focus()
		page.keyboard.press(keys)
		expect(page.get_by_role('dialog')).to_be_visible()
		page.keyboard.press('Escape')
		expect(page.get_by_role('dialog')).to_have_count(0)
	page.keyboard.press('/')
	page.get_by_test_id('search-input').fill('sampler')
	page.keyboard.press('Escape')
	page.evaluate("window.lumengraph.run('tidy')")
	if page.get_by_test_id('setting-language').count() == 0:
		page.get_by_test_id('panel-settings').click()
	page.get_by_test_id('setting-language').select_option('de')
	expect(page.get_by_test_id('add-node-button')).to_contain_text('Knoten')
	host = urlsplit(editor.server.url).netloc

	assert len(asked) > 10
	assert {urlsplit(url).netloc for url in asked if not url.startswith(('data:', 'blob:'))} == {host}
