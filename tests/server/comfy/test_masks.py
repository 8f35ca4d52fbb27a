"""POST /upload/mask."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, FormData
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from tests.server.client import Api
from tests.server.comfy.test_pictures import png


@pytest.fixture
def original(base: Path) -> str:
	"""A picture with colours, some transparency and a workflow inside."""
	info = PngInfo()
	info.add_text('workflow', '{"nodes": []}')
	info.add_text('note', 'grün')
	picture = Image.new('RGBA', (4, 2), (10, 20, 30, 200))
	(base / 'output' / 'sub').mkdir(exist_ok=True)
	picture.save(base / 'output' / 'sub' / 'original.png', pnginfo=info)
	return json.dumps({'filename': 'original.png', 'subfolder': 'sub', 'type': 'output'})


def mask(alpha: int = 77, size: tuple[int, int] = (4, 2)) -> bytes:
	"""A mask: its transparency counts, its colour does not."""
	stream = io.BytesIO()
	Image.new('RGBA', size, (255, 0, 0, alpha)).save(stream, 'PNG')
	return stream.getvalue()


async def send(api: Api, original: str | None, content: bytes, name: str = 'mask.png', **fields: str) -> ClientResponse:
	"""Upload a mask."""
	form = FormData(quote_fields=False)
	form.add_field('image', content, filename=name)
	for field, value in fields.items():
		form.add_field(field, value)
	if original is not None:
		form.add_field('original_ref', original)
	return await api.web.post('/upload/mask', data=form)


class TestUploadMask:
	async def test_colours_and_text_of_one_transparency_of_the_other(self, api: Api, base: Path, original: str) -> None:
		"""The result lies where an upload would, and the answer says where."""
		response = await send(api, original, mask(), subfolder='masks')
		place: dict[str, Any] = await response.json()
		with Image.open(base / 'input' / 'masks' / place['name']) as opened:
			pixel, mode, text = opened.getpixel((3, 1)), opened.mode, dict(opened.info)

		assert place == {'name': 'mask.png', 'subfolder': 'masks', 'type': 'input'}
		assert (mode, pixel) == ('RGBA', (10, 20, 30, 77))
		assert (text['workflow'], text['note']) == ('{"nodes": []}', 'grün')

	async def test_turned_photograph_is_masked_as_it_is_seen(self, api: Api, base: Path) -> None:
		"""A mask over what the browser shows: the result is upright, and so is what `/view` makes of the original."""
		exif = Image.Exif()
		exif[ExifTags.Base.Orientation] = 6
		Image.new('RGB', (4, 2), (10, 20, 30)).save(base / 'input' / 'photo.jpg', exif=exif)
		seen = await api.get('/view', filename='photo.jpg', type='input', channel='rgb')
		reference = json.dumps({'filename': 'photo.jpg', 'type': 'input'})
		response = await send(api, reference, mask(size=(2, 4)))

		assert response.status == 200
		for file in (io.BytesIO(await seen.read()), base / 'input' / 'mask.png'):
			with Image.open(file) as picture:
				assert picture.size == (2, 4)

	async def test_equal_masks_are_stored_once(self, api: Api, original: str) -> None:
		"""Others get a number, unless they may replace."""
		names = [
			(await (await send(api, original, mask(alpha), subfolder='again', **fields)).json())['name']
			for alpha, fields in ((1, {}), (1, {}), (2, {}), (3, {'overwrite': 'true'}))
		]

		assert names == ['mask.png', 'mask.png', 'mask (1).png', 'mask.png']

	async def test_original_may_name_its_folder(self, api: Api, base: Path) -> None:
		"""`name [input]`, as in a node's widget; a JPEG has no text, and the result is a PNG all the same."""
		Image.new('RGB', (4, 2), 'white').save(base / 'input' / 'photo.jpg')
		response = await send(api, '{"filename": "photo.jpg [input]"}', mask(), 'photo.jpg')
		name = (await response.json())['name']
		with Image.open(base / 'input' / name) as opened:
			opened.load()

		assert name == 'photo.jpg.png'
		assert (opened.format, opened.size, opened.mode) == ('PNG', (4, 2), 'RGBA')

	@pytest.mark.parametrize(
		('reference', 'status'),
		[
			(None, 400),
			('', 400),
			('{', 400),
			('[]', 400),
			('{}', 400),
			('{"filename": ["a"]}', 400),
			('{"filename": ""}', 400),
			('{"filename": "../original.png"}', 400),
			('{"filename": "/etc/passwd"}', 400),
			('{"filename": "C:\\\\a.png"}', 400),
			('{"filename": "original.png", "type": "models"}', 400),
			('{"filename": "original.png", "subfolder": ".."}', 403),
			('{"filename": "original.png", "subfolder": "C:"}', 403),
			('{"filename": "none.png"}', 404),
			('{"filename": "seen.png", "type": "input"}', 400),
		],
	)
	async def test_bad_original(self, api: Api, base: Path, reference: str | None, status: int) -> None:
		"""None named, none there, one outside, one of another size: nothing is stored."""
		response = await send(api, reference, mask(size=(5, 5)), 'bad.png')

		assert response.status == status
		assert (await response.json())['error']['message']
		assert not list((base / 'input').glob('bad*'))

	@pytest.mark.parametrize('content', [b'', b'no picture', png(50_000, 50_000)])
	async def test_bad_mask_is_400(self, api: Api, original: str, content: bytes) -> None:
		"""What is no picture, or would be a huge one."""
		assert (await send(api, original, content)).status == 400

	async def test_original_that_is_no_picture_is_400(self, api: Api, base: Path) -> None:
		"""Or would be a huge one."""
		(base / 'output' / 'fake.png').write_bytes(b'no picture')
		(base / 'output' / 'bomb.png').write_bytes(png(50_000, 50_000))
		statuses = [(await send(api, f'{{"filename": "{name}.png"}}', mask())).status for name in ('fake', 'bomb')]

		assert statuses == [400, 400]

	@pytest.mark.parametrize('name', ['../m.png', '..\\m.png', 'C:\\m.png', '../m.jpg', 'sub/../../m.png'])
	async def test_bad_name_is_400(self, api: Api, base: Path, original: str, name: str) -> None:
		"""The result cannot lie elsewhere either."""
		before = sorted(base.rglob('*m.png'))

		assert (await send(api, original, mask(), name)).status == 400
		assert sorted(base.rglob('*m.png')) == before
