"""Embedded pictures with noise, as models that vary pictures hear them.

Source: Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP Latents" (unCLIP), as released with
Stable Diffusion 2.1 unCLIP, whose noise levels follow the cosine schedule of Nichol and Dhariwal 2021.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.vision_values import Variation

LEVELS = 1000
LARGEST_BETA = 0.999
OFFSET = 0.008
PERIOD = 10000
BEFORE_SEED = 10
"""The noise's seed is so much before that of the picture's, as in ComfyUI."""


def heard(variations: Sequence[Variation], width: int, seed: int, merged_noise: float) -> Tensor:
	"""All pictures as one vector [1, 2 · width]: the embedding with noise, and its noise level as waves.

	Each counts by its strength. Of several the sum is taken, which gets noise of the level `merged_noise`, 0 to 1, once
	more. Raises `NodeUsage` if they were encoded by a network of another width.
	"""
	said = []
	generator = torch.Generator()
	for variation in variations:
		embeds = variation.seen.embeds
		if embeds.dim() != 2 or embeds.shape[-1] != width:
			raise NodeUsage(
				f'This model hears pictures as vectors of {width} numbers; they were encoded as {list(embeds.shape[1:])}. '
				'Encode them with the CLIP vision model of its own checkpoint.'
			)
		for embedding in torch.split(embeds, 1):
			generator.manual_seed(seed - BEFORE_SEED)
			said.append(_noised(embedding, variation.noise, generator) * variation.strength)
	if len(said) == 1:
		return said[0]
	return _noised(torch.stack(said).sum(dim=0)[:, :width], merged_noise, generator)


def _noised(embedding: Tensor, noise: float, generator: torch.Generator) -> Tensor:
	"""An embedding [1, width] with noise of a level from 0 to 1, and behind it that level's waves."""
	level = round((LEVELS - 1) * noise)
	kept = _alpha_bars()[level]
	added = torch.randn(embedding.shape, generator=generator)
	return torch.cat([kept.sqrt() * embedding + (1 - kept).sqrt() * added, _waves(level, embedding.shape[-1])], dim=1)


@cache
def _alpha_bars() -> Tensor:
	"""How much of the signal's variance is left at each level, float32 [levels]."""

	def left(part: float) -> float:
		return math.cos((part + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2

	betas = [min(1 - left((step + 1) / LEVELS) / left(step / LEVELS), LARGEST_BETA) for step in range(LEVELS)]
	return (1 - torch.tensor(betas, dtype=torch.float64)).cumprod(dim=0).float()


def _waves(level: int, width: int) -> Tensor:
	"""Cosines and sines of a level at falling frequencies, [1, width]."""
	half = width // 2
	angles = level * torch.exp(-math.log(PERIOD) * torch.arange(half, dtype=torch.float32) / half)
	return torch.cat([angles.cos(), angles.sin()])[None]
