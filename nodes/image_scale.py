"""Pictures and masks of another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

from engine.declaration import Choice, Number
from engine.dynamic import Vary
from engine.errors import BadInput
from engine.spec import node
from nodes.known import MAX_RESOLUTION
from nodes.values import Images, Mask

if TYPE_CHECKING:
	from torch import Tensor

Picture = TypeVar('Picture', Images, Mask)
METHODS = ('nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos')
CROPS = ('disabled', 'center')

Width = Annotated[int, Number(default=512, min=0, max=MAX_RESOLUTION, step=1), 'In pixels; 0 keeps the aspect.']
Height = Annotated[int, Number(default=512, min=0, max=MAX_RESOLUTION, step=1), 'In pixels; 0 keeps the aspect.']
Side = Annotated[int, Number(default=512, min=0, max=MAX_RESOLUTION, step=1), 'In pixels.']
MethodName = Annotated[str, Choice(options=METHODS), 'How pixels between pixels are worked out.']


@node(kind='ImageScale', title='Upscale Image', category='image/upscaling', lane='cpu')
def scale(
	image: Annotated[Images, 'The pictures.'],
	upscale_method: MethodName,
	width: Width,
	height: Height,
	crop: Annotated[str, Choice(options=CROPS), 'Whether to cut off what the new aspect has no place for.'],
) -> Images:
	"""Bring pictures to a size. With one side of 0 the aspect is kept, with both nothing is done."""
	from nodes.pixels.scale import missing_side, resize_pictures

	if width == 0 and height == 0:
		return image
	size = missing_side(width, height, _size(image.pixels))
	return Images(resize_pictures(image.pixels, *size, upscale_method, crop))


@node(kind='ImageScaleBy', title='Upscale Image By', category='image/upscaling', lane='cpu')
def scale_by(
	image: Annotated[Images, 'The pictures.'],
	upscale_method: MethodName,
	scale_by: Annotated[float, Number(default=1.0, min=0.01, max=8.0, step=0.01), 'Times as wide and high.'],
) -> Images:
	"""Make pictures larger or smaller by a factor."""
	return Images(_scaled(image.pixels, scale_by, upscale_method))


@node(kind='ImageScaleToTotalPixels', title='ImageScaleToTotalPixels', category='image/upscaling', lane='cpu')
def scale_to_total_pixels(
	image: Annotated[Images, 'The pictures.'],
	upscale_method: MethodName,
	megapixels: Annotated[float, Number(default=1.0, min=0.01, max=16.0, step=0.01), 'Of 1024 × 1024 pixels each.'],
	resolution_steps: Annotated[int, Number(min=1, max=256), 'Sides become multiples of this.'] = 1,
) -> Images:
	"""Bring pictures to so many pixels in all, in their own aspect."""
	from nodes.pixels.scale import by_pixels, resize_pictures

	height, width = _size(image.pixels)
	return Images(
		resize_pictures(image.pixels, *_there(by_pixels(width, height, megapixels, resolution_steps)), upscale_method)
	)


@node(kind='ImageScaleToMaxDimension', title='ImageScaleToMaxDimension', category='image/upscaling', lane='cpu')
def scale_to_max_dimension(
	image: Annotated[Images, 'The pictures.'],
	upscale_method: Annotated[
		str,
		Choice(options=('area', 'lanczos', 'bilinear', 'nearest-exact', 'bilinear', 'bicubic')),
		'How pixels between pixels are worked out.',
	],
	largest_size: Side,
) -> Images:
	"""Bring pictures to a size whose longer side is this, in their own aspect."""
	from nodes.pixels.scale import by_longer_side, resize_pictures

	height, width = _size(image.pixels)
	return Images(resize_pictures(image.pixels, *_there(by_longer_side(width, height, largest_size)), upscale_method))


KONTEXT_SIZES = (
	(672, 1568),
	(688, 1504),
	(720, 1456),
	(752, 1392),
	(800, 1328),
	(832, 1248),
	(880, 1184),
	(944, 1104),
	(1024, 1024),
	(1104, 944),
	(1184, 880),
	(1248, 832),
	(1328, 800),
	(1392, 752),
	(1456, 720),
	(1504, 688),
	(1568, 672),
)
"""Width and height of what Flux Kontext was trained on."""


@node(kind='FluxKontextImageScale', category='advanced/conditioning/flux', lane='cpu')
def scale_for_kontext(image: Annotated[Images, 'The pictures.']) -> Images:
	"""Bring pictures to that size of Flux Kontext's which is nearest to their aspect."""
	from nodes.pixels.scale import resize_pictures

	height, width = _size(image.pixels)
	_, *size = min((abs(width / height - wide / high), wide, high) for wide, high in KONTEXT_SIZES)
	return Images(resize_pictures(image.pixels, size[0], size[1], 'lanczos', 'center'))


@node(kind='ResizeAndPadImage', category='image/transform', lane='cpu')
def resize_and_pad(
	image: Annotated[Images, 'The pictures.'],
	target_width: Annotated[int, Number(default=512, min=1, max=MAX_RESOLUTION, step=1), 'In pixels.'],
	target_height: Annotated[int, Number(default=512, min=1, max=MAX_RESOLUTION, step=1), 'In pixels.'],
	padding_color: Annotated[str, Choice(options=('white', 'black')), 'The colour around it.'],
	interpolation: Annotated[
		str,
		Choice(options=('area', 'bicubic', 'nearest-exact', 'bilinear', 'lanczos')),
		'How pixels between pixels are worked out.',
	],
) -> Images:
	"""Fit pictures into a size without cutting them, and fill up around them."""
	from nodes.pixels.scale import resize_pictures

	height, width = _size(image.pixels)
	factor = min(target_width / width, target_height / height)
	new_width, new_height = _there((int(width * factor), int(height * factor)))
	scaled = resize_pictures(image.pixels, new_width, new_height, interpolation)
	level = 1.0 if padding_color == 'white' else 0.0
	made = scaled.new_full((len(scaled), target_height, target_width, scaled.shape[-1]), level)
	left, top = (target_width - new_width) // 2, (target_height - new_height) // 2
	made[:, top : top + new_height, left : left + new_width] = scaled
	return Images(made)


@dataclass(frozen=True)
class ToSize:
	"""Exactly this size; 0 keeps the aspect."""

	width: Side
	height: Side
	crop: Annotated[str, Choice(options=CROPS, default='center')]


@dataclass(frozen=True)
class ByFactor:
	"""Times as wide and high."""

	multiplier: Annotated[float, Number(default=1.0, min=0.01, max=8.0, step=0.01)]


@dataclass(frozen=True)
class ToLonger:
	"""By the longer side."""

	longer_size: Side


@dataclass(frozen=True)
class ToShorter:
	"""By the shorter side."""

	shorter_size: Side


@dataclass(frozen=True)
class ToWidth:
	"""By the width."""

	width: Side


@dataclass(frozen=True)
class ToHeight:
	"""By the height."""

	height: Side


@dataclass(frozen=True)
class ToPixels:
	"""By the pixels in all."""

	megapixels: Annotated[float, Number(default=1.0, min=0.01, max=16.0, step=0.01)]


@dataclass(frozen=True)
class ToMatch:
	"""The size of another picture or mask."""

	match: Images | Mask
	crop: Annotated[str, Choice(options=CROPS, default='center')]


@dataclass(frozen=True)
class ToMultiple:
	"""The next smaller multiples of a number."""

	multiple: Annotated[int, Number(default=8, min=1, max=MAX_RESOLUTION, step=1)]


Rule = ToSize | ByFactor | ToLonger | ToShorter | ToWidth | ToHeight | ToPixels | ToMatch | ToMultiple
RULES = {
	'scale dimensions': ToSize,
	'scale by multiplier': ByFactor,
	'scale longer dimension': ToLonger,
	'scale shorter dimension': ToShorter,
	'scale width': ToWidth,
	'scale height': ToHeight,
	'scale total pixels': ToPixels,
	'match size': ToMatch,
	'scale to multiple': ToMultiple,
}


@node(
	kind='ResizeImageMaskNode', title='Resize Image/Mask', category='image/transform', lane='cpu', outputs=('resized',)
)
def resize_image_or_mask(
	input: Annotated[Picture, 'Pictures, or masks.'],
	resize_type: Annotated[Rule, Vary(RULES), 'What the new size follows from.'],
	scale_method: Annotated[str, Choice(options=METHODS, default='area'), 'How pixels between are worked out.'],
) -> Picture:
	"""Bring pictures or masks to another size, by a rule."""
	picture: Images | Mask = input
	if isinstance(picture, Images):
		picture = Images(_ruled(picture.pixels.movedim(-1, 1), resize_type, scale_method).movedim(1, -1))
	else:
		picture = Mask(_ruled(picture.values.unsqueeze(1), resize_type, scale_method).squeeze(1))
	return cast(Picture, picture)  # of the class that came in


def _ruled(samples: Tensor, rule: Rule, method: str) -> Tensor:
	"""[batch, channels, h, w] by a rule."""
	from nodes.pixels import scale

	height, width = samples.shape[-2:]
	crop = 'disabled'
	match rule:
		case ToSize(wanted_width, wanted_height, crop):
			if wanted_width == 0 and wanted_height == 0:
				return samples
			size = scale.missing_side(wanted_width, wanted_height, (height, width))
		case ByFactor(factor):
			size = round(width * factor), round(height * factor)
		case ToLonger(side):
			size = scale.by_longer_side(width, height, side)
		case ToShorter(side):
			size = scale.by_shorter_side(width, height, side)
		case ToWidth(side):
			size = (width, height) if side == 0 else scale.missing_side(side, 0, (height, width))
		case ToHeight(side):
			size = (width, height) if side == 0 else scale.missing_side(0, side, (height, width))
		case ToPixels(megapixels):
			size = scale.by_pixels(width, height, megapixels)
		case ToMatch(other, crop):
			shape = other.pixels.shape[1:3] if isinstance(other, Images) else other.values.shape[1:]
			size = shape[1], shape[0]
		case ToMultiple(multiple):
			return scale.to_multiple(samples, multiple, method)
	return scale.resize(samples, *_there(size), method, crop)


def _size(pixels: Tensor) -> tuple[int, int]:
	height, width = pixels.shape[1:3]
	return height, width


def _there(size: tuple[int, int]) -> tuple[int, int]:
	"""A (width, height) that holds at least a pixel. Raises `BadInput`."""
	if min(size) < 1:
		raise BadInput(
			'image', 'a picture that is at least one pixel wide and high when scaled', f'{size[0]} × {size[1]}'
		)
	return size


def _scaled(pixels: Tensor, factor: float, method: str) -> Tensor:
	from nodes.pixels.scale import resize_pictures

	height, width = _size(pixels)
	return resize_pictures(pixels, *_there((round(width * factor), round(height * factor))), method)
