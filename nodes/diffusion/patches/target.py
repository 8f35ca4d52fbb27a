"""What patches are for: a module's tensors, found by any of the names that patch files call its layers.

One table serves all kinds of files, since a family's `Layout` tells how original files name and cut the same tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from nodes.diffusion.layout import Layout, Piece
from nodes.diffusion.patches.lora_names import is_text
from nodes.diffusion.placement import streamed

Spots = tuple['Spot', ...]
KINDS = ('weight', 'bias')
DENOISER_PREFIXES = (
	'lora_unet_',
	'lora_transformer_',
	'lycoris_',
	'base_model.model.',
	'model.diffusion_model.',
	'diffusion_model.',
	'unet.',
	'transformer.',
	'',
)
"""What stands before a layer's name in files for the denoiser: kohya's, OneTrainer's, LyCORIS', PEFT's, diffusers'."""


def text_prefixes(tower: str, index: int, count: int) -> tuple[str, ...]:
	"""What stands before a layer's name in files for the text encoder `tower`, the index-th of so many.

	kohya counts from `lora_te1_`, diffusers from `text_encoder.` over `text_encoder_2.`; a T5 is the third for kohya
	wherever it stands.
	"""
	number = index + 1
	prefixes = [f'lora_te{number}_', f'text_encoder_{number}.', f'text_encoders.{tower}.transformer.']
	if index == 0:
		prefixes += ['text_encoder.']
	if index == 0 or count == 1:
		prefixes += ['lora_te_']
	if tower == 't5xxl':
		prefixes += ['lora_te3_', 'text_encoder_3.']
	if tower == 'clip_g':
		prefixes += ['lora_te2_']
	return tuple(prefixes)


@runtime_checkable
class Coded(Protocol):
	"""A layer whose weight is kept coded, in eight bits or fewer: its shape as numbers, and the dtype it computes in."""

	@property
	def shape(self) -> torch.Size: ...

	@property
	def compute(self) -> torch.dtype: ...

	def decoded(self, dtype: torch.dtype, weight: Tensor | None = None) -> Tensor:
		"""The weight, or another one that is kept alike, as numbers: a tensor of its own."""
		...


@dataclass(frozen=True, slots=True)
class Spot:
	"""Where a part of a layer's tensor, as a patch file has it, lies in the module: from row `row` of a tensor on."""

	tensor: str
	row: int
	piece: Piece

	def of(self, weight: Tensor) -> Tensor:
		"""The rows of the module's tensor, as a view."""
		if self.piece.start is None and self.piece.stop is None:
			return weight[self.row :] if self.row else weight
		start = self.piece.start or 0
		return weight[self.row :] if self.piece.stop is None else weight[self.row : self.row + self.piece.stop - start]


@dataclass(frozen=True)
class Target:
	"""A module with the names of its layers.

	`layout` is the original one, without the prefix that stands before its names in a whole checkpoint; `prefixes` are
	what patch files put before the names of this part; `title` names it to people. Changed weights that are held in float32
	are rounded to `rounding` first, where it is given.
	"""

	title: str
	module: torch.nn.Module
	layout: Layout = field(repr=False)
	prefixes: tuple[str, ...]
	rounding: torch.dtype | None = None

	@cached_property
	def tensors(self) -> Mapping[str, Tensor]:
		"""The module's parameters by name; of a coded weight, only shape and dtype of its numbers (on the meta device)."""
		found: dict[str, Tensor] = dict(self.module.named_parameters())
		for name in found:
			layer = self.coded(name)
			if layer is not None:
				found[name] = torch.empty(layer.shape, dtype=layer.compute, device='meta')
		return found

	def coded(self, name: str) -> Coded | None:
		"""The layer whose weight that is, if it is coded."""
		owner, _, leaf = name.rpartition('.')
		layer = self.module.get_submodule(owner)
		return layer if leaf == 'weight' and isinstance(layer, Coded) else None

	def numbers(self, name: str) -> Tensor:
		"""A parameter's values: itself, or a coded weight as float32. One that is streamed is fetched."""
		layer, stream = self.coded(name), streamed(self.module)
		if stream is not None and name in stream.away:
			return self._numbers(layer, stream.read([name])[name])
		return self._numbers(layer, self.module.get_parameter(name))

	def _numbers(self, layer: Coded | None, weight: Tensor) -> Tensor:
		return weight if layer is None else layer.decoded(torch.float32, weight)

	@cached_property
	def originals(self) -> Mapping[str, str]:
		"""Tensor of the module → what the original layout calls it, or the first that it is made of."""
		return {name: recipe[0].name for name, recipe in self.layout.items()}

	def spots(self, layer: str, kind: str = 'weight') -> Spots:
		"""Where a layer's weight or bias lies, the prefix left out; empty if there is none of that name."""
		return self._table.get(_flat(layer), {}).get(kind, ())

	def stripped(self, name: str) -> str | None:
		"""A layer's name without the prefix that says that it is for this target; None if it says otherwise."""
		for prefix in self.prefixes:
			if name.startswith(prefix) and (prefix or not is_text(name)):
				return name.removeprefix(prefix)
		return None

	@cached_property
	def _table(self) -> dict[str, dict[str, Spots]]:
		"""Layer with `_` for `.` → weight or bias → where."""
		table: dict[str, dict[str, Spots]] = {}
		original: dict[str, list[Spot]] = {}
		for name, recipe in self.layout.items():
			row = 0
			for piece in recipe:
				original.setdefault(piece.name, []).append(Spot(name, row, piece))
				row += 0 if piece.stop is None else piece.stop - (piece.start or 0)
		own = {name: [Spot(name, 0, Piece(name))] for name in self.tensors}
		for name, spots in _of_tensors([*original.items(), *own.items()], self.tensors):
			layer, kind = _layer(name)
			table.setdefault(_flat(layer), {})[kind] = spots
		return table


def _of_tensors(named: Iterable[tuple[str, list[Spot]]], tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, Spots]]:
	for name, spots in named:
		there = tuple(spot for spot in spots if spot.tensor in tensors)
		if there:
			yield name, there


def _layer(name: str) -> tuple[str, str]:
	layer, _, kind = name.rpartition('.')
	return (layer, kind) if kind in KINDS else (name, 'weight')


def _flat(layer: str) -> str:
	return layer.removeprefix('text_model.').removeprefix('text_model_').replace('.', '_')
