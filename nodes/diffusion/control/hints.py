"""Pictures for control networks, brought to the size of the latent that is worked on."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.pixels.scale import resize


def fitted(pixels: Tensor, height: int, width: int) -> Tensor:
	"""Pixels [batch, h, w, channels] as [batch, channels, height, width].

	What the aspect ratio has too much is cut off alike on both ends; pixels are taken from where they are nearest.
	"""
	return resize(pixels.movedim(-1, 1), width, height, 'nearest-exact', 'center')


def repeated(tensor: Tensor, batch: int, prompts: int) -> Tensor:
	"""One per latent, where a batch is `prompts` times the same latents: from the start again if there are too few."""
	if len(tensor) == 1:
		return tensor.expand(batch, *tensor.shape[1:])
	each = batch // prompts
	rows = torch.arange(each) % len(tensor)
	return tensor[rows.repeat(prompts)]
