"""Noise by seed: what sampling starts from, and what samplers add on their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Between = Callable[[Tensor, Tensor], Tensor]
"""Unit noise for the step between two sigmas."""

ROUNDED = 6
"""Decimals to which the Brownian tree knows sigmas."""


def start_noise(like: Tensor, seed: int, batch_index: Sequence[int] = ()) -> Tensor:
	"""Unit noise in the shape of a latent batch, float32, drawn on the CPU, so that all devices get the same.

	With `batch_index`, latent i gets what number batch_index[i] of a greater batch would get when it is drawn one by
	one: equal numbers, equal noise. A number may occur several times.
	"""
	return _drawn_start(torch.Generator('cpu').manual_seed(seed), like, batch_index)


def later_noise(like: Tensor, seed: int, batch_index: Sequence[int] = ()) -> Callable[[Tensor], Tensor]:
	"""Unit noise in the shape of a tensor, new with each call, from the generator that `start_noise` has drawn from."""
	generator = torch.Generator('cpu').manual_seed(seed)
	_drawn_start(generator, like, batch_index)
	return lambda x: torch.randn(x.shape, generator=generator, dtype=torch.float32).to(x.device)


def _drawn_start(generator: torch.Generator, like: Tensor, batch_index: Sequence[int]) -> Tensor:
	if not batch_index:
		return torch.randn(like.shape, generator=generator, dtype=torch.float32).to(like.device)
	one = (1, *like.shape[1:])
	drawn = [torch.randn(one, generator=generator, dtype=torch.float32) for _ in range(max(batch_index) + 1)]
	return torch.cat([drawn[index] for index in batch_index]).to(like.device)


def fresh_noise(like: Tensor, seed: int) -> Callable[[], Tensor]:
	"""Unit noise in the shape of a tensor, new with each call, drawn where the tensor is, as ComfyUI does."""
	generator = torch.Generator(like.device).manual_seed(seed)
	return lambda: torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


def brownian_noise(like: Tensor, seed: int, low: Tensor, high: Tensor, *, cpu: bool) -> Between:
	"""Unit noise from one Brownian path over sigma: its increment between two sigmas, over the root of their distance.

	Any two sigmas in [low, high] may be asked for, in any order, and equal questions have equal answers, so that a run
	of more steps follows the same path (Li et al. 2020, "Scalable Gradients for Stochastic Differential Equations",
	the virtual Brownian tree). With `cpu` it is drawn on the CPU, whatever device `like` is on.
	"""
	import torchsde  # takes a second, and few samplers want it

	device = torch.device('cpu') if cpu else like.device
	origin = torch.zeros(like.shape, dtype=like.dtype, device=device)
	tree = torchsde.BrownianTree(low.float(), origin, high.float(), entropy=seed)
	first, last = (round(float(end.float()), ROUNDED) for end in (low, high))  # as the tree rounds them

	def between(sigma: Tensor, lower: Tensor) -> Tensor:
		start, end = sorted(min(max(float(at.float()), first), last) for at in (sigma, lower))
		increment: Tensor = tree(start, end)
		sign = 1 if sigma < lower else -1
		return (increment * sign).to(like.device) / (lower - sigma).abs().sqrt().to(like.device)

	return between
