"""/v1/workflows: the bundled workflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.errors import errors
from server.keys import WORKFLOWS
from server.routes.workflows import routes
from tests.server.client import Api

DOCUMENT = {
	'lumengraph': 1,
	'title': 'One',
	'nodes': {'a': {'kind': 'X', 'inputs': {'b': None}, 'more': 1}},
	'own': [2],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
	"""A folder with one workflow, one broken file, and one file beside it."""
	folder = tmp_path / 'workflows'
	folder.mkdir()
	(folder / 'one.json').write_text(json.dumps({**DOCUMENT, 'description': 'Does it.'}))
	(folder / 'broken.json').write_text('{')
	(folder / 'README.md').write_text('read me')
	(tmp_path / 'outside.json').write_text(json.dumps(DOCUMENT))
	return folder


async def get(folder: Path, path: str) -> tuple[int, object]:
	"""The answer to a GET."""
	app = web.Application(middlewares=(errors,))
	app[WORKFLOWS] = folder
	app.add_routes(routes)
	async with TestClient(TestServer(app)) as client:
		response = await client.get(path)
		return response.status, await response.json()


class TestWorkflows:
	"""Listing and fetching."""

	async def test_listing_leaves_out_what_is_broken(self, folder: Path) -> None:
		"""Name, title and description; a broken file does not hide the others."""
		listing = {'workflows': [{'name': 'one', 'title': 'One', 'description': 'Does it.'}]}

		assert await get(folder, '/v1/workflows') == (200, listing)

	async def test_document_is_what_the_file_says(self, folder: Path) -> None:
		"""Nothing is added, nothing is lost."""
		assert await get(folder, '/v1/workflows/one') == (200, {**DOCUMENT, 'description': 'Does it.'})

	@pytest.mark.parametrize('name', ['none', 'broken', '..%2foutside', '%2e%2e%2foutside', 'README.md', 'one.json'])
	async def test_unknown_name_is_404(self, folder: Path, name: str) -> None:
		"""Only names of the listing are found; none leads out of the folder."""
		status, _ = await get(folder, f'/v1/workflows/{name}')

		assert status == 404

	async def test_bundled_workflows_are_served(self, api: Api) -> None:
		"""Those of the repository, each of them."""
		for summary in (await api.json('/v1/workflows'))['workflows']:
			assert (await api.json(f'/v1/workflows/{summary["name"]}'))['lumengraph'] == 1
