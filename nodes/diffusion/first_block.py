"""The first-block cache: if a network's first block says about what it did before, so will the others.

The way of ParaAttention, which diffusers has for some transformers; here it is for all our networks, by what they have in
common: a first block, blocks that follow, and a last norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.step_cache import Forward

LISTS = ('transformer_blocks', 'single_transformer_blocks', 'layers')
"""Under these names transformers have their blocks."""


@dataclass(frozen=True, eq=False)
class Stretch:
	"""The blocks of a network in their order, and the module that hears first what the last of them says."""

	first: torch.nn.Module
	following: tuple[torch.nn.Module, ...]
	end: torch.nn.Module

	@classmethod
	def of(cls, module: torch.nn.Module) -> Stretch:
		"""That of a UNet or a transformer. Raises `NodeUsage` for other networks."""
		known = cast(Any, module)  # diffusers' models
		if hasattr(module, 'down_blocks'):
			top = known.down_blocks[0]
			first, *beside = (block for name in ('resnets', 'attentions', 'downsamplers') for block in _list(top, name))
			below = (*known.down_blocks[1:], known.mid_block, *known.up_blocks)
			return cls(first, (*beside, *(block for block in below if block is not None)), known.conv_norm_out)
		blocks = [block for name in LISTS for block in _list(module, name)]
		# Z-Image has a last layer for each size of patches; we use one.
		end = getattr(known, 'norm_out', None) or next(_list(known, 'all_final_layer'), None)
		if len(blocks) > 1 and end is not None:
			return cls(blocks[0], tuple(blocks[1:]), end)
		raise NodeUsage(f'There is no first-block cache for a {type(module).__name__}.')


def _list(module: torch.nn.Module, name: str) -> Iterator[torch.nn.Module]:
	part = getattr(module, name, None)
	return iter(()) if part is None else part.children()


class FirstBlock:
	"""A `step_cache.Memory`: what the first block added when all was computed last, and what the others added to that.

	The others are left out if the first block adds about the same: if the mean of the absolute difference is at most
	`threshold` of the mean of what it had added.
	"""

	def __init__(self, threshold: float, module: torch.nn.Module) -> None:
		self._threshold = threshold
		stretch = Stretch.of(module)
		self._first, self._following, self._end = stretch.first, stretch.following, stretch.end
		self._said: Tensor | None = None  # by the first block, at this look
		self._added: Tensor | None = None  # by the first block, when all was computed
		self._rest: Tensor | None = None  # what the others added then
		self._known = False
		self._blanks: dict[torch.nn.Module, Any] = {}

	def stand_ins(self) -> Iterator[tuple[torch.nn.Module, Forward]]:
		"""See `Memory`."""
		yield self._first, partial(self._begin, self._first.forward)
		for block in self._following:
			yield block, partial(self._follow, block, block.forward)
		yield self._end, partial(self._finish, self._end.forward)

	def _begin(self, forward: Forward, *args: Any, **given: Any) -> Any:
		heard: Tensor = given['hidden_states'] if 'hidden_states' in given else args[0]
		output = forward(*args, **given)
		self._said = output[1] if isinstance(output, tuple) else output  # a pair is (text, picture)
		added = self._said - heard
		self._known = self._rest is not None and self._alike(added)
		if not self._known:
			self._added, self._rest = added, None
		return output

	def _alike(self, added: Tensor) -> bool:
		if self._added is None:
			return False
		change = (added - self._added).abs().mean() / self._added.abs().mean()
		return bool(change < self._threshold)

	def _follow(self, block: torch.nn.Module, forward: Forward, *args: Any, **given: Any) -> Any:
		if self._known:
			return self._blanks[block]
		output = forward(*args, **given)
		self._blanks[block] = _blank(output)
		return output

	def _finish(self, forward: Forward, heard: Tensor, *args: Any, **given: Any) -> Any:
		assert self._said is not None
		if self._known:
			assert self._rest is not None
			heard = self._said + self._rest
		else:
			self._rest = heard - self._said
		self._said = None
		return forward(heard, *args, **given)


def _blank(output: Any) -> Any:
	"""Zeros in the shape of what a block says, without memory of their own: only their shape is looked at."""
	if isinstance(output, Tensor):
		return output.new_zeros(()).expand(output.shape)
	return None if output is None else tuple(_blank(part) for part in output)
