"""Token merging: places of a UNet's outermost layers that are alike ask for attention once (Bolya and Hoffman 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from nodes.diffusion.altered import part_of

CELL = 2
"""In each square of so many places a side one is drawn, with which others may be merged."""


def assigned(places: Tensor, height: int, width: int, merged: int, generator: torch.Generator) -> Tensor:
	"""For each place of [batch, height · width, channels] its number after merging, int64 [batch, height · width].

	Of the places that were not drawn, so many of those that are most like a drawn one, by the cosine, get its number.
	"""
	rows, columns = height // CELL, width // CELL
	choice = torch.randint(CELL * CELL, (rows, columns), generator=generator)
	row = torch.arange(rows)[:, None] * CELL + choice // CELL
	column = torch.arange(columns) * CELL + choice % CELL
	drawn = torch.zeros(height, width, dtype=torch.bool)
	drawn[row, column] = True
	targets, others = (mask.flatten().nonzero()[:, 0].to(places.device) for mask in (drawn, ~drawn))
	unit = places / places.norm(dim=-1, keepdim=True)
	best, nearest = (unit[:, others] @ unit[:, targets].transpose(1, 2)).max(dim=-1)
	order = best.argsort(dim=-1, descending=True)
	number = torch.empty_like(order)
	kept = order[:, merged:]
	number.scatter_(1, order[:, :merged], nearest.gather(1, order[:, :merged]))
	number.scatter_(1, kept, torch.arange(kept.shape[1], device=places.device).expand_as(kept) + len(targets))
	found = number.new_empty(places.shape[:2])
	found[:, targets] = torch.arange(len(targets), device=places.device)
	found[:, others] = number
	return found


def merge(places: Tensor, numbers: Tensor) -> Tensor:
	"""The means of places of equal number, in the order of the numbers."""
	count = int(numbers.max()) + 1
	sums = places.new_zeros(len(places), count, places.shape[-1])
	sums.scatter_add_(1, numbers[..., None].expand_as(places), places)
	sizes = places.new_zeros(len(places), count).scatter_add_(1, numbers, places.new_ones(numbers.shape))
	return sums / sizes[..., None]


def unmerge(places: Tensor, numbers: Tensor) -> Tensor:
	"""Each place gets what there is of its number."""
	return places.gather(1, numbers[..., None].expand(-1, -1, places.shape[-1]))


@dataclass
class Merging:
	"""Merges a part of the places before they ask for self-attention, where features have the latent's own size.

	What is drawn is drawn in the same order each run.
	"""

	part: float
	_generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0), init=False)

	def __call__(self, module: torch.nn.Module) -> Iterator[RemovableHandle]:
		"""See `altered.Attach`."""
		latent: list[tuple[int, int]] = []

		def see(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
			latent[:] = [args[0].shape[-2:]]

		part_of(module, 'mid_block')
		yield module.register_forward_pre_hook(see)
		for name, attention in module.named_modules():
			if name.endswith('.attn1'):
				yield from self._merging(attention, latent)

	def _merging(self, attention: torch.nn.Module, latent: list[tuple[int, int]]) -> Iterator[RemovableHandle]:
		now: list[Tensor] = []

		def ask(
			attention: torch.nn.Module, args: tuple[Any, ...], given: dict[str, Any]
		) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
			now.clear()
			places: Tensor = args[0]
			height, width = latent[0]
			count = places.shape[1]
			others = count - (height // CELL) * (width // CELL)
			merged = min(int(count * self.part), others)
			if count != height * width or merged <= 0 or min(height, width) == 1:
				return None
			numbers = assigned(places, height, width, merged, self._generator)
			now.append(numbers)
			return (merge(places, numbers), *args[1:]), given | {'encoder_hidden_states': places}

		def answer(attention: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
			return unmerge(output, now.pop()) if now else output

		yield attention.register_forward_pre_hook(ask, with_kwargs=True)
		yield attention.register_forward_hook(answer)
