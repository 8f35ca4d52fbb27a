"""The editor behind a token, in a real browser."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from engine.settings import PROJECT
from server.tokens import Tokens

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Locked:
	"""A server that asks for a token, and the token."""

	url: str
	token: str

	@property
	def link(self) -> str:
		"""What the server prints at its first start."""
		return f'{self.url}/v1/login?token={self.token}'


@pytest.fixture(scope='module')
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
	"""`python main.py` where there is a token."""
	base = tmp_path_factory.mktemp('locked')
	token = Tokens(base / 'data').new('mine')
	process = subprocess.Popen(
		[sys.executable, 'main.py', '--port', '0', '--base', str(base)],
		cwd=PROJECT,
		stdout=subprocess.PIPE,
		text=True,
	)
	assert process.stdout is not None
	try:
		yield Locked(process.stdout.readline().split()[-1], token)
	finally:
		process.terminate()
		process.communicate(timeout=30)


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
	"""A browser that was never here."""
	context = browser.new_context()
	yield context
	context.close()


@pytest.fixture
def other_site(tmp_path: Path, locked: Locked) -> Iterator[str]:
	"""A page of another site, with a link to the editor and a picture of it in a frame."""
	(tmp_path / 'index.html').write_text(
		f'<a id="link" href="{locked.url}/">editor</a><iframe id="frame" src="{locked.url}/"></iframe>'
	)
	handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
	with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
		threading.Thread(target=server.serve_forever, daemon=True).start()
		# To browsers, localhost is another site than 127.0.0.1.
		yield f'http://localhost:{server.server_address[1]}/index.html'
		server.shutdown()


def opened(page: Page) -> None:
	"""Wait until the editor is there."""
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)


class TestLogin:
	"""A person with a browser."""

	def test_the_link_opens_the_editor(self, locked: Locked, window: BrowserContext) -> None:
		"""Its token is not in the address afterwards, and not within reach of any script."""
		page = window.new_page()
		page.goto(locked.link)
		opened(page)

		assert page.url == f'{locked.url}/'
		assert page.evaluate('document.cookie') == ''
		expect(page.get_by_test_id('connection-state')).to_have_attribute('data-state', 'open')

	def test_the_form_opens_the_editor(self, locked: Locked, window: BrowserContext) -> None:
		"""Whoever opens the address is asked; a wrong token is said to be; the right one goes on."""
		page = window.new_page()
		page.goto(locked.url)
		page.get_by_label('Token').fill('wrong')
		page.get_by_role('button').click()
		expect(page.get_by_role('alert')).to_be_visible()
		page.get_by_label('Token').fill(locked.token)
		page.get_by_role('button').click()
		opened(page)

		assert page.url == f'{locked.url}/'

	def test_a_plain_link_of_another_site_works(self, locked: Locked, window: BrowserContext, other_site: str) -> None:
		"""Though the browser shows no cookie then; who never logged in is asked."""
		page = window.new_page()
		page.goto(other_site)
		page.locator('#link').click()
		expect(page.get_by_label('Token')).to_be_visible()

		page.goto(locked.link)
		opened(page)
		page.goto(other_site)
		page.locator('#link').click()
		opened(page)
		assert page.url == f'{locked.url}/'

	def test_another_site_cannot_frame_the_editor(
		self, locked: Locked, window: BrowserContext, other_site: str
	) -> None:
		"""Nor can it read from here, or queue something, in the name of somebody who is logged in."""
		page = window.new_page()
		page.goto(locked.link)
		opened(page)
		page.goto(other_site)
		frame = page.locator('#frame').element_handle()
		assert frame is not None
		inside = frame.content_frame()
		send = "url => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'})"
		read = "url => fetch(url, {credentials: 'include'})"

		assert inside is not None
		assert inside.get_by_test_id('editor-ready').count() == 0
		for script, path in ((read, '/queue'), (send, '/interrupt')):
			with pytest.raises(Error, match='Failed to fetch'):
				page.evaluate(script, locked.url + path)


class TestPolicy:
	"""What the editor's page may do."""

	def test_scripts_in_the_page_do_not_run(self, locked: Locked, window: BrowserContext) -> None:
		"""Should anybody get markup into it, it is only shown."""
		page = window.new_page()
		page.goto(locked.link)
		opened(page)
		refused = page.evaluate(
			"""() => new Promise(resolve => {
				const refused = [];
				document.addEventListener('securitypolicyviolation', event => {
					refused.push(event.effectiveDirective);
					if (refused.includes('script-src-elem') && refused.includes('script-src-attr')) resolve(refused);
				});
				const script = document.createElement('script');
				script.textContent = 'window.hit = 1';
				document.body.append(script);
				document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.hit = 2">');
			})"""
		)

		assert len(refused) >= 2
		assert page.evaluate('window.hit') is None

	def test_the_page_talks_to_nobody_else(self, locked: Locked, window: BrowserContext, other_site: str) -> None:
		"""What it knows stays here."""
		page = window.new_page()
		page.goto(locked.link)
		opened(page)

		with pytest.raises(Error, match='Failed to fetch'):
			page.evaluate("url => fetch(url, {mode: 'no-cors'})", other_site)
