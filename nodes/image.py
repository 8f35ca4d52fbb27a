"""Pictures in and out of files."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple

from PIL import Image, ImageOps, ImageSequence
from pydantic import JsonValue

from engine.declaration import Choice, Text
from engine.errors import UnknownFormat
from engine.events import Folder
from engine.files import preview_prefix
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
	try:
		with Image.open(path) as opened:
			for frame in _frames(opened):
				pixels.append(_tensor(frame.convert('RGB')))
				if frame.mode in ('RGBA', 'LA') or (frame.mode == 'P' and 'transparency' in frame.info):
					masks.append(1 - _tensor(frame.convert('RGBA').getchannel('A')))
				else:
					masks.append(torch.zeros(NO_MASK_SIDE, NO_MASK_SIDE))
	except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
		raise UnknownFormat(image, f'it is no picture, or a damaged one ({error})') from error
	return Loaded(Images(torch.stack(pixels)), Mask(torch.stack(masks)))


def _frames(opened: Image.Image) -> Iterator[Image.Image]:
	"""The frames of the first one's size, upright, 16-bit greys brought down to 8."""
	size: tuple[int, int] | None = None
	for frame in ImageSequence.Iterator(opened):
		upright = ImageOps.exif_transpose(frame)
		if upright.mode in ('I', 'I;16', 'I;16B', 'I;16L'):
			upright = upright.convert('I').point(lambda level: level / 256).convert('L')
		size = size or upright.size
		if upright.size == size:
			yield upright


def _tensor(picture: Image.Image) -> Tensor:
	"""8-bit levels as float32 0 to 1: [height, width, channels], or [height, width] for one channel."""
	import numpy
	import torch

	return torch.from_numpy(numpy.asarray(picture, dtype=numpy.float32) / 255)


@node(
	kind='SaveImage',
	title='Save Image',
	category='image',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def save_image(
	context: Context,
	images: Annotated[Images, 'The pictures to save.'],
	filename_prefix: Annotated[
		str,
		Text(default='Lumengraph'),
		'Start of the file name; may hold a folder, and %width% %height% %year% %month% %day%.',
	],
) -> Images:
	"""Save pictures as PNG in the output folder, with the workflow that made them inside."""
	_write(context, images, filename_prefix, 'output')
	return images


@node(
	kind='PreviewImage',
	title='Preview Image',
	category='image',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def preview_image(context: Context, images: Annotated[Images, 'The pictures to show.']) -> Images:
	"""Show pictures without keeping them: they are gone when the server ends."""
	_write(context, images, preview_prefix(), 'temp')
	return images


def _write(context: Context, images: Images, prefix: str, folder: Folder) -> None:
	for index, pixels in enumerate(images.pixels):
		levels = (pixels.clamp(0, 1) * 255).round().byte().cpu().numpy()
		context.save_image(Image.fromarray(levels), prefix, folder=folder, index=index)
