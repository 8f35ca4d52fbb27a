"""/v1/workflows/{name}/versions and /picture, over HTTP."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.server.client import Api


def titled(title: str) -> dict[str, Any]:
	"""A workflow of this title."""
	return {'lumengraph': 2, 'title': title, 'nodes': {'a': {'kind': 'X', 'inputs': {'n': 1}, 'more': 1}}}


class TestVersions:
	"""What a workflow was."""

	async def test_every_save_keeps_what_it_replaces(self, api: Api) -> None:
		"""With its ETag; saving the same again keeps nothing; deleting keeps the last."""
		etags = [
			(await api.web.put('/v1/workflows/much', json=titled(title))).headers['ETag']
			for title in ('a', 'b', 'b', 'c')
		]
		while_there: Any = (await api.json('/v1/workflows/much/versions'))['versions']
		old = await api.get(f'/v1/workflows/much/versions/{while_there[1]["id"]}')
		await api.web.delete('/v1/workflows/much')
		afterwards: Any = (await api.json('/v1/workflows/much/versions'))['versions']

		assert [(item['title'], item['nodes'], item['etag']) for item in while_there] == [
			('b', 1, etags[1]),
			('a', 1, etags[0]),
		]
		assert (await old.json(), old.headers['ETag']) == (titled('a'), etags[0])
		assert [item['title'] for item in afterwards] == ['c', 'b', 'a']

	async def test_none_yet(self, api: Api) -> None:
		"""A workflow that was never changed has none; one that never was is 404, and so is a version that is none."""
		unknown, version = (
			await api.get('/v1/workflows/never/versions'),
			await api.get('/v1/workflows/text_to_image/versions/..%2f1'),
		)

		assert (await api.json('/v1/workflows/text_to_image/versions'))['versions'] == []
		assert (unknown.status, version.status) == (404, 404)
		assert (await version.json())['error']['code'] == 'version_not_found'


class TestPictures:
	"""What a workflow gives."""

	async def test_file_and_thumbnail(self, api: Api) -> None:
		"""The picture beside the file, or a small one; the listing says which workflows have one."""
		listing: Any = (await api.json('/v1/workflows'))['workflows']
		whole, small = (
			await api.get('/v1/workflows/text_to_image/picture'),
			await api.get('/v1/workflows/text_to_image/picture?size=32'),
		)

		assert {item['name']: item['pictured'] for item in listing}.items() >= {
			'text_to_image': True,
			'flux': False,
		}.items()
		assert (whole.content_type, small.content_type) == ('image/png', 'image/webp')
		assert max(Image.open(io.BytesIO(await small.read())).size) == 32

	async def test_none(self, api: Api) -> None:
		"""404, for another reason if there is no such workflow."""
		without, unknown = await api.get('/v1/workflows/flux/picture'), await api.get('/v1/workflows/never/picture')

		assert [(await answer.json())['error']['code'] for answer in (without, unknown)] == [
			'no_picture',
			'workflow_not_found',
		]
