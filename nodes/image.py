"""Pictures from files."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

from PIL import Image, ImageOps, ImageSequence
from pydantic import JsonValue

from engine.declaration import Choice
from engine.errors import UnknownFormat
from engine.spec import Context, node
from engine.storage import Storage
from nodes.values import Images, Mask

if TYPE_CHECKING:
	from torch import Tensor

NO_MASK_SIDE = 64


class Loaded(NamedTuple):
	"""A picture and the mask that its alpha channel makes."""

	IMAGE: Images
	MASK: Mask


def file_digest(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""SHA-256 of the chosen file: a picture uploaded anew under the same name is another picture."""
	with storage.files.find(str(constants['image'])).open('rb') as stream:
		return hashlib.file_digest(stream, 'sha256').hexdigest()


@node(kind='LoadImage', title='Load Image', category='image', lane='disk', fingerprint=file_digest)
def load_image(
	context: Context,
	image: Annotated[str, Choice(files_from='input:image', upload=True), 'A picture in the input folder.'],
) -> Loaded:
	"""Read a picture from the input folder.

	The frames of an animation become a batch. The mask is 1 where the picture is transparent.
	"""
	import torch

	path = context.files.find(image)
	pixels: list[Tensor] = []
	masks: list[Tensor] = []
	with _reading(image), Image.open(path) as opened:
		for frame in _frames(opened):
			pixels.append(_tensor(frame.convert('RGB')))
			if frame.mode in ('RGBA', 'LA') or (frame.mode == 'P' and 'transparency' in frame.info):
				masks.append(1 - _tensor(frame.convert('RGBA').getchannel('A')))
			else:
				masks.append(torch.zeros(NO_MASK_SIDE, NO_MASK_SIDE))
	return Loaded(Images(torch.stack(pixels)), Mask(torch.stack(masks)))


@contextmanager
def _reading(name: str) -> Iterator[None]:
	"""Says of which file it is, if a picture cannot be read. Raises `UnknownFormat`."""
	try:
		yield
	except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
		reason = f'it is none, a damaged one, or of a kind that is not known ({error})'
		raise UnknownFormat(name, reason, taken_for='a picture') from error


def _frames(opened: Image.Image) -> Iterator[Image.Image]:
	"""The frames of the first one's size, upright, 16-bit greys brought down to 8.

	Of a camera's MPO only the first is taken: the others are the same picture for a second eye, or smaller.
	"""
	size: tuple[int, int] | None = None
	for frame in ImageSequence.Iterator(opened):
		upright = ImageOps.exif_transpose(frame)
		if upright.mode in ('I', 'I;16', 'I;16B', 'I;16L'):
			upright = upright.convert('I').point(lambda level: level / 256).convert('L')
		size = size or upright.size
		if upright.size == size:
			yield upright
		if opened.format == 'MPO':
			break


def _tensor(picture: Image.Image) -> Tensor:
	"""8-bit levels as float32 0 to 1: [height, width, channels], or [height, width] for one channel."""
	import numpy
	import torch

	return torch.from_numpy(numpy.asarray(picture, dtype=numpy.float32) / 255)


@node(kind='LoadImageMask', title='Load Image (as Mask)', category='mask', lane='disk', fingerprint=file_digest)
def load_mask(
	context: Context,
	image: Annotated[str, Choice(files_from='input:image', upload=True), 'A picture in the input folder.'],
	channel: Annotated[str, Choice(options=('alpha', 'red', 'green', 'blue')), 'alpha: what is transparent is masked.'],
) -> Mask:
	"""Read one channel of a picture in the input folder as a mask."""
	path = context.files.find(image)
	with _reading(image), Image.open(path) as opened:
		levels = _tensor(next(_frames(opened)).convert('RGBA').getchannel(channel[0].upper()))
	return Mask((1 - levels if channel == 'alpha' else levels).unsqueeze(0))
