"""Pictures re-encoded for `/view`: smaller, or some of their channels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from server.errors import BadRequest

Format = Literal['webp', 'jpeg', 'png']
QUALITY = 90


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
		wanted = int(quality) if quality.isascii() and quality.isdigit() else QUALITY
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


def render(path: Path, wanted: Rendering) -> bytes:
	"""Encode a picture anew; `BadRequest` if the file is none. Takes time: not for the event loop."""
	try:
		with Image.open(path) as opened:
			picture = pick_channel(opened, wanted)
	except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
		raise BadRequest(f'{path.name} cannot be shown as a picture: {error}.') from error
	stream = io.BytesIO()
	if wanted.format == 'png':
		picture.save(stream, 'PNG', compress_level=4)
	else:
		picture.save(stream, wanted.format.upper(), quality=wanted.quality)
	return stream.getvalue()


def pick_channel(opened: Image.Image, wanted: Rendering) -> Image.Image:
	"""The picture without its transparency, with nothing but it, or as it is."""
	if wanted.channel == 'a':
		only_alpha = Image.new('RGBA', opened.size)
		only_alpha.putalpha(opened.convert('RGBA').getchannel('A'))
		return only_alpha
	if wanted.channel == 'rgb' or wanted.format == 'jpeg':
		return opened.convert('RGB')
	return opened.convert('RGBA' if opened.has_transparency_data else 'RGB')
