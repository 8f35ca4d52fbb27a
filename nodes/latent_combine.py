"""Two latents into one. Where sizes differ, the second is cut and scaled to the first one's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from engine.declaration import Agreement, Choice, Number, Toggle
from engine.spec import node
from nodes.known import MAX_RESOLUTION, as_input
from nodes.values import Latent, Mask

if TYPE_CHECKING:
	from torch import Tensor

FACTOR = 8
"""Pixels per element along a side."""
AS_FIRST = as_input('LATENT', 'samples1', 'channels', 'width', 'height')
ALIKE = (Agreement(fact='channels', inputs=('samples1', 'samples2')),)

Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=8), 'In pixels.']


@node(kind='LatentAdd', category='latent/advanced', lane='cpu', facts=AS_FIRST, agreements=ALIKE)
def add(
	samples1: Annotated[Latent, 'The first latents.'], samples2: Annotated[Latent, 'The second latents.']
) -> Latent:
	"""The sum of latents."""
	return samples1.with_samples(samples1.samples + _like(samples2, samples1))


@node(kind='LatentSubtract', category='latent/advanced', lane='cpu', facts=AS_FIRST, agreements=ALIKE)
def subtract(
	samples1: Annotated[Latent, 'The first latents.'], samples2: Annotated[Latent, 'The second latents.']
) -> Latent:
	"""The first latent less the second."""
	return samples1.with_samples(samples1.samples - _like(samples2, samples1))


@node(
	kind='LatentMultiply',
	category='latent/advanced',
	lane='cpu',
	facts=as_input('LATENT', 'samples', 'channels', 'width', 'height'),
)
def multiply(
	samples: Annotated[Latent, 'The latents.'],
	multiplier: Annotated[
		float, Number(default=1.0, min=-10.0, max=10.0, step=0.01), 'What every value is multiplied with.'
	],
) -> Latent:
	"""A latent times a number."""
	return samples.with_samples(samples.samples * multiplier)


@node(kind='LatentInterpolate', category='latent/advanced', lane='cpu', facts=AS_FIRST, agreements=ALIKE)
def interpolate(
	samples1: Annotated[Latent, 'The first latents.'],
	samples2: Annotated[Latent, 'The second latents.'],
	ratio: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.01), '1 is the first, 0 the second.'],
) -> Latent:
	"""Between two latents: directions and lengths each for themselves, so that contrast is kept."""
	from nodes.pixels.latents import interpolated

	return samples1.with_samples(interpolated(samples1.samples, _like(samples2, samples1), ratio))


@node(kind='LatentBlend', title='Latent Blend', category='_for_testing', lane='cpu', facts=AS_FIRST, agreements=ALIKE)
def blend(
	samples1: Annotated[Latent, 'The first latents.'],
	samples2: Annotated[Latent, 'The second latents.'],
	blend_factor: Annotated[float, Number(default=0.5, min=0, max=1, step=0.01), 'How much of the first.'],
) -> Latent:
	"""Mix two latents."""
	from nodes.pixels.scale import resize

	one, other = samples1.samples, samples2.samples
	if one.shape[-2:] != other.shape[-2:]:
		other = resize(other, one.shape[-1], one.shape[-2], 'bicubic', 'center')
	return samples1.with_samples(one * blend_factor + other * (1 - blend_factor))


@node(kind='LatentBatch', category='latent/batch', lane='cpu', facts=AS_FIRST, agreements=ALIKE)
def batch(
	samples1: Annotated[Latent, 'The first latents.'], samples2: Annotated[Latent, 'The second latents.']
) -> Latent:
	"""Two batches of latents as one."""
	from nodes.pixels.latents import batched

	return batched(samples1, samples2)


@node(kind='LatentConcat', category='latent/advanced', lane='cpu')
def concat(
	samples1: Annotated[Latent, 'The first latents.'],
	samples2: Annotated[Latent, 'The second latents.'],
	dim: Annotated[
		str, Choice(options=('x', '-x', 'y', '-y', 't', '-t')), 'Where the second goes; - before the first.'
	],
) -> Latent:
	"""Put latents beside each other: along the width, the height, or the dimension before them."""
	import torch

	from nodes.pixels.batch import repeated_to

	pair = [samples1.samples, repeated_to(samples2.samples, len(samples1.samples))]
	if dim.startswith('-'):
		pair.reverse()
	return samples1.with_samples(torch.cat(pair, dim=-1 - 'xyt'.index(dim[-1])))


@node(
	kind='LatentComposite',
	title='Latent Composite',
	category='latent',
	lane='cpu',
	facts=as_input('LATENT', 'samples_to', 'channels', 'width', 'height'),
	agreements=(Agreement(fact='channels', inputs=('samples_to', 'samples_from')),),
)
def composite(
	samples_to: Annotated[Latent, 'The latents to put something into.'],
	samples_from: Annotated[Latent, 'The latents that are put there.'],
	x: Offset,
	y: Offset,
	feather: Annotated[
		int, Number(default=0, min=0, max=MAX_RESOLUTION, step=8), 'Pixels over which the edges fade that lie inside.'
	],
) -> Latent:
	"""Paste a latent on another one."""
	from nodes.pixels.compose import feathered

	made = feathered(samples_to.samples, samples_from.samples, x // FACTOR, y // FACTOR, feather // FACTOR)
	return samples_to.with_samples(made)


@node(
	kind='LatentCompositeMasked',
	category='latent',
	lane='cpu',
	facts=as_input('LATENT', 'destination', 'channels', 'width', 'height'),
	agreements=(Agreement(fact='channels', inputs=('destination', 'source')),),
)
def composite_masked(
	destination: Annotated[Latent, 'What something is laid onto.'],
	source: Annotated[Latent, 'What is laid onto it.'],
	x: Offset,
	y: Offset,
	resize_source: Annotated[bool, Toggle(default=False), 'Stretch the source over all of the destination.'],
	mask: Annotated[Mask | None, 'Where the source shows; stretched over it.'] = None,
) -> Latent:
	"""Paste a latent on another one, through a mask."""
	from nodes.pixels import compose

	made = compose.composite(
		destination.samples,
		source.samples,
		x,
		y,
		None if mask is None else mask.values,
		unit=FACTOR,
		fit=resize_source,
	)
	return destination.with_samples(made)


def _like(latent: Latent, other: Latent) -> Tensor:
	from nodes.pixels.batch import latent_like

	return latent_like(latent.samples, other.samples.shape)
