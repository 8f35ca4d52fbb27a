"""Bringing tensors to one batch, one size, one number of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from nodes.pixels.scale import resize, resize_pictures


def repeated_to(tensor: Tensor, batch: int) -> Tensor:
	"""The first `batch` along the batch, from the start again where there are fewer."""
	count = len(tensor)
	if count >= batch:
		return tensor[:batch]
	return tensor.repeat(math.ceil(batch / count), *(1 for _ in tensor.shape[1:]))[:batch]


def spread_to(tensor: Tensor, batch: int) -> Tensor:
	"""As many along the batch, in their order: each stands for its share of the new ones, or some are left out evenly."""
	count = len(tensor)
	if count == batch or batch < 2:
		return tensor[:batch]
	if batch < count:
		# The first and the last stay, so that the ends of what is spread are kept.
		places = [round(index * (count - 1) / (batch - 1)) for index in range(batch)]
	else:
		places = [math.floor((index + 0.5) * count / batch) for index in range(batch)]
	return tensor[places]


def latent_like(samples: Tensor, shape: Sequence[int], *, repeat: bool = True) -> Tensor:
	"""Latents of the size that another one has, cut to its middle; with `repeat`, also of its batch."""
	if samples.shape[1:] != tuple(shape[1:]):
		samples = resize(samples, shape[-1], shape[-2], 'bilinear', 'center')
	return repeated_to(samples, shape[0]) if repeat else samples


def with_channels(pixels: Tensor, channels: int) -> Tensor:
	"""Pictures [..., c] with so many channels: what is missing is opaque, what is too much is left out."""
	there = pixels.shape[-1]
	return pixels[..., :channels] if there >= channels else pad(pixels, (0, channels - there), value=1.0)


def joined(pictures: Sequence[Tensor]) -> Tensor:
	"""Pictures [batch, h, w, c] as one batch: all of the first one's size, cut to the middle; opaque where alpha is new."""
	channels = max(picture.shape[-1] for picture in pictures)
	height, width = pictures[0].shape[1:3]
	made = []
	for picture in pictures:
		full = with_channels(picture, channels)
		made.append(
			full if full.shape[1:3] == (height, width) else resize_pictures(full, width, height, 'bilinear', 'center')
		)
	return torch.cat(made)
