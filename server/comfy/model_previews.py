"""The picture that shows what a model makes: one that lies beside its file, or one that its maker put into it."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic_core import from_json

from engine.errors import EngineError
from engine.tensorfile import read_metadata
from server.comfy.pictures import opened_picture
from server.errors import BadRequest

ENDINGS = ('.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.tif', '.tiff')
MODELS = ('.safetensors', '.sft')
COVERS = 'ssmd_cover_images'
# Pictures in a header are written in letters; a header of tensors alone has some hundred kilobytes.
LONGEST_HEADER = 2**24
LONGEST_SIDE = 1024
QUALITY = 85


def model_preview(place: Path, name: str) -> bytes | None:
	"""The picture of a model file as WebP, made smaller if it is large; None if there is none that can be read.

	Whatever ending the name has is passed over, so that front ends may ask for `model.webp`. Takes time: not for the
	event loop.
	"""
	base = place / name
	for source in sources(base.with_name(base.stem)):
		try:
			return small(source, base.name)
		except BadRequest:
			continue
	return None


def sources(base: Path) -> Iterator[Path | IO[bytes]]:
	"""Everything that may be the picture, the first one first. `base` is the model's path without its ending."""
	for middle in ('', '.preview'):
		for ending in ENDINGS:
			path = base.with_name(f'{base.name}{middle}{ending}')
			if path.is_file():
				yield path
	for ending in MODELS:
		yield from covers(base.with_name(base.name + ending))


def covers(path: Path) -> Iterator[IO[bytes]]:
	"""The pictures inside of a model file: a JSON list of pictures in base64."""
	try:
		listed = from_json(str(read_metadata(path, LONGEST_HEADER).get(COVERS, '[]')))
	except (EngineError, ValueError):  # There is no such file, it is no model, or holds no list.
		return
	for written in listed if isinstance(listed, list) else ():
		if isinstance(written, str):
			try:
				yield io.BytesIO(base64.b64decode(written.rpartition(',')[2], validate=True))
			except binascii.Error:
				continue


def small(source: Path | IO[bytes], shown: str) -> bytes:
	"""A picture as WebP, no side longer than 1024. `BadRequest` if it cannot be read."""
	result = io.BytesIO()
	with opened_picture(source, shown) as opened:
		picture = opened.convert('RGBA' if opened.has_transparency_data else 'RGB')
		picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
		picture.save(result, 'WEBP', quality=QUALITY)
	return result.getvalue()
