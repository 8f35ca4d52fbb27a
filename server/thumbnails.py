"""Small pictures of large ones, as WebP."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from PIL import Image, ImageOps

from server.errors import Unprocessable
from server.gallery import BROKEN, FORMATS

MAX_PIXELS = 2**26
"""What is decoded at all. A small file can claim to be a picture that fills all memory."""
AT_ONCE = 2
QUALITY = 82


class UnreadablePicture(Unprocessable):
	"""The file is no picture, or a damaged one."""


class PictureTooLarge(Unprocessable):
	"""The picture has more pixels than are ever decoded."""


class Thumbnails:
	"""Makes thumbnails, few at a time: each holds a whole picture in memory while it is made."""

	def __init__(self) -> None:
		self._turns = asyncio.Semaphore(AT_ONCE)

	async def make(self, path: Path, size: int) -> bytes:
		"""A WebP whose longest side has at most `size` pixels. Raises `UnreadablePicture`, `PictureTooLarge`."""
		async with self._turns:
			return await asyncio.to_thread(thumbnail, path, size)


def thumbnail(path: Path, size: int) -> bytes:
	"""The same, in this thread. A picture that is smaller stays as it is; a turned photograph is set upright."""
	stream = io.BytesIO()
	try:
		with Image.open(path, formats=FORMATS) as opened:
			pixels = opened.width * opened.height
			if pixels > MAX_PIXELS:
				raise PictureTooLarge(
					f'{path.name} has {opened.width} × {opened.height} pixels; more than {MAX_PIXELS} are not decoded.'
				)
			opened.draft('RGB', (size, size))
			upright = ImageOps.exif_transpose(opened)
			picture = upright.convert('RGBA' if upright.has_transparency_data else 'RGB')
			picture.thumbnail((size, size))
			picture.save(stream, 'WEBP', quality=QUALITY)
	except BROKEN as error:
		raise UnreadablePicture(f'{path.name} cannot be read as a picture: {error}.') from error
	return stream.getvalue()
