"""The application as a whole: its routes, its folders, its documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import PROJECT, Settings
from server.app import BARE_ROUTES, COMFY_ROUTES, OWN_ROUTES, build_app
from server.openapi import plain_path
from tests.server.client import Api

GETS = ('/prompt', '/queue', '/history', '/history/none', '/object_info', '/object_info/Shade', '/features')
MORE_GETS = ('/embeddings', '/models', '/models/checkpoints', '/models/none', '/extensions', '/view', '/nowhere')
PACK_GETS = ('/i18n', '/workflow_templates', '/global_subgraphs', '/global_subgraphs/none', '/node_replacements')
MODEL_GETS = ('/experiment/models', '/experiment/models/checkpoints', '/view_metadata/checkpoints')
USER_GETS = ('/users', '/settings', '/settings/none', '/userdata', '/userdata/none', '/v2/userdata')
ALL_GETS = (*GETS, *MORE_GETS, *PACK_GETS, *MODEL_GETS, *USER_GETS)


class TestRoutes:
	"""What answers where."""

	@pytest.mark.parametrize('path', ALL_GETS)
	async def test_route_answers_the_same_under_api(self, api: Api, path: str) -> None:
		"""Every route of the dialect is served bare and under /api."""
		bare, doubled = await api.get(path), await api.get(f'/api{path}')

		assert bare.status == doubled.status
		assert (await bare.text()).replace(path, '') == (await doubled.text()).replace(f'/api{path}', '')

	@pytest.mark.parametrize('path', ALL_GETS)
	async def test_unknown_query_parameters_are_ignored(self, api: Api, path: str) -> None:
		"""Clients add their id and cache busters to every URL."""
		plain, more = await api.get(path), await api.get(path, clientId='x', rand='0.5', t='1')

		assert plain.status == more.status
		assert await plain.read() == await more.read()

	async def test_unknown_paths_are_404(self, api: Api) -> None:
		"""What no route answers is 404 with a sentence, whatever the method."""
		for response in (await api.get('/nowhere'), await api.get('/api/nowhere/at/all'), await api.post('/x', {})):
			assert response.status == 404
			assert (await response.json())['error']['code'] == 'not_found'

	async def test_wrong_method_is_405(self, api: Api) -> None:
		"""A known path that does not take a method says which it takes."""
		response = await api.post('/view', {})

		assert response.status == 405
		assert 'GET' in response.headers['Allow']

	async def test_options_is_answered(self, api: Api) -> None:
		"""Every OPTIONS gets 200."""
		assert (await api.web.options('/prompt')).status == 200
		assert (await api.web.options('/nowhere')).status == 200

	async def test_empty_user_header_is_ignored(self, api: Api) -> None:
		"""The official front end sends `Comfy-User` without a value."""
		assert (await api.web.get('/queue', headers={'Comfy-User': ''})).status == 200

	def test_every_route_is_in_the_readme(self) -> None:
		"""server/README.md has a row for each route."""
		readme = (PROJECT / 'server' / 'README.md').read_text()

		for route in (*COMFY_ROUTES, *BARE_ROUTES, *OWN_ROUTES):
			assert f'| {route.method} | `{plain_path(route.path)}` |' in readme

	def test_every_file_is_short(self) -> None:
		"""No file of the server passes 300 lines."""
		for path in (PROJECT / 'server').rglob('*.py'):
			assert len(path.read_text().splitlines()) <= 300, path


class TestTempFolder:
	"""What previews leave behind."""

	async def test_temp_folder_is_emptied_at_start_and_stop(self, tmp_path: Path) -> None:
		"""What lies in the temp folder outlives no run of the server that made it, and no crash for long."""
		left = tmp_path / 'temp' / 'left.png'
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))):
			left.touch()
		assert not left.exists()

		left.touch()
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))):
			assert not left.exists()

	async def test_folder_that_was_there_before_is_left_alone(self, tmp_path: Path) -> None:
		"""A temp folder that the server did not make may hold what somebody wants to keep."""
		kept = tmp_path / 'temp' / 'kept.png'
		kept.parent.mkdir()
		kept.touch()
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))):
			assert kept.exists()

		assert kept.exists()
