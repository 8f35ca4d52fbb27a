"""What ControlNets of transformers have in common: a few of the transformer's blocks, which hear a hint's latent besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch

from engine.models import Load, Place, Size, WeightPatch
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.files import TensorSource, torch_dtype
from nodes.diffusion.layout import Layout
from nodes.diffusion.moving import move
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import Target
from nodes.diffusion.precision import resolved

TITLE = 'ControlNet'
MARK = 'controlnet_x_embedder.weight'
"""With the transformer's own tensors, the one by which such a file is known."""


@dataclass(frozen=True, eq=False)
class TransformerControl:
	"""A ControlNet with its weights; each family's is called in its own way."""

	module: torch.nn.Module
	wants_mask: bool = False
	own: int | None = None
	wants_latents: bool = True

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the network it was patched from."""
		return sum(weight.nbytes for weight in self.module.parameters()) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for."""
		return (Target(TITLE, self.module, {}, ('',)),)

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> Self:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, module=made.module, own=made.nbytes)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)


def filled_control(
	load: Load,
	source: TensorSource,
	cls: Any,
	config: dict[str, Any],
	family: str,
	*,
	layout: Layout | None = None,
	ignored: Callable[[str], bool] = lambda name: False,
) -> torch.nn.Module:
	"""A network of diffusers (`cls`, a class or what makes one) from a file, in the precision of the transformer that it
	speaks to. Without a `layout` the file has the network's own names."""
	made: torch.nn.Module = built(lambda: cls(**config), load.path, TITLE)
	weights = sum(weight.numel() for weight in made.parameters())
	dtype = torch_dtype(resolved(replace(load, part='denoiser'), family, weights))
	given = same_names(made) if layout is None else layout
	return filled(made, source, given, part=TITLE, load=load, dtype=dtype, ignored=ignored)
