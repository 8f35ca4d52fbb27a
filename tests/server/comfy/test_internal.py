"""What only the official front end asks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from yarl import URL

from tests.server.client import Api


class TestFolderPaths:
	async def test_places_by_kind(self, api: Api, base: Path) -> None:
		"""Every kind of model folder with all its places."""
		paths = await api.json('/internal/folder_paths')

		assert paths['checkpoints'] == [str(base / folder / 'checkpoints') for folder in ('models', 'output')]

	async def test_not_under_api(self, api: Api) -> None:
		"""These routes have one path only."""
		assert (await api.get('/api/internal/folder_paths')).status == 404


class TestFiles:
	"""GET /internal/files/{folder}."""

	async def test_newest_first(self, api: Api, base: Path) -> None:
		"""Each with the folder it lies in; folders and hidden files are left out."""
		for seconds, name in enumerate(('old.png', 'newer.png', '.hidden.png')):
			(base / 'output' / name).touch()
			os.utime(base / 'output' / name, (4_000_000_000 + seconds,) * 2)
		(base / 'output' / 'folder').mkdir()
		names = await api.json('/internal/files/output')
		for name in ('old.png', 'newer.png', '.hidden.png'):
			(base / 'output' / name).unlink()
		(base / 'output' / 'folder').rmdir()

		assert names[:2] == ['newer.png [output]', 'old.png [output]']
		assert not [name for name in names if name.startswith(('.', 'folder'))]

	async def test_each_can_be_viewed(self, api: Api) -> None:
		"""A name from the list is one that /view takes."""
		names = await api.json('/internal/files/input')

		assert 'seen.png [input]' in names
		assert (await api.get('/view', filename='seen.png [input]')).status == 200

	@pytest.mark.parametrize('folder', ['models', 'user', '%2e%2e', '..%2Finput', 'input%2F..', 'input%00'])
	async def test_other_folders_are_400(self, api: Api, folder: str) -> None:
		"""With a sentence in `error`, however they are written."""
		response = await api.web.get(URL(f'/internal/files/{folder}', encoded=True))

		assert response.status == 400
		assert isinstance((await response.json())['error'], str)
