"""The page about the API in a real browser: found in, tried out, and nothing to complain about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.serving import Server

pytestmark = pytest.mark.browser


@dataclass
class Docs:
	"""The page, what the browser complained about, and where it asked for something."""

	page: Page
	complaints: list[str]
	asked: list[str]


@pytest.fixture
def docs(browser: Browser, editor_server: Server) -> Iterator[Docs]:
	"""A fresh window with the page open."""
	context = browser.new_context(viewport={'width': 1360, 'height': 900})
	page = context.new_page()
	complaints: list[str] = []
	asked: list[str] = []

	def complain(message: ConsoleMessage) -> None:
		if message.type in ('error', 'warning'):
			complaints.append(message.text)

	def note(request: Request) -> None:
		asked.append(request.url)

	page.on('console', complain)
	page.on('pageerror', lambda error: complaints.append(str(error)))
	page.on('request', note)
	page.goto(f'{editor_server.url}/v1/docs')
	yield Docs(page, complaints, asked)
	context.close()


class TestDocs:
	"""What a reader does."""

	def test_loads_from_here_alone(self, docs: Docs, editor_server: Server) -> None:
		"""The policy is kept, and nobody else is asked for anything."""
		expect(docs.page.get_by_role('heading', name='Lumengraph API')).to_be_visible()

		assert docs.complaints == []
		assert {url for url in docs.asked if not url.startswith(editor_server.url)} <= {'data:,'}

	def test_finds(self, docs: Docs) -> None:
		"""As one types; Enter goes to the first that is left."""
		docs.page.keyboard.press('/')
		docs.page.keyboard.type('delete work')
		entries = docs.page.locator('nav li:visible')

		expect(entries).to_have_text(['DELETE/workflows/{name}'])
		docs.page.keyboard.press('Enter')
		expect(docs.page.locator('#delete_workflow')).to_be_in_viewport()

	def test_tries_out(self, docs: Docs) -> None:
		"""A form sends the request and shows the answer, its status, and the command line for the same."""
		card = docs.page.locator('#show_workflow')
		card.get_by_text('Try it').click()
		card.locator('input[name=name]').fill('text_to_image')
		expect(card.locator('.curl')).to_contain_text('/v1/workflows/text_to_image')
		card.get_by_role('button', name='Send').click()

		expect(card.locator('.outcome .status')).to_have_text('200')
		expect(card.locator('.outcome pre')).to_contain_text('"lumengraph": 2,\n')
		assert docs.complaints == []

	def test_asks_before_it_deletes(self, docs: Docs) -> None:
		"""Who says no has sent nothing."""
		docs.page.on('dialog', lambda dialog: dialog.dismiss())
		card = docs.page.locator('#clear_cache')
		card.get_by_text('Try it').click()
		before = len(docs.asked)
		card.get_by_role('button', name='Send').click()

		expect(card.locator('.outcome')).to_be_empty()
		assert len(docs.asked) == before
