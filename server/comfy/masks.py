"""A picture that gets its transparency from another: what mask editors upload."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from engine.files import is_keyword
from server.comfy.pictures import opened_picture, upright
from server.errors import BadRequest


def masked(original: Path, mask: IO[bytes]) -> IO[bytes]:
	"""The original as a PNG, upright, with the colours and the text it has, and the transparency of the mask.

	`BadRequest` if one of them is no picture, or they differ in size. Takes time: not for the event loop.
	"""
	with opened_picture(mask, 'The uploaded mask') as opened:
		alpha = opened.convert('RGBA').getchannel('A')
	result = io.BytesIO()
	with opened_picture(original, original.name) as opened:
		seen = upright(opened)
		if seen.size != alpha.size:
			raise BadRequest(f'The mask has {sized(alpha)} pixels, the original has {sized(seen)}.')
		picture = seen.convert('RGB').convert('RGBA')
		picture.putalpha(alpha)
		picture.save(result, 'PNG', compress_level=4, pnginfo=text_of(opened))
	result.seek(0)
	return result


def text_of(picture: Image.Image) -> PngInfo:
	"""The text chunks of a PNG; none of other pictures."""
	info = PngInfo()
	# `text` reads on to the file's end, where chunks may follow the pixels.
	for key, value in picture.text.items() if isinstance(picture, PngImageFile) else ():
		if is_keyword(key):
			info.add_text(key, value)
	return info


def sized(picture: Image.Image) -> str:
	"""A picture's size in words."""
	return f'{picture.width} × {picture.height}'
