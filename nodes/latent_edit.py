"""Single latents: scaled, turned, cut, masked, and batches of them. Sizes and places are in pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from engine.declaration import Choice, Number
from engine.spec import node
from nodes.known import MAX_RESOLUTION, as_input
from nodes.values import Latent, Mask

FACTOR = 8
"""Pixels per element along a side."""
SMALLEST = 64
METHODS = ('nearest-exact', 'bilinear', 'area', 'bicubic', 'bislerp')
ROTATIONS = ('none', '90 degrees', '180 degrees', '270 degrees')
FLIPS = ('x-axis: vertically', 'y-axis: horizontally')
OF_ITS_KIND = as_input('LATENT', 'samples', 'channels', 'empty')
SAME = as_input('LATENT', 'samples', 'channels', 'empty', 'width', 'height')

Side = Annotated[int, Number(default=512, min=0, max=MAX_RESOLUTION, step=8), 'In pixels; 0 keeps the aspect.']
Length = Annotated[int, Number(default=512, min=64, max=MAX_RESOLUTION, step=8), 'In pixels.']
Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=8), 'In pixels.']
MethodName = Annotated[str, Choice(options=METHODS), 'How elements between elements are worked out.']


@node(kind='LatentUpscale', title='Upscale Latent', category='latent', lane='cpu', facts=OF_ITS_KIND)
def scale(
	samples: Annotated[Latent, 'The latents.'],
	upscale_method: MethodName,
	width: Side,
	height: Side,
	crop: Annotated[str, Choice(options=('disabled', 'center')), 'Whether to cut off what does not fit the aspect.'],
) -> Latent:
	"""Bring latents to a size. With one side of 0 the aspect is kept, with both nothing is done."""
	from nodes.pixels.scale import resize

	if width == 0 and height == 0:
		return samples
	high, wide = samples.samples.shape[-2:]
	new_width = max(SMALLEST, width or round(wide * max(SMALLEST, height) / high))
	new_height = max(SMALLEST, height or round(high * max(SMALLEST, width) / wide))
	return samples.with_samples(
		resize(samples.samples, new_width // FACTOR, new_height // FACTOR, upscale_method, crop)
	)


@node(kind='LatentUpscaleBy', title='Upscale Latent By', category='latent', lane='cpu', facts=OF_ITS_KIND)
def scale_by(
	samples: Annotated[Latent, 'The latents.'],
	upscale_method: MethodName,
	scale_by: Annotated[float, Number(default=1.5, min=0.01, max=8.0, step=0.01), 'Times as wide and high.'],
) -> Latent:
	"""Make latents larger or smaller by a factor."""
	from nodes.pixels.scale import resize

	height, width = samples.samples.shape[-2:]
	size = max(1, round(width * scale_by)), max(1, round(height * scale_by))
	return samples.with_samples(resize(samples.samples, *size, upscale_method))


@node(kind='LatentRotate', title='Rotate Latent', category='latent/transform', lane='cpu', facts=OF_ITS_KIND)
def rotate(
	samples: Annotated[Latent, 'The latents.'], rotation: Annotated[str, Choice(options=ROTATIONS), 'Clockwise.']
) -> Latent:
	"""Turn latents by right angles."""
	return samples.with_samples(samples.samples.rot90(ROTATIONS.index(rotation), (-1, -2)))


@node(kind='LatentFlip', title='Flip Latent', category='latent/transform', lane='cpu', facts=SAME)
def flip(
	samples: Annotated[Latent, 'The latents.'], flip_method: Annotated[str, Choice(options=FLIPS), 'Over which axis.']
) -> Latent:
	"""Mirror latents: upside down, or left to right."""
	return samples.with_samples(samples.samples.flip(-2 if flip_method.startswith('x') else -1))


@node(kind='LatentCrop', title='Crop Latent', category='latent/transform', lane='cpu', facts=OF_ITS_KIND)
def crop(samples: Annotated[Latent, 'The latents.'], width: Length, height: Length, x: Offset, y: Offset) -> Latent:
	"""Cut a rectangle out of latents, as far as they reach; it begins 64 pixels before the border at the latest."""
	high, wide = samples.samples.shape[-2:]
	left, top = max(0, min(x // FACTOR, wide - FACTOR)), max(0, min(y // FACTOR, high - FACTOR))
	return samples.with_samples(samples.samples[..., top : top + height // FACTOR, left : left + width // FACTOR])


@node(kind='LatentCut', category='latent/advanced', lane='cpu')
def cut(
	samples: Annotated[Latent, 'The latents.'],
	dim: Annotated[str, Choice(options=('x', 'y', 't')), 'Along the width, the height, or what lies before them.'],
	index: Annotated[
		int, Number(default=0, min=-MAX_RESOLUTION, max=MAX_RESOLUTION, step=1), 'In elements; below 0 from the end.'
	],
	amount: Annotated[int, Number(default=1, min=1, max=MAX_RESOLUTION, step=1), 'In elements.'],
) -> Latent:
	"""Cut a slice out of latents, as far as they reach."""
	from nodes.pixels.latents import narrowed

	dimension = samples.samples.ndim - 1 - ('x', 'y', 't').index(dim)
	return samples.with_samples(narrowed(samples.samples, dimension, index, amount))


@node(kind='SetLatentNoiseMask', title='Set Latent Noise Mask', category='latent/inpaint', lane='cpu', facts=SAME)
def set_noise_mask(samples: Annotated[Latent, 'The latents.'], mask: Annotated[Mask, 'Where to paint anew.']) -> Latent:
	"""Let noise, and so changes, only be where the mask is."""
	return replace(samples, noise_mask=mask.values)


@node(kind='LatentFromBatch', title='Latent From Batch', category='latent/batch', lane='cpu', facts=SAME)
def from_batch(
	samples: Annotated[Latent, 'The latents.'],
	batch_index: Annotated[int, Number(default=0, min=0, max=63), 'The first one, counted from 0.'],
	length: Annotated[int, Number(default=1, min=1, max=64), 'How many.'],
) -> Latent:
	"""Take some latents out of a batch. They get the noise that they would have had in it."""
	from nodes.pixels.latents import taken

	return taken(samples, batch_index, length)


@node(kind='RepeatLatentBatch', title='Repeat Latent Batch', category='latent/batch', lane='cpu', facts=SAME)
def repeat(
	samples: Annotated[Latent, 'The latents.'], amount: Annotated[int, Number(default=1, min=1, max=64), 'How often.']
) -> Latent:
	"""Repeat a batch of latents, one after the other."""
	from nodes.pixels.latents import repeated

	return repeated(samples, amount)


@node(kind='LatentBatchSeedBehavior', category='latent/advanced', lane='cpu', facts=SAME)
def seed_behaviour(
	samples: Annotated[Latent, 'The latents.'],
	seed_behavior: Annotated[str, Choice(options=('random', 'fixed'), default='fixed'), 'Noise for each, or the same.'],
) -> Latent:
	"""Give each latent of a batch noise of its own, or all the same."""
	if seed_behavior == 'random':
		return replace(samples, batch_index=None)
	first = samples.batch_index[0] if samples.batch_index else 0
	return replace(samples, batch_index=(first,) * len(samples.samples))
