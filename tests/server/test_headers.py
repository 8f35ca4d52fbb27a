"""What the browser is told about every answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from engine.settings import Settings
from server.app import build_app
from server.headers import FILES, FOREIGN_PAGES, OWN_PAGES, add_guards, small_page_policy
from tests.server.client import Api, Web


def request_to(host: str, **headers: str) -> web.Request:
	"""A request for a page."""
	return make_mocked_request('GET', '/', headers={'Host': host, **headers})


class TestEveryAnswer:
	"""Headers that nothing goes without."""

	@pytest.mark.parametrize(
		'path', ['/', '/queue', '/nowhere', '/view?filename=seen.png&type=input', '/assets/main.js']
	)
	async def test_guards_are_on_every_answer(self, api: Api, path: str) -> None:
		"""Pages, JSON, refusals, pictures and scripts: types are not guessed, nobody frames or embeds them."""
		headers = (await api.web.get(path)).headers

		assert headers['X-Content-Type-Options'] == 'nosniff'
		assert headers['X-Frame-Options'] == 'DENY'
		assert headers['Referrer-Policy'] == 'same-origin'
		assert headers['Cross-Origin-Resource-Policy'] == 'same-origin'
		assert "frame-ancestors 'none'" in headers['Content-Security-Policy']
		assert 'aiohttp' not in headers['Server']

	async def test_a_foreign_pages_refusal_has_them_too(self, api: Api) -> None:
		"""What middlewares answer themselves is no exception."""
		refused = await api.web.get('/queue', headers={'Host': 'evil.example'})

		assert refused.status == 403
		assert refused.headers['X-Content-Type-Options'] == 'nosniff'

	async def test_what_is_no_page_may_do_nothing(self, api: Api) -> None:
		"""A picture or a JSON document opened by itself runs no script, whatever is in it."""
		picture = await api.get('/view', filename='seen.png', type='input')
		queue = await api.get('/queue')

		assert picture.headers['Content-Security-Policy'] == FILES
		assert queue.headers['Content-Security-Policy'] == FILES
		assert 'script' not in FILES
		assert FILES.endswith('sandbox')

	def test_what_the_handler_says_stays(self) -> None:
		"""A page with a policy of its own keeps it."""
		response = web.Response(text='', content_type='text/html', headers={'Content-Security-Policy': 'mine'})
		add_guards(request_to('localhost'), response)

		assert response.headers['Content-Security-Policy'] == 'mine'
		assert response.headers['Cross-Origin-Opener-Policy'] == 'same-origin'

	@pytest.mark.parametrize(
		('host', 'headers', 'trusted'),
		[
			('localhost:8188', {}, True),
			('127.0.0.1', {}, True),
			('192.168.1.5:8188', {}, False),
			('studio.example', {'X-Forwarded-Proto': 'https'}, True),
		],
	)
	def test_browsers_are_not_told_what_they_complain_of(
		self, host: str, headers: dict[str, str], trusted: bool
	) -> None:
		"""A page of a plain address in the network cannot be kept apart from other windows."""
		response = web.Response(text='', content_type='text/html')
		add_guards(request_to(host, **headers), response)

		assert ('Cross-Origin-Opener-Policy' in response.headers) is trusted

	def test_files_for_other_sites(self) -> None:
		"""Where other sites' pages were let in, they may show pictures too."""
		response = web.Response()
		add_guards(request_to('localhost'), response, shared=True)

		assert response.headers['Cross-Origin-Resource-Policy'] == 'cross-origin'


class TestPages:
	"""What a page may load."""

	@pytest_asyncio.fixture(loop_scope='session')
	async def own_web(self, tmp_path: Path) -> AsyncIterator[Web]:
		"""A server with the program's own editor."""
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))) as client:
			yield client

	async def test_own_editor_loads_nothing_from_elsewhere(self, own_web: Web) -> None:
		"""Scripts are files of ours, and requests go to us alone."""
		page = await own_web.get('/')
		policy = page.headers['Content-Security-Policy']

		assert policy == OWN_PAGES
		assert page.headers['Cross-Origin-Opener-Policy'] == 'same-origin'
		assert "script-src 'self';" in policy
		assert "connect-src 'self';" in policy
		assert 'unsafe' not in policy

	async def test_another_front_end_gets_more_room(self, api: Api) -> None:
		"""A front end that was put in the editor's place may compile its templates."""
		policy = (await api.get('/')).headers['Content-Security-Policy']

		assert policy == FOREIGN_PAGES
		assert "'unsafe-eval'" in policy
		assert "connect-src 'self'" in policy
		assert "object-src 'none'" in policy

	async def test_page_without_an_editor_keeps_to_its_own_policy(self, tmp_path: Path) -> None:
		"""Its one style sheet is named by its digest."""
		app = build_app(Settings(base=tmp_path), pack='tests.server.pack', editor=tmp_path)
		async with TestClient(TestServer(app)) as client:
			page = await client.get('/')
			text = await page.text()
		style = re.findall('<style>(.*)</style>', text, re.DOTALL)[0]

		assert page.headers['Content-Security-Policy'] == small_page_policy(style)

	def test_style_of_a_small_page_is_named_by_its_digest(self) -> None:
		"""As browsers compute it."""
		wanted = base64.b64encode(hashlib.sha256(b'p {}').digest()).decode()

		assert f"style-src 'sha256-{wanted}';" in small_page_policy('p {}')
