"""Small pictures of large ones."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from server.thumbnails import MAX_PIXELS, PictureTooLarge, Thumbnails, UnreadablePicture, thumbnail

POSTSCRIPT = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n'


def opened(content: bytes) -> Image.Image:
	"""The picture in these bytes."""
	return Image.open(io.BytesIO(content))


def png_that_claims(width: int, height: int) -> bytes:
	"""A small PNG file whose header claims this size."""

	def chunk(name: bytes, data: bytes) -> bytes:
		return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

	header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
	return (
		b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'\0' * 999)) + chunk(b'IEND', b'')
	)


class TestThumbnail:
	"""What comes out."""

	@pytest.mark.parametrize(
		('size', 'wanted', 'result'),
		[((640, 320), 64, (64, 32)), ((32, 320), 64, (6, 64)), ((30, 20), 64, (30, 20)), ((4000, 1), 16, (16, 1))],
	)
	def test_size(self, tmp_path: Path, size: tuple[int, int], wanted: int, result: tuple[int, int]) -> None:
		"""The longest side fits, the shape stays; what is small already stays as it is."""
		Image.new('RGB', size, 'red').save(tmp_path / 'a.png')
		small = opened(thumbnail(tmp_path / 'a.png', wanted))

		assert (small.format, small.size) == ('WEBP', result)

	@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16', 'CMYK'])
	def test_modes(self, tmp_path: Path, mode: str) -> None:
		"""Whatever a picture's pixels are; what is transparent stays so."""
		path = tmp_path / ('a.tiff' if mode == 'CMYK' else 'a.png')
		Image.new(mode, (40, 40)).save(path)
		small = opened(thumbnail(path, 16))

		assert small.size == (16, 16)
		assert small.mode == ('RGBA' if mode.endswith('A') else 'RGB')

	def test_photograph_is_set_upright(self, tmp_path: Path) -> None:
		"""Cameras write how they were held."""
		exif = Image.Exif()
		exif[0x0112] = 6
		Image.new('RGB', (400, 200)).save(tmp_path / 'a.jpg', exif=exif)

		assert opened(thumbnail(tmp_path / 'a.jpg', 64)).size == (32, 64)

	def test_colours_are_kept(self, tmp_path: Path) -> None:
		"""Red stays red."""
		Image.new('RGB', (400, 400), (250, 10, 10)).save(tmp_path / 'a.png')
		pixel = opened(thumbnail(tmp_path / 'a.png', 16)).getpixel((8, 8))

		assert isinstance(pixel, tuple)
		assert pixel[0] > 230
		assert max(pixel[1:3]) < 30


class TestRefusals:
	"""What is not decoded."""

	@pytest.mark.parametrize('size', [(2**13, 2**13 + 1), (12_000, 12_000), (60_000, 60_000)])
	def test_bomb(self, tmp_path: Path, size: tuple[int, int]) -> None:
		"""A small file that claims to be huge is refused by its header."""
		(tmp_path / 'bomb.png').write_bytes(png_that_claims(*size))

		assert size[0] * size[1] > MAX_PIXELS
		with pytest.raises((PictureTooLarge, UnreadablePicture), match=r'bomb\.png'):
			thumbnail(tmp_path / 'bomb.png', 64)

	@pytest.mark.parametrize('content', [b'', b'text', POSTSCRIPT, png_that_claims(100, 100)])
	def test_damaged(self, tmp_path: Path, content: bytes) -> None:
		"""What is no picture, or is cut short, or is of a format that Pillow would hand to another program."""
		(tmp_path / 'a.png').write_bytes(content)
		with pytest.raises(UnreadablePicture, match=r'a\.png'):
			thumbnail(tmp_path / 'a.png', 64)

	def test_missing(self, tmp_path: Path) -> None:
		"""A file that has gone meanwhile."""
		with pytest.raises(UnreadablePicture):
			thumbnail(tmp_path / 'none.png', 64)


class TestThumbnails:
	"""Many at once."""

	async def test_all_are_made(self, tmp_path: Path) -> None:
		"""Each waits its turn, and gets its own."""
		maker = Thumbnails()
		for index in range(6):
			Image.new('RGB', (100 + index, 50)).save(tmp_path / f'{index}.png')
		made = await asyncio.gather(*(maker.make(tmp_path / f'{index}.png', 1000) for index in range(6)))

		assert [opened(content).width for content in made] == [100, 101, 102, 103, 104, 105]
