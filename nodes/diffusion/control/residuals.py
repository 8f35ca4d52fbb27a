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
	other, each of `single` with `single_spread`. If `cycled`, `down` go with the blocks in turn, from the first again after
	the last. So many of the last blocks are left `alone`. `beside` are what others say who go with the blocks in another way.
	"""

	down: tuple[Tensor, ...] = ()
	middle: Tensor | None = None
	inner: tuple[Tensor, ...] = ()
	single: tuple[Tensor, ...] = ()
	spread: int = 1
	single_spread: int = 1
	cycled: bool = False
	alone: int = 0
	beside: tuple[Residuals, ...] = ()

	def scaled(self, strength: float) -> Residuals:
		"""The same, so many times."""
		return replace(
			self,
			down=tuple(one * strength for one in self.down),
			middle=None if self.middle is None else self.middle * strength,
			inner=tuple(one * strength for one in self.inner),
			single=tuple(one * strength for one in self.single),
			beside=tuple(one.scaled(strength) for one in self.beside),
		)

	@property
	def ways(self) -> tuple[int, int, bool, int]:
		"""How it goes with blocks: what is alike in others can be added up with it."""
		return self.spread, self.single_spread, self.cycled, self.alone

	def for_tokens(self, like: Tensor, count: int) -> list[Tensor]:
		"""What goes with each of a transformer's `count` blocks of the first kind, for tokens [batch, tokens, …].

		What is said is of the first of them, those of the picture; the others and further blocks get nought.
		"""
		numbers = [
			block % max(1, len(self.down)) if self.cycled else block // self.spread
			for block in range(max(0, count - self.alone))
		]
		own = _for_blocks(self.down, numbers, like, count)
		return _with_others(own, [one.for_tokens(like, count) for one in self.beside])

	def single_for_tokens(self, like: Tensor, count: int) -> list[Tensor]:
		"""The same for its `count` blocks of the second kind."""
		own = _for_blocks(self.single, [block // self.single_spread for block in range(count)], like, count)
		return _with_others(own, [one.single_for_tokens(like, count) for one in self.beside])

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
	totals: dict[tuple[int, int, bool, int], Residuals] = {}
	for one in several:
		total = totals.get(one.ways)
		totals[one.ways] = one if total is None else _total(total, one)
	if not totals:
		return None
	first, *others = totals.values()
	return replace(first, beside=(*first.beside, *others))


def _total(one: Residuals, other: Residuals) -> Residuals:
	return replace(
		one,
		down=_sums(one.down, other.down),
		middle=_sum(one.middle, other.middle),
		inner=_sums(one.inner, other.inner),
		single=_sums(one.single, other.single),
		beside=(*one.beside, *other.beside),
	)


def _sums(first: Sequence[Tensor], second: Sequence[Tensor]) -> tuple[Tensor, ...]:
	pairs = (_sum(one, other) for one, other in zip_longest(first, second))
	return tuple(one for one in pairs if one is not None)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
	if one is None or other is None:
		return one if other is None else other
	return one + other


def _for_blocks(said: Sequence[Tensor], numbers: Sequence[int], like: Tensor, count: int) -> list[Tensor]:
	"""For each block the one with its number; nought where there is none."""
	beyond = like.shape[1] - said[0].shape[1] if said else 0
	padded = [torch.nn.functional.pad(one.to(like.dtype), (0, 0, 0, beyond)) for one in said]
	nothing = like.new_zeros(())
	heard = [padded[number] if number < len(padded) else nothing for number in numbers]
	return heard + [nothing] * (count - len(heard))


def _with_others(own: list[Tensor], others: Sequence[Sequence[Tensor]]) -> list[Tensor]:
	for other in others:
		own = [one + more for one, more in zip(own, other, strict=True)]
	return own
