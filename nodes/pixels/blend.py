"""Blend modes of two pictures of one size, values 0 to 1 (as in the W3C's Compositing and Blending, but `difference`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def _overlay(a: Tensor, b: Tensor) -> Tensor:
	return torch.where(a <= 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b))


def _soft_light(a: Tensor, b: Tensor) -> Tensor:
	lighter = torch.where(a <= 0.25, ((16 * a - 12) * a + 4) * a, torch.sqrt(a))
	return torch.where(b <= 0.5, a - (1 - 2 * b) * a * (1 - a), a + (2 * b - 1) * (lighter - a))


MODES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
	'normal': lambda a, b: b,
	'multiply': lambda a, b: a * b,
	'screen': lambda a, b: 1 - (1 - a) * (1 - b),
	'overlay': _overlay,
	'soft_light': _soft_light,
	# What is below nothing becomes nothing: no absolute value is taken.
	'difference': lambda a, b: a - b,
}


def blend(one: Tensor, other: Tensor, amount: float, mode: str) -> Tensor:
	"""So much of the blended picture over the first one, cut to 0 to 1."""
	return (one * (1 - amount) + MODES[mode](one, other) * amount).clamp(0, 1)
