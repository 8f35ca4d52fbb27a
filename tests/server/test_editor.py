"""The editor's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.editor import editor_files, routes
from server.keys import EDITOR
from tests.server.client import Api


class TestEditor:
	"""A built editor."""

	async def test_page_and_files(self, api: Api) -> None:
		"""The page at /, its scripts as scripts."""
		page, script = await api.get('/'), await api.get('/assets/main.js')

		assert page.content_type == 'text/html'
		assert 'Editor' in await page.text()
		assert script.content_type == 'text/javascript'
		assert await script.text() == 'run()'

	@pytest.mark.parametrize(
		'path', ['/assets', '/assets/', '/assets/none.js', '/%2e%2e/input/seen.png', '/..%2finput']
	)
	async def test_other_paths_are_404(self, api: Api, path: str) -> None:
		"""Folders are not listed, and no path leaves the editor's folder."""
		assert (await api.get(path)).status == 404

	async def test_links_out_of_the_folder_are_not_followed(self, api: Api, base: Path) -> None:
		"""Only what lies in the folder is found there."""
		(base / 'editor' / 'link.png').symlink_to(base / 'input' / 'seen.png')
		response = await api.get('/link.png')
		(base / 'editor' / 'link.png').unlink()

		assert response.status == 404

	async def test_unbuilt_editor_says_how_to_build_it(self, tmp_path: Path) -> None:
		"""Without a build, / is a page that helps, and is not kept."""
		app = web.Application(middlewares=(editor_files,))
		app[EDITOR] = tmp_path / 'none'
		app.add_routes(routes)
		async with TestClient(TestServer(app)) as client:
			page = await client.get('/')
			text = await page.text()
			missing = await client.get('/assets/main.js')

		assert page.status == 200
		assert 'pip install -e .' in text
		assert 'npm ci' in text
		assert page.headers['Cache-Control'].startswith('no-store')
		assert missing.status == 404
