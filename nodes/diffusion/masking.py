"""Inpainting with a model that was not made for it: the network sees the kept part under its own noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.diffusion.guidance import Guided
from nodes.diffusion.hooks import MaskHook
from nodes.diffusion.parametrisation import Parametrisation


@dataclass(frozen=True, eq=False)
class Masked:
	"""A steered model whose guess is the given latent where the mask is 0.

	`clean` is that latent in the model's scale, `noise` the unit noise that it is shown under; `mask` is [batch, 1, …, h, w].
	"""

	guided: Guided
	clean: Tensor
	noise: Tensor
	mask: Tensor
	sigmas: Tensor
	levels: Parametrisation
	hook: MaskHook | None = None

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		free = self._free(sigma)
		return self._kept(self.guided(self._seen(x, sigma, free), sigma), free)

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`; the second guess is left as it is."""
		free = self._free(sigma)
		guided, unguided = self.guided.apart(self._seen(x, sigma, free), sigma)
		return self._kept(guided, free), unguided

	def _free(self, sigma: Tensor) -> Tensor:
		return self.mask if self.hook is None else self.hook(self.mask, sigma, self.sigmas, self.levels)

	def _seen(self, x: Tensor, sigma: Tensor, free: Tensor) -> Tensor:
		return x * free + self.levels.noised(self.clean, self.noise, sigma, full=False) * (1 - free)

	def _kept(self, guess: Tensor, free: Tensor) -> Tensor:
		return guess * free + self.clean * (1 - free)


def fitted(mask: Tensor, latent: Tensor) -> Tensor:
	"""A mask [masks, height, width] for a latent batch: [batch, 1, …, h, w], scaled, repeated or cut to the batch."""
	free = mask.reshape(-1, 1, *mask.shape[-2:]).to(latent)
	free = torch.nn.functional.interpolate(free, latent.shape[-2:], mode='bilinear')
	free = free.repeat(-(-len(latent) // len(free)), 1, 1, 1)[: len(latent)]
	return free.reshape(len(latent), *[1] * (latent.dim() - 3), *latent.shape[-2:])
