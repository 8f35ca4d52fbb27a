"""Pictures that jobs save: their names, and what they hold."""

from __future__ import annotations

import io
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Api, call, shade


async def saved(api: Api, prefix: str) -> dict[str, str]:
	"""Run a job that saves one picture of 8 × 8; gives where it lies."""
	job = await api.submit({'1': shade(), '2': call('Save', paper=['1', 0], prefix=prefix)})
	picture: dict[str, str] = (await api.ended(job))['outputs']['2']['images'][0]
	return picture


class TestNames:
	async def test_numbers_grow(self, api: Api) -> None:
		"""Each picture has the next number of its prefix, five digits, whatever else lies there."""
		names = [(await saved(api, 'grow'))['filename'] for _ in range(3)]
		other = (await saved(api, 'grow more'))['filename']

		assert names == ['grow_00001_.png', 'grow_00002_.png', 'grow_00003_.png']
		assert other == 'grow more_00001_.png'

	async def test_subfolder_in_the_prefix(self, api: Api, base: Path) -> None:
		"""Is made, and told apart from the name."""
		picture = await saved(api, 'deep/down/name')

		assert picture == {'filename': 'name_00001_.png', 'subfolder': 'deep/down', 'type': 'output'}
		assert (base / 'output' / 'deep' / 'down' / 'name_00001_.png').is_file()
		assert (await api.get('/view', **picture)).status == 200

	async def test_placeholders(self, api: Api) -> None:
		"""The size and the date of the picture; what is none of them stays as it is."""
		picture = await saved(api, '%width%x%height% %year%-%month%-%day% %hour%%minute%%second% %batch_num% %other%')
		found = re.fullmatch(r'8x8 (\d{4})-(\d\d)-(\d\d) \d{6} 0 %other%_00001_\.png', picture['filename'])

		assert found is not None, picture
		assert int(found[1]) in (time.localtime().tm_year - 1, time.localtime().tm_year)

	async def test_prefix_that_leads_out_fails_the_job(self, api: Api, base: Path) -> None:
		"""Nothing is written elsewhere."""
		job = await api.submit({'1': shade(), '2': call('Save', paper=['1', 0], prefix='../../out')})
		entry = await api.ended(job)

		assert entry['status']['status_str'] == 'error'
		assert not list(base.parent.glob('out*'))


@pytest_asyncio.fixture(loop_scope='session')
async def silent(tmp_path: Path) -> AsyncIterator[Api]:
	"""A server that writes no workflows into pictures."""
	settings = Settings(base=tmp_path, metadata=False)
	async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))) as client:
		yield Api(client)


class TestMetadata:
	async def test_disabled(self, silent: Api) -> None:
		"""No text at all is in the picture. (`TestView` has what is there otherwise.)"""
		graph = {'1': shade(), '2': call('Save', paper=['1', 0])}
		job = await silent.submit(graph, extra_data={'extra_pnginfo': {'workflow': {'id': 'w'}}})
		response = await silent.get('/view', **(await silent.ended(job))['outputs']['2']['images'][0])
		picture = Image.open(io.BytesIO(await response.read()))

		assert picture.info == {}
