"""/v1/images: saved pictures, over HTTP."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.server.client import Api, saving


@pytest.fixture
def shelf(base: Path) -> Path:
	"""A folder of five pictures in the output folder."""
	folder = base / 'output' / 'shelf' / 'ä b'
	folder.mkdir(parents=True, exist_ok=True)
	for index in range(5):
		Image.new('RGB', (200, 100), (index, 0, 0)).save(folder / f'{index}.png')
		os.utime(folder / f'{index}.png', (index, index))
	return folder


class TestListing:
	"""Newest first, in pages."""

	async def test_pages(self, api: Api, shelf: Path) -> None:
		"""One after the other, until the last says that it is the last."""
		found: list[str] = []
		query: dict[str, str | int] = {'folder': 'shelf', 'limit': 2}
		while True:
			page = await api.json('/v1/images', **query)
			found += [item['path'] for item in page['items']]
			if page['next'] is None:
				break
			query['cursor'] = page['next']

		assert found == [f'shelf/ä b/{index}.png' for index in (4, 3, 2, 1, 0)]

	async def test_saved_by_a_job(self, api: Api) -> None:
		"""What a job has saved comes first, and carries its workflow."""
		await api.ended(await api.submit(saving(), extra_data={'extra_pnginfo': {'workflow': {}}}))
		(item,) = (await api.json('/v1/images', limit=1))['items']

		assert (item['width'], item['height'], item['format']) == (8, 8, 'PNG')
		assert item['metadata'] == {'prompt': True, 'workflow': True, 'lumengraph': False}

	async def test_wrong_cursor(self, api: Api) -> None:
		"""400, naming it."""
		response = await api.get('/v1/images', cursor='x')

		assert response.status == 400
		assert (await response.json())['error']['details'][0]['place'] == 'query.cursor'


class TestShowing:
	"""One picture."""

	async def test_file(self, api: Api, shelf: Path) -> None:
		"""As it lies there; it is asked for again each time, but not sent again."""
		response = await api.get('/v1/images/shelf/ä b/1.png')
		again = await api.web.get('/v1/images/shelf/ä b/1.png', headers={'If-None-Match': response.headers['ETag']})

		assert (response.status, response.content_type) == (200, 'image/png')
		assert await response.read() == (shelf / '1.png').read_bytes()
		assert response.headers['Cache-Control'] == 'no-cache'
		assert response.headers['X-Content-Type-Options'] == 'nosniff'
		assert again.status == 304

	async def test_part_of_it(self, api: Api, shelf: Path) -> None:
		"""`Range` is heeded."""
		response = await api.web.get('/v1/images/shelf/ä b/1.png', headers={'Range': 'bytes=1-3'})

		assert (response.status, await response.read()) == (206, b'PNG')

	async def test_thumbnail(self, api: Api, shelf: Path) -> None:
		"""A WebP of the wanted size, with an ETag of its own."""
		response = await api.get('/v1/images/shelf/ä b/1.png', size=50)
		again = await api.web.get(
			'/v1/images/shelf/ä b/1.png?size=50', headers={'If-None-Match': response.headers['ETag']}
		)
		larger = await api.web.get(
			'/v1/images/shelf/ä b/1.png?size=60', headers={'If-None-Match': response.headers['ETag']}
		)

		assert (response.status, response.content_type) == (200, 'image/webp')
		assert Image.open(io.BytesIO(await response.read())).size == (50, 25)
		assert (again.status, larger.status) == (304, 200)

	@pytest.mark.parametrize('size', [15, 2049, -1, 'x', ''])
	async def test_sizes_that_are_none(self, api: Api, shelf: Path, size: str | int) -> None:
		"""400."""
		assert (await api.get('/v1/images/shelf/ä b/1.png', size=size)).status == 400

	async def test_what_cannot_be_made_smaller(self, api: Api, shelf: Path) -> None:
		"""422, though the file itself can be had."""
		(shelf / 'damaged.png').write_bytes(b'text')
		response = await api.get('/v1/images/shelf/ä b/damaged.png', size=50)
		error: Any = (await response.json())['error']
		(shelf / 'damaged.png').unlink()

		assert (response.status, error['code']) == (422, 'unreadable_picture')

	@pytest.mark.parametrize(
		('path', 'status'),
		[
			('..%2finput%2fseen.png', 400),
			('..%5cinput%5cseen.png', 400),
			('%2e%2e/input/seen.png', 400),
			('%2fetc%2fpasswd', 400),
			('a%00.png', 400),
			('seen.png%20%5binput%5d', 404),
			('none.png', 404),
			('shelf', 404),
		],
	)
	async def test_nothing_else(self, api: Api, base: Path, path: str, status: int) -> None:
		"""No other folder's files, neither shown nor deleted."""
		shown, deleted = await api.get(f'/v1/images/{path}'), await api.web.delete(f'/v1/images/{path}')

		# The client itself takes `..` between slashes out of an address.
		assert shown.status in (status, 404)
		assert deleted.status in (status, 404)
		assert (base / 'input' / 'seen.png').is_file()


class TestDeleting:
	"""One picture."""

	async def test_is_gone(self, api: Api, shelf: Path) -> None:
		"""204, then 404."""
		first = await api.web.delete('/v1/images/shelf/ä b/0.png')
		second = await api.web.delete('/v1/images/shelf/ä b/0.png')

		assert (first.status, second.status) == (204, 404)
		assert not (shelf / '0.png').exists()

	async def test_is_made_anew(self, api: Api, base: Path) -> None:
		"""The same job saves its picture again, though all of it is cached."""
		graph = saving()
		entry = await api.ended(await api.submit(graph))
		(image,) = entry['outputs']['2']['images']
		deleted = await api.web.delete(f'/v1/images/{image["filename"]}')
		again = await api.ended(await api.submit(graph))
		(made,) = again['outputs']['2']['images']

		assert deleted.status == 204
		assert (base / 'output' / made['filename']).is_file()
