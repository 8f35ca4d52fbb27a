"""Pictures decoded and encoded anew."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from server.comfy.pictures import MOST_PIXELS, Rendering, opened_picture, read_rendering, render
from server.errors import BadRequest
from tests.server.client import Api


def png(width: int, height: int, data: bytes = b'') -> bytes:
	"""A PNG that claims a size, whatever its data is."""

	def chunk(kind: bytes, content: bytes) -> bytes:
		return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

	header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
	return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', data) + chunk(b'IEND', b'')


class TestBombs:
	"""Small files that would be huge pictures."""

	@pytest.mark.parametrize(('width', 'height'), [(8193, 8192), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
	def test_are_refused_before_they_are_decoded(self, width: int, height: int) -> None:
		"""By what their header claims."""
		with pytest.raises(BadRequest, match='pixels'), opened_picture(io.BytesIO(png(width, height)), 'bomb.png'):
			pytest.fail('it was opened')

	def test_largest_picture_is_not(self) -> None:
		"""8192 × 8192 may be looked at."""
		with opened_picture(io.BytesIO(png(8192, 8192)), 'large.png') as opened:
			assert opened.width * opened.height == MOST_PIXELS

	def test_bomb_in_a_text_chunk(self, tmp_path: Path) -> None:
		"""Text that unpacks to a hundred megabytes is not unpacked."""
		text = b'k\0\0' + zlib.compress(bytes(10**8), 9)
		chunk = struct.pack('>I', len(text)) + b'zTXt' + text + struct.pack('>I', zlib.crc32(b'zTXt' + text))
		whole = png(1, 1, zlib.compress(b'\0\0'))
		(tmp_path / 'text.png').write_bytes(whole[:33] + chunk + whole[33:])
		with pytest.raises(BadRequest, match=r'text\.png'):
			render(tmp_path / 'text.png', Rendering('rgb'))

	@pytest.mark.parametrize('query', [{'preview': 'webp'}, {'channel': 'rgb'}, {'channel': 'a'}])
	async def test_view_refuses_them(self, api: Api, base: Path, query: dict[str, str]) -> None:
		"""The file itself can be fetched; a picture made of it cannot."""
		(base / 'input' / 'bomb.png').write_bytes(png(60_000, 60_000))
		made = await api.get('/view', filename='bomb.png', type='input', **query)
		raw = await api.get('/view', filename='bomb.png', type='input')
		(base / 'input' / 'bomb.png').unlink()

		assert (made.status, raw.status) == (400, 200)
		assert 'pixels' in (await made.json())['error']['message']


class TestFormats:
	def test_other_formats_are_not_tried(self) -> None:
		"""PostScript would be handed to another program."""
		postscript = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n'
		with pytest.raises(BadRequest), opened_picture(io.BytesIO(postscript), 'a.png'):
			pytest.fail('it was opened')

	@pytest.mark.parametrize('format', ['PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM'])
	def test_formats_that_are_read(self, tmp_path: Path, format: str) -> None:
		"""Whatever the file's ending says."""
		Image.new('RGB', (3, 2), 'red').save(tmp_path / 'picture.any', format)
		made = Image.open(io.BytesIO(render(tmp_path / 'picture.any', Rendering(format='webp'))))

		assert (made.size, made.format) == ((3, 2), 'WEBP')


class TestReadRendering:
	@pytest.mark.parametrize('quality', ['9' * 5000, '-1', '', '٣', '1e3'])
	def test_odd_quality_is_the_usual_one(self, quality: str) -> None:
		"""Nothing that is written there fails."""
		rendering = read_rendering(f'webp;{quality}', None)

		assert rendering == Rendering(format='webp', quality=90)
