"""Scripts of the front end and of packs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Api

FRONT = {
	'index.html': '<title>Front</title>',
	'assets/app.js': 'app()',
	'assets/app.wasm': '',
	'assets/style.css': 'body {}',
	'fonts/a.woff2': '',
	'scripts/app.js': 'export {}',
	'user.css': 'html {}',
	'extensions/core/node.js': 'core()',
	'extensions/more/sub/x.js': 'more()',
	'extensions/more/x.css': '',
	'templates/index.json': '[{"moduleName": "default"}]',
	'templates/flux.json': '{}',
}


@pytest_asyncio.fixture(loop_scope='session')
async def front(tmp_path: Path) -> AsyncIterator[Api]:
	"""A server with a front end that is not ours."""
	for name, content in FRONT.items():
		(tmp_path / 'front' / name).parent.mkdir(parents=True, exist_ok=True)
		(tmp_path / 'front' / name).write_text(content)
	(tmp_path / 'front' / 'secret.txt').symlink_to(tmp_path)
	app = build_app(Settings(base=tmp_path), pack='tests.server.pack', editor=tmp_path / 'front')
	async with TestClient(TestServer(app)) as client:
		yield Api(client)


class TestFrontEnd:
	"""Another front end in the editor's place."""

	async def test_page_is_never_kept(self, front: Api) -> None:
		"""So that a new version is seen at once."""
		page = await front.get('/')

		assert 'Front' in await page.text()
		assert page.headers['Cache-Control'] == 'no-store, must-revalidate'

	@pytest.mark.parametrize(
		('path', 'type'),
		[
			('/assets/app.js', 'text/javascript'),
			('/assets/app.wasm', 'application/wasm'),
			('/assets/style.css', 'text/css'),
			('/fonts/a.woff2', 'font/woff2'),
			('/scripts/app.js', 'text/javascript'),
			('/user.css', 'text/css'),
			('/extensions/core/node.js', 'text/javascript'),
		],
	)
	async def test_files_have_their_types(self, front: Api, path: str, type: str) -> None:
		"""Wherever no route answers, and among its extensions."""
		response = await front.get(path)

		assert (response.status, response.content_type) == (200, type)

	async def test_templates_that_it_brings(self, front: Api) -> None:
		"""Are served in the place of the empty lists; lists that it lacks are empty."""
		assert await front.json('/templates/index.json') == [{'moduleName': 'default'}]
		assert await front.json('/templates/flux.json') == {}
		assert await front.json('/templates/index.fr.json') == []

	async def test_its_extensions_are_listed(self, front: Api) -> None:
		"""Every script below `extensions/`."""
		assert await front.json('/extensions') == ['/extensions/core/node.js', '/extensions/more/sub/x.js']


class TestPacks:
	"""Web folders of packs."""

	async def test_scripts_are_listed_and_served(self, host: Api) -> None:
		"""`WEB_DIRECTORY` under the pack's name, what pyproject.toml names under the project's."""
		listed = await host.json('/extensions')
		sources = [await (await host.web.get(URL(path, encoded=True))).text() for path in listed]

		assert sorted(listed) == [
			'/extensions/companion%20pack/main.js',
			'/extensions/companion%20pack/sub/more%20words.js',
			'/extensions/companion-project/extra.js',
		]
		assert sorted(source.split("'")[1] for source in sources) == ['extra', 'main', 'more']

	async def test_types(self, host: Api) -> None:
		"""Scripts are asked for each time; styles are styles."""
		script = await host.get('/extensions/companion%20pack/main.js')
		style = await host.get('/extensions/companion%20pack/style.css')

		assert (script.content_type, script.headers['Cache-Control']) == ('text/javascript', 'no-cache')
		assert (style.content_type, style.status) == ('text/css', 200)

	@pytest.mark.parametrize(
		'path',
		[
			'companion%20pack/none.js',
			'companion%20pack/.hidden.js',
			'companion%20pack/sub',
			'companion%20pack/..%2F__init__.py',
			'companion%20pack/..%5C__init__.py',
			'companion%20pack/sub%2F..%2F..%2F__init__.py',
			'companion%20pack/%2Fetc%2Fpasswd',
			'companion%20pack/C:%5Cx.js',
			'companion%20pack/main.js%00',
			'testing-pack/__init__.py',
			'none/main.js',
			'..%2Fcompanion%20pack/main.js',
		],
	)
	async def test_anything_else_is_404(self, host: Api, path: str) -> None:
		"""Nothing but what lies in a folder that a pack shows."""
		assert (await host.web.get(URL(f'/extensions/{path}', encoded=True))).status == 404

	async def test_server_without_scripts(self, api: Api) -> None:
		"""Has an empty list."""
		assert await api.json('/extensions') == []
