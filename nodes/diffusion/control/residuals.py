"""What control networks say: tensors that a denoiser adds to its own on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Residuals:
	"""Tensors to add: to what is handed on from each block on the way down, and after the middle.

	`inner` are added within the way down, after each level's last block (T2I-Adapter). Of a transformer, `down` go with
	its first kind of blocks, and `single` with its second.
	"""

	down: tuple[Tensor, ...] = ()
	middle: Tensor | None = None
	inner: tuple[Tensor, ...] = ()
	single: tuple[Tensor, ...] = ()

	def scaled(self, strength: float) -> Residuals:
		"""The same, so many times."""
		return Residuals(
			tuple(one * strength for one in self.down),
			None if self.middle is None else self.middle * strength,
			tuple(one * strength for one in self.inner),
			tuple(one * strength for one in self.single),
		)

	def for_unet(self, dtype: torch.dtype) -> dict[str, Any]:
		"""As arguments of diffusers' UNet."""
		given: dict[str, Any] = {}
		if self.down and self.middle is not None:
			given['down_block_additional_residuals'] = tuple(one.to(dtype) for one in self.down)
			given['mid_block_additional_residual'] = self.middle.to(dtype)
		if self.inner:
			given['down_intrablock_additional_residuals'] = [one.to(dtype) for one in self.inner]
		return given


def added(several: Sequence[Residuals]) -> Residuals | None:
	"""What several say together; None of none."""
	if not several:
		return None
	total, *others = several
	for other in others:
		total = Residuals(
			_sums(total.down, other.down),
			_sum(total.middle, other.middle),
			_sums(total.inner, other.inner),
			_sums(total.single, other.single),
		)
	return total


def _sums(first: Sequence[Tensor], second: Sequence[Tensor]) -> tuple[Tensor, ...]:
	pairs = (_sum(one, other) for one, other in zip_longest(first, second))
	return tuple(one for one in pairs if one is not None)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
	if one is None or other is None:
		return one if other is None else other
	return one + other
