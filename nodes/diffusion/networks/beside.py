"""What networks see beside the noisy latent: maps of its height and width, one for all latents or one for each."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.pixels.batch import spread_to
from nodes.pixels.scale import resize


def fitted(picture: Tensor, height: int, width: int) -> Tensor:
	"""[batch, channels, h, w] brought to other sides: the middle is cut out in their proportion, then scaled."""
	if picture.shape[-2:] == (height, width):
		return picture
	return resize(picture, width, height, 'bilinear', 'center')


def joined(batch: int, *maps: Tensor) -> Tensor:
	"""Maps [some, channels, h, w] as one of all their channels: a single one if all are, else one for each latent."""
	if all(len(one) == 1 for one in maps):
		return torch.cat(maps, dim=1)
	return torch.cat([spread_to(one, batch) for one in maps], dim=1)
