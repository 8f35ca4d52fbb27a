"""Masks: made, turned into pictures and back, cut, grown, combined."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Choice, Number, Toggle
from engine.errors import BadInput
from engine.spec import node
from nodes.known import MAX_RESOLUTION, as_given, as_input
from nodes.values import Images, Mask

CHANNELS = ('red', 'green', 'blue', 'alpha')
OPERATIONS = ('multiply', 'add', 'subtract', 'and', 'or', 'xor')
SAME = as_input('MASK', 'mask')

Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=1), 'In pixels.']
Length = Annotated[int, Number(default=512, min=1, max=MAX_RESOLUTION, step=1), 'In pixels.']


@node(kind='MaskToImage', title='Convert Mask to Image', category='mask', lane='cpu', facts=as_input('IMAGE', 'mask'))
def to_image(mask: Annotated[Mask, 'The masks.']) -> Images:
	"""Masks as grey pictures: white is masked."""
	return Images(mask.values.unsqueeze(-1).repeat(1, 1, 1, 3))


@node(kind='ImageToMask', title='Convert Image to Mask', category='mask', lane='cpu', facts=as_input('MASK', 'image'))
def from_image(
	image: Annotated[Images, 'The pictures.'], channel: Annotated[str, Choice(options=CHANNELS), 'The channel to take.']
) -> Mask:
	"""One channel of pictures as masks."""
	index = CHANNELS.index(channel)
	if image.pixels.shape[-1] <= index:
		raise BadInput('image', 'pictures with an alpha channel', f'{image.pixels.shape[-1]} channels')
	return Mask(image.pixels[..., index])


@node(kind='ImageColorToMask', category='mask', lane='cpu', facts=as_input('MASK', 'image'))
def from_colour(
	image: Annotated[Images, 'The pictures.'],
	color: Annotated[int, Number(default=0, min=0, max=0xFFFFFF, step=1, display='color'), 'As 0xRRGGBB.'],
) -> Mask:
	"""Mask what is of exactly one colour, in 8-bit levels."""
	import torch

	levels = (image.pixels[..., :3].clamp(0, 1) * 255).round().to(torch.int)
	found = (levels[..., 0] << 16) + (levels[..., 1] << 8) + levels[..., 2]
	return Mask((found == color).float())


@node(kind='SolidMask', category='mask', lane='cpu', facts=as_given('MASK'))
def solid(
	value: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.01), '1 is masked.'],
	width: Length,
	height: Length,
) -> Mask:
	"""A mask of one value."""
	import torch

	return Mask(torch.full((1, height, width), value, dtype=torch.float32))


@node(kind='InvertMask', category='mask', lane='cpu', facts=SAME)
def invert(mask: Annotated[Mask, 'The masks.']) -> Mask:
	"""Mask what was not, and the other way round."""
	return Mask(1 - mask.values)


@node(kind='CropMask', category='mask', lane='cpu')
def crop(mask: Annotated[Mask, 'The masks.'], x: Offset, y: Offset, width: Length, height: Length) -> Mask:
	"""Cut a rectangle out of masks, as far as they reach."""
	return Mask(mask.values[:, y : y + height, x : x + width])


@node(kind='MaskComposite', category='mask', lane='cpu', facts=as_input('MASK', 'destination'))
def composite(
	destination: Annotated[Mask, 'What something is laid onto.'],
	source: Annotated[Mask, 'What is laid onto it.'],
	x: Offset,
	y: Offset,
	operation: Annotated[str, Choice(options=OPERATIONS), 'and, or, xor: of values rounded to 0 and 1.'],
) -> Mask:
	"""Combine masks where the source lies on the destination."""
	from nodes.pixels.compose import MASK_OPERATIONS

	made = destination.values.clone()
	under = made[:, y : y + source.values.shape[1], x : x + source.values.shape[2]]
	over = source.values[:, : under.shape[1], : under.shape[2]]
	if len(over) not in (1, len(under)):
		raise BadInput('source', f'1 or {len(under)} masks, as the destination has', f'{len(over)} masks')
	under.copy_(MASK_OPERATIONS[operation](under, over.to(under)))
	return Mask(made.clamp(0, 1))


@node(kind='FeatherMask', category='mask', lane='cpu', facts=SAME)
def feather(mask: Annotated[Mask, 'The masks.'], left: Offset, top: Offset, right: Offset, bottom: Offset) -> Mask:
	"""Let masks fade towards their sides, over so many pixels."""
	from nodes.pixels.masks import feathered

	return Mask(feathered(mask.values, left, top, right, bottom))


@node(kind='GrowMask', category='mask', lane='cpu', facts=SAME)
def grow(
	mask: Annotated[Mask, 'The masks.'],
	expand: Annotated[
		int, Number(default=0, min=-MAX_RESOLUTION, max=MAX_RESOLUTION, step=1), 'Pixels; below 0 it shrinks.'
	],
	tapered_corners: Annotated[bool, Toggle(default=True), 'Grow less into the diagonals.'],
) -> Mask:
	"""Grow or shrink what is masked."""
	from nodes.pixels.masks import grown

	return Mask(grown(mask.values, expand, tapered=tapered_corners))


@node(kind='ThresholdMask', category='mask', lane='cpu', facts=SAME)
def threshold(
	mask: Annotated[Mask, 'The masks.'],
	value: Annotated[float, Number(default=0.5, min=0.0, max=1.0, step=0.01), 'What is above this is masked.'],
) -> Mask:
	"""Masks of nothing but 0 and 1."""
	return Mask((mask.values > value).float())
