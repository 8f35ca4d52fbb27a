"""Operations on latents with what travels beside them: noise masks and places in the batch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nodes.pixels.batch import latent_like, repeated_to
from nodes.values import Latent


def taken(latent: Latent, first: int, count: int) -> Latent:
	"""Some of a batch, as far as there are so many; each keeps its noise mask and the noise of its place."""
	whole = len(latent.samples)
	first = min(whole - 1, first)
	chosen = slice(first, first + min(whole - first, count))
	index = latent.batch_index or tuple(range(whole))
	mask = latent.noise_mask
	if mask is not None and len(mask) > 1:
		mask = repeated_to(mask, whole)[chosen]
	return replace(latent, samples=latent.samples[chosen], noise_mask=mask, batch_index=index[chosen])


def repeated(latent: Latent, times: int) -> Latent:
	"""A batch so many times over. Places that are known go on counting, so that no noise repeats."""
	mask = latent.noise_mask
	if mask is not None and len(mask) > 1:
		mask = repeated_to(mask, len(latent.samples)).repeat(times, 1, 1)
	index = latent.batch_index
	if index is not None:
		span = max(index) - min(index) + 1
		index = tuple(place + time * span for time in range(times) for place in index)
	samples = latent.samples.repeat(times, *(1 for _ in latent.samples.shape[1:]))
	return replace(latent, samples=samples, noise_mask=mask, batch_index=index)


def batched(one: Latent, other: Latent) -> Latent:
	"""Two batches as one, the second cut and scaled to the first one's size; each counts its places for itself."""
	second = latent_like(other.samples, one.samples.shape, repeat=False)
	index = tuple(place for each in (one, other) for place in (each.batch_index or tuple(range(len(each.samples)))))
	return replace(one, samples=torch.cat((one.samples, second)), batch_index=index)


def interpolated(one: Tensor, other: Tensor, ratio: float) -> Tensor:
	"""Between two latents, directions and lengths of the channel vectors each for themselves; 1 is the first."""
	lengths = [each.norm(dim=1, keepdim=True) for each in (one, other)]
	units = [(each / length).nan_to_num() for each, length in zip((one, other), lengths, strict=True)]
	mixed = units[0] * ratio + units[1] * (1 - ratio)
	direction = (mixed / mixed.norm(dim=1, keepdim=True)).nan_to_num()
	length: Tensor = lengths[0] * ratio + lengths[1] * (1 - ratio)
	made: Tensor = direction * length
	return made


def narrowed(samples: Tensor, dimension: int, index: int, amount: int) -> Tensor:
	"""A piece of a dimension, as far as it reaches; a negative index counts from the end."""
	size = samples.shape[dimension]
	if index < 0:
		index = max(index, -size)
		return samples.narrow(dimension, size + index, min(-index, amount))
	index = min(index, size - 1)
	return samples.narrow(dimension, index, min(size - index, amount))
