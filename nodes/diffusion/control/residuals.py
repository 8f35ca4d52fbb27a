"""What control networks say: tensors that a denoiser adds to its own on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Residuals:
	"""Tensors to add: to what is handed on from each block on the way down, and after the middle.

	`inner` are added within the way down, after each level's last block (T2I-Adapter). Of a transformer, `down` go with
	its first kind of blocks, and `single` with its second; each of `down` then goes with `spread` blocks that follow each
	other, each of `single` with `single_spread`.
	"""

	down: tuple[Tensor, ...] = ()
	middle: Tensor | None = None
	inner: tuple[Tensor, ...] = ()
	single: tuple[Tensor, ...] = ()
	spread: int = 1
	single_spread: int = 1

	def scaled(self, strength: float) -> Residuals:
		"""The same, so many times."""
		return Residuals(
			tuple(one * strength for one in self.down),
			None if self.middle is None else self.middle * strength,
			tuple(one * strength for one in self.inner),
			tuple(one * strength for one in self.single),
			self.spread,
			self.single_spread,
		)

	def apart(self) -> Residuals:
		"""The same with one of `down`, and one of `single`, for each block."""
		return replace(
			self,
			down=tuple(one for one in self.down for _ in range(self.spread)),
			single=tuple(one for one in self.single for _ in range(self.single_spread)),
			spread=1,
			single_spread=1,
		)

	def for_tokens(self, like: Tensor, count: int) -> list[Tensor]:
		"""What goes with each of a transformer's `count` blocks of the first kind, for tokens [batch, tokens, …].

		What is said is of the first of them, those of the picture; the others and further blocks get nought.
		"""
		return _for_blocks(self.down, self.spread, like, count)

	def single_for_tokens(self, like: Tensor, count: int) -> list[Tensor]:
		"""The same for its `count` blocks of the second kind."""
		return _for_blocks(self.single, self.single_spread, like, count)

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
	alike = len({(one.spread, one.single_spread) for one in several}) == 1
	total, *others = several if alike else [one.apart() for one in several]
	for other in others:
		total = Residuals(
			_sums(total.down, other.down),
			_sum(total.middle, other.middle),
			_sums(total.inner, other.inner),
			_sums(total.single, other.single),
			total.spread,
			total.single_spread,
		)
	return total


def _sums(first: Sequence[Tensor], second: Sequence[Tensor]) -> tuple[Tensor, ...]:
	pairs = (_sum(one, other) for one, other in zip_longest(first, second))
	return tuple(one for one in pairs if one is not None)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
	if one is None or other is None:
		return one if other is None else other
	return one + other


def _for_blocks(said: Sequence[Tensor], spread: int, like: Tensor, count: int) -> list[Tensor]:
	beyond = like.shape[1] - said[0].shape[1] if said else 0
	padded = [torch.nn.functional.pad(one.to(like.dtype), (0, 0, 0, beyond)) for one in said]
	nothing = like.new_zeros(())
	numbers = [block // spread for block in range(count)]
	return [padded[number] if number < len(padded) else nothing for number in numbers]
