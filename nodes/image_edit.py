"""Single pictures: make, cut, turn, extend, measure, and batches of them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from engine.declaration import Choice, Number
from engine.spec import Context, node
from nodes.known import MAX_RESOLUTION, as_given, as_input
from nodes.values import Images, Mask

ROTATIONS = ('none', '90 degrees', '180 degrees', '270 degrees')
FLIPS = ('x-axis: vertically', 'y-axis: horizontally')

Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=1), 'In pixels.']
Length = Annotated[int, Number(default=512, min=1, max=MAX_RESOLUTION, step=1), 'In pixels.']
Margin = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=8), 'Pixels to add at this side.']


class Padded(NamedTuple):
	"""A larger picture, and where it is new."""

	IMAGE: Images
	MASK: Mask


class Size(NamedTuple):
	"""What can be counted of pictures."""

	width: int
	height: int
	batch_size: int


@node(kind='EmptyImage', category='image', lane='cpu', facts=as_given('IMAGE'))
def empty_image(
	width: Length,
	height: Length,
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'How many pictures.'],
	color: Annotated[int, Number(default=0, min=0, max=0xFFFFFF, step=1, display='color'), 'As 0xRRGGBB.'],
) -> Images:
	"""Pictures of one colour."""
	import torch

	levels = torch.tensor([(color >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)])
	return Images(levels.expand(batch_size, height, width, 3).contiguous())


@node(kind='ImageInvert', title='Invert Image', category='image', lane='cpu', facts=as_input('IMAGE', 'image'))
def invert(image: Annotated[Images, 'The pictures.']) -> Images:
	"""The negative of pictures."""
	return Images(1 - image.pixels)


@node(kind='ImageCrop', title='Image Crop', category='image/transform', lane='cpu')
def crop(image: Annotated[Images, 'The pictures.'], width: Length, height: Length, x: Offset, y: Offset) -> Images:
	"""Cut a rectangle out of pictures, as far as they reach."""
	left, top = min(x, image.pixels.shape[2] - 1), min(y, image.pixels.shape[1] - 1)
	return Images(image.pixels[:, top : top + height, left : left + width])


@node(kind='ImageFlip', category='image/transform', lane='cpu', facts=as_input('IMAGE', 'image'))
def flip(
	image: Annotated[Images, 'The pictures.'], flip_method: Annotated[str, Choice(options=FLIPS), 'Over which axis.']
) -> Images:
	"""Mirror pictures: upside down, or left to right."""
	return Images(image.pixels.flip(1 if flip_method.startswith('x') else 2))


@node(kind='ImageRotate', category='image/transform', lane='cpu')
def rotate(
	image: Annotated[Images, 'The pictures.'], rotation: Annotated[str, Choice(options=ROTATIONS), 'Clockwise.']
) -> Images:
	"""Turn pictures by right angles."""
	return Images(image.pixels.rot90(ROTATIONS.index(rotation), (2, 1)))


@node(kind='ImagePadForOutpaint', title='Pad Image for Outpainting', category='image', lane='cpu')
def pad_for_outpaint(
	image: Annotated[Images, 'The pictures.'],
	left: Margin,
	top: Margin,
	right: Margin,
	bottom: Margin,
	feathering: Annotated[
		int, Number(default=40, min=0, max=MAX_RESOLUTION, step=1), 'Pixels over which the mask fades into the picture.'
	],
) -> Padded:
	"""Give pictures a grey margin, and the mask of it, to be painted in."""
	from nodes.pixels.masks import outpaint_mask

	batch, height, width, channels = image.pixels.shape
	pixels = image.pixels.new_full((batch, height + top + bottom, width + left + right, channels), 0.5)
	pixels[:, top : top + height, left : left + width] = image.pixels
	mask = outpaint_mask(height, width, left, top, right, bottom, feathering)
	return Padded(Images(pixels), Mask(mask.unsqueeze(0)))


@node(kind='GetImageSize', title='Get Image Size', category='image', lane='cpu')
def get_size(context: Context, image: Annotated[Images, 'The pictures.']) -> Size:
	"""Width, height and number of pictures."""
	batch, height, width = image.pixels.shape[:3]
	context.note(f'width: {width}, height: {height}\n batch size: {batch}')
	return Size(width, height, batch)


@node(kind='RepeatImageBatch', category='image/batch', lane='cpu', facts=as_input('IMAGE', 'image'))
def repeat(
	image: Annotated[Images, 'The pictures.'], amount: Annotated[int, Number(default=1, min=1, max=4096), 'How often.']
) -> Images:
	"""Repeat a batch of pictures, one after the other."""
	return Images(image.pixels.repeat(amount, 1, 1, 1))


@node(kind='ImageFromBatch', category='image/batch', lane='cpu', facts=as_input('IMAGE', 'image'))
def from_batch(
	image: Annotated[Images, 'The pictures.'],
	batch_index: Annotated[int, Number(default=0, min=0, max=4095), 'The first one, counted from 0.'],
	length: Annotated[int, Number(default=1, min=1, max=4096), 'How many.'],
) -> Images:
	"""Take some pictures out of a batch, as far as there are so many."""
	first = min(len(image.pixels) - 1, batch_index)
	return Images(image.pixels[first : first + length])


@node(kind='RebatchImages', title='Rebatch Images', category='image/batch', lane='cpu')
def rebatch(
	images: Annotated[list[Images], 'All batches.'],
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'Pictures in each new batch.'],
) -> list[Images]:
	"""Cut batches of pictures anew, into batches of a size; the last one has what is left."""
	import torch

	pictures = [picture for batch in images for picture in torch.split(batch.pixels, 1)]
	return [Images(torch.cat(pictures[start : start + batch_size])) for start in range(0, len(pictures), batch_size)]


@node(kind='ImageAddNoise', category='image', lane='cpu', facts=as_input('IMAGE', 'image'))
def add_noise(
	image: Annotated[Images, 'The pictures.'],
	seed: Annotated[int, Number(default=0, min=0, max=2**64 - 1, seed=True), 'The noise follows from it.'],
	strength: Annotated[float, Number(default=0.5, min=0.0, max=1.0, step=0.01), 'Standard deviation.'],
) -> Images:
	"""Add Gaussian noise to pictures."""
	import torch

	noise = torch.randn(image.pixels.shape, generator=torch.Generator().manual_seed(seed))
	return Images((image.pixels + strength * noise.to(image.pixels)).clamp(0, 1))
