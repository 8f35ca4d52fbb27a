"""Pictures into files, and onto the screen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, BinaryIO

from PIL import Image
from pydantic import JsonValue

from engine.declaration import Choice, Number, Text, Toggle
from engine.dynamic import Vary
from engine.errors import BadInput
from engine.events import Folder, SavedFile
from engine.files import preview_prefix
from engine.sockets import socket
from engine.spec import Context, node
from nodes.values import Images, Mask

if TYPE_CHECKING:
	from torch import Tensor

logger = logging.getLogger(__name__)
PREFIX = Text(default='Lumengraph')
PREFIX_HELP = (
	'Start of the file name; may hold a folder, and %width% %height% %date:yyyy-MM-dd%, or the value of an input: '
	'%KSampler.seed%.'
)
WEBP_METHODS = {'default': 4, 'fastest': 0, 'slowest': 6}

Prefix = Annotated[str, PREFIX, PREFIX_HELP]
Quality = Annotated[int, Number(default=90, min=1, max=100), 'Higher looks better and takes more room.']


@node(
	kind='SaveImage',
	title='Save Image',
	category='image',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def save_image(context: Context, images: Annotated[Images, 'The pictures to save.'], filename_prefix: Prefix) -> Images:
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


@node(
	kind='MaskPreview',
	category='mask',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('mask',),
)
def preview_mask(context: Context, mask: Annotated[Mask, 'The masks to show.']) -> Mask:
	"""Show masks as grey pictures: white is masked."""
	_write(context, Images(mask.values.unsqueeze(-1).repeat(1, 1, 1, 3)), preview_prefix(), 'temp')
	return mask


@socket('IMAGECOMPARE')
class Comparison:
	"""What a client's slider keeps; it means nothing here."""


@node(
	kind='ImageCompare',
	experimental=True,
	title='Compare Images',
	category='image',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
)
def compare(
	context: Context,
	compare_view: Annotated[Comparison | None, {'socketless': True}, 'Where the line between both stands.'] = None,
	image_a: Annotated[Images | None, 'Shown on one side.'] = None,
	image_b: Annotated[Images | None, 'Shown on the other.'] = None,
) -> None:
	"""Show two pictures, to be compared."""
	shown: dict[str, list[JsonValue]] = {}
	for name, images in (('a_images', image_a), ('b_images', image_b)):
		saved = [] if images is None else _saved(context, images, preview_prefix(), 'temp')
		shown[name] = [file.model_dump() for file in saved]
	context.show(**shown)


@node(
	kind='SaveAnimatedWEBP',
	category='image/animation',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def save_animated_webp(
	context: Context,
	images: Annotated[Images, 'The frames.'],
	filename_prefix: Prefix,
	fps: Annotated[float, Number(default=6.0, min=0.01, max=1000.0, step=0.01), 'Frames a second.'],
	lossless: Annotated[bool, Toggle(default=True), 'Keep every pixel as it is.'],
	quality: Annotated[int, Number(default=80, min=0, max=100), 'Or, if lossless, how hard to try.'],
	method: Annotated[str, Choice(options=tuple(WEBP_METHODS)), 'How long encoding may take.'],
) -> Images:
	"""Save a batch of pictures as one animated WebP, with the workflow inside."""
	_animate(
		context, images, filename_prefix, 'WEBP', fps, lossless=lossless, quality=quality, method=WEBP_METHODS[method]
	)
	return images


@node(
	kind='SaveAnimatedPNG',
	category='image/animation',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def save_animated_png(
	context: Context,
	images: Annotated[Images, 'The frames.'],
	filename_prefix: Prefix,
	fps: Annotated[float, Number(default=6.0, min=0.01, max=1000.0, step=0.01), 'Frames a second.'],
	compress_level: Annotated[int, Number(default=4, min=0, max=9), 'Higher is smaller and slower.'],
) -> Images:
	"""Save a batch of pictures as one animated PNG, with the workflow inside."""
	_animate(context, images, filename_prefix, 'PNG', fps, compress_level=compress_level)
	return images


@dataclass(frozen=True)
class Png:
	"""Without loss."""

	bit_depth: Annotated[str, Choice(options=('8-bit', '16-bit'), default='8-bit')]
	input_color_space: Annotated[str, Choice(options=('sRGB',), default='sRGB')]


@dataclass(frozen=True)
class Exr:
	"""Linear light, without loss or bounds."""

	bit_depth: Annotated[str, Choice(options=('32-bit float',), default='32-bit float')]
	input_color_space: Annotated[str, Choice(options=('sRGB', 'HDR', 'linear'), default='sRGB')]


@dataclass(frozen=True)
class Jpeg:
	"""Small; alpha is left out."""

	quality: Quality


@dataclass(frozen=True)
class Webp:
	"""Small."""

	quality: Quality
	lossless: Annotated[bool, Toggle(default=False)]


@dataclass(frozen=True)
class Avif:
	"""Smaller still; takes longer."""

	quality: Quality


Format = Png | Exr | Jpeg | Webp | Avif
FORMATS = {'png': Png, 'exr': Exr, 'jpeg': Jpeg, 'webp': Webp, 'avif': Avif}


@node(
	kind='SaveImageAdvanced',
	title='Save Image (Advanced)',
	category='image',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('images',),
)
def save_as(
	context: Context,
	images: Annotated[Images, 'The pictures to save.'],
	filename_prefix: Prefix,
	format: Annotated[Format, Vary(FORMATS), 'What kind of file.'],
) -> Images:
	"""Save pictures in one of several formats, with the workflow that made them inside."""
	if format == Png('8-bit', 'sRGB'):
		_write(context, images, filename_prefix, 'output')
		return images
	metadata = _told_in(context, format)
	for index, pixels in enumerate(images.pixels):
		write, suffix = _writer(pixels, format, metadata)
		size = pixels.shape[1], pixels.shape[0]
		saved = context.files.save(write, filename_prefix, suffix, size=size, index=index)
		context.show_images(saved)
	return images


def _told_in(context: Context, format: Format) -> dict[str, JsonValue]:
	"""What is written into files of a format beside their content; a warning tells of what has no room there."""
	from nodes.encode import within_jpeg

	metadata = context.metadata
	if not isinstance(format, Jpeg):
		return metadata
	kept = within_jpeg(metadata)
	missing = [name for name in metadata if name not in kept]
	if missing:
		told = (
			f'A JPEG has no room for {" and ".join(missing)} of this size; the picture is saved without. PNG has room.'
		)
		logger.warning(told)
		context.note(told)
	return kept


def _writer(pixels: Tensor, format: Format, metadata: dict[str, JsonValue]) -> tuple[Callable[[BinaryIO], None], str]:
	"""What writes a picture [h, w, c] in a format, and how its file name ends."""
	from nodes import encode
	from nodes.pixels import colour

	match format:
		case Png():
			import numpy

			levels = (pixels.clamp(0, 1).double() * 65535).round().cpu().numpy().astype(numpy.uint16)
			return lambda stream: encode.write_png16(stream, levels, metadata), '.png'
		case Exr(_, space):
			light = pixels.clone()
			light[..., :3] = colour.TO_LIGHT[space](pixels[..., :3])
			return lambda stream: encode.write_exr(stream, light.cpu().numpy(), metadata), '.exr'
		case Jpeg(quality):
			picture = as_picture(pixels[..., :3])
			return _pillow(picture, 'JPEG', metadata, quality=quality, subsampling=0), '.jpg'
		case Webp(quality, lossless):
			return _pillow(as_picture(pixels), 'WEBP', metadata, quality=quality, lossless=lossless), '.webp'
		case Avif(quality):
			from PIL import features

			if not features.check('avif'):
				raise BadInput('format', 'a format that this Pillow can write', 'avif')
			return _pillow(as_picture(pixels), 'AVIF', metadata, quality=quality), '.avif'


def _pillow(
	picture: Image.Image, format: str, metadata: dict[str, JsonValue], **options: int | bool
) -> Callable[[BinaryIO], None]:
	from nodes.encode import exif_of

	exif = exif_of(metadata)
	return lambda stream: picture.save(stream, format, exif=exif, **options)


def _animate(context: Context, images: Images, prefix: str, format: str, fps: float, **options: int | bool) -> None:
	from nodes.encode import write_animation

	frames = [as_picture(pixels) for pixels in images.pixels]
	metadata = context.metadata
	saved = context.files.save(
		lambda stream: write_animation(stream, frames, format, fps, metadata, **options),
		prefix,
		f'.{format.lower()}',
		size=frames[0].size,
	)
	context.show_images(saved)
	context.show(animated=[True])


def _write(context: Context, images: Images, prefix: str, folder: Folder) -> None:
	context.show_images(*_saved(context, images, prefix, folder))


def _saved(context: Context, images: Images, prefix: str, folder: Folder) -> list[SavedFile]:
	"""The pictures as PNG files in a folder."""
	return [
		context.files.save_image(as_picture(pixels), prefix, folder=folder, index=index, metadata=context.metadata)
		for index, pixels in enumerate(images.pixels)
	]


def as_picture(pixels: Tensor) -> Image.Image:
	"""[h, w, 1, 3 or 4] from 0 to 1 as a picture of 8-bit levels."""
	levels = (pixels.clamp(0, 1) * 255).byte().cpu().numpy()  # cut, not rounded, as ComfyUI does
	return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def as_pictures(images: Images) -> list[Image.Image]:
	"""A batch as pictures of 8-bit levels, as they are saved."""
	return [as_picture(pixels) for pixels in images.pixels]


def as_masks(mask: Mask) -> list[Image.Image]:
	"""A batch of masks as grey pictures: white is masked."""
	return [as_picture(values.unsqueeze(-1)) for values in mask.values]
