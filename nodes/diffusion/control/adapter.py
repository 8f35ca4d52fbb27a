"""T2I-Adapters (Mou et al. 2023), as diffusers builds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.models import Load, Place, Size, WeightPatch
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.layout import Layout
from nodes.diffusion.moving import move
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import Target
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

TITLE = 'T2I-Adapter'


@dataclass(frozen=True, eq=False)
class AdapterControl:
	"""diffusers' `T2IAdapter`: a `ControlNet`.

	`channels` is how many its pictures have (1: grey), `folding` of which number the sides of pictures are multiples.
	"""

	module: torch.nn.Module
	channels: int
	folding: int
	layout: Layout = field(default_factory=dict, repr=False)
	own: int | None = None
	wants_latents: bool = False
	wants_mask: bool = False

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the network it was patched from."""
		return sum(weight.nbytes for weight in self.module.parameters()) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for."""
		return (Target(TITLE, self.module, self.layout, ('',)),)

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> AdapterControl:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, module=made.module, own=made.nbytes)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`; it sees the picture alone."""
		picture = hint[:, :3]
		if self.channels == 1:
			picture = picture.mean(dim=1, keepdim=True)
		size = tuple(ceil(side / self.folding) * self.folding for side in picture.shape[-2:])
		if size != picture.shape[-2:]:
			picture = interpolate(picture, size=size, mode='nearest-exact')
		said: list[Tensor] = self.module(picture.to(place_of(self.module), dtype_of(self.module)))
		return moved(Residuals(inner=tuple(one.float() for one in said)), x.device)
