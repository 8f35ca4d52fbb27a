"""Pictures decoded for `/view`, masks and previews of models, and encoded anew."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from PIL import ExifTags, Image, ImageOps

from server.errors import BadRequest

Format = Literal['webp', 'jpeg', 'png']
QUALITY = 90
# 8192 × 8192: decoded, four bytes a pixel, that is 256 MiB. A file of a few KiB can claim any size.
MOST_PIXELS = 2**26
# Others are never tried: some hand the file to other programs.
READ_FORMATS = ('PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM')
# What the formats can hold, in pixels a side (WebP container specification, 2.7; libjpeg's JPEG_MAX_DIMENSION).
LONGEST_SIDE: Mapping[Format, int] = {'webp': 16383, 'jpeg': 65500}
# All that reading and writing a picture has been seen to raise. UnidentifiedImageError is an OSError.
BROKEN_PICTURE = (
	Image.DecompressionBombError,
	Image.DecompressionBombWarning,
	OSError,
	ValueError,
	OverflowError,
	SyntaxError,
)


@dataclass(frozen=True)
class Rendering:
	"""What `/view` was asked to make of a picture."""

	channel: Literal['rgba', 'rgb', 'a'] = 'rgba'
	format: Format = 'png'
	quality: int = QUALITY


def read_rendering(preview: str | None, channel: str | None) -> Rendering | None:
	"""What the query asks for: `preview=webp;90`, `channel=rgb|a`; None for the file as it is."""
	if preview is not None:
		name, _, quality = preview.partition(';')
		# JPEG has no transparency.
		jpeg = name == 'jpeg' and 'a' not in (channel or '')
		wanted = int(quality) if quality.isascii() and quality.isdigit() and len(quality) < 4 else QUALITY
		return Rendering(
			channel='rgb' if channel == 'rgb' else 'rgba',
			format='jpeg' if jpeg else 'webp',
			quality=min(max(wanted, 1), 100),
		)
	if channel == 'rgb':
		return Rendering('rgb')
	if channel == 'a':
		return Rendering('a')
	return None


@contextmanager
def opened_picture(source: Path | IO[bytes], shown: str) -> Iterator[Image.Image]:
	"""A picture, of which nothing but the header is read yet; the caller's work with it belongs inside.

	`BadRequest` if it is none, or has more than `MOST_PIXELS`, or if decoding it fails. `shown` is how that names it.
	"""
	try:
		with Image.open(source, formats=READ_FORMATS) as picture:
			if picture.width * picture.height > MOST_PIXELS:
				raise ValueError(f'it has {picture.width} × {picture.height} pixels, which are too many to decode here')
			yield picture
	except BROKEN_PICTURE as error:
		raise BadRequest(f'{shown} cannot be shown as a picture: {error}.') from error


def render(path: Path, wanted: Rendering) -> bytes:
	"""Encode a picture anew; `BadRequest` if the file is none or the format cannot hold it.

	Takes time: not for the event loop.
	"""
	stream = io.BytesIO()
	with opened_picture(path, path.name) as opened:
		check_size(opened, wanted.format)
		picture = pick_channel(upright(opened), wanted)
		if wanted.format == 'png':
			picture.save(stream, 'PNG', compress_level=4)
		else:
			picture.save(stream, wanted.format.upper(), quality=wanted.quality)
	return stream.getvalue()


def check_size(picture: Image.Image, format: Format) -> None:
	"""`ValueError` if a format cannot hold a picture of this size."""
	longest = LONGEST_SIDE.get(format)
	if longest is not None and max(picture.size) > longest:
		size = f'{picture.width} × {picture.height}'
		raise ValueError(f'it has {size} pixels, {format} holds at most {longest} a side')


def upright(opened: Image.Image) -> Image.Image:
	"""The picture as it is meant to be seen: turned, if its EXIF data says that the camera was."""
	turned = opened.getexif().get(ExifTags.Base.Orientation, 1) != 1
	return ImageOps.exif_transpose(opened) if turned else opened


def pick_channel(opened: Image.Image, wanted: Rendering) -> Image.Image:
	"""The picture without its transparency, with nothing but it, or as it is."""
	if wanted.channel == 'a':
		only_alpha = Image.new('RGBA', opened.size)
		only_alpha.putalpha(opened.convert('RGBA').getchannel('A'))
		return only_alpha
	if wanted.channel == 'rgb' or wanted.format == 'jpeg':
		return opened.convert('RGB')
	return opened.convert('RGBA' if opened.has_transparency_data else 'RGB')
