"""ControlNets of UNets (Zhang et al. 2023), as diffusers builds them, the union of several among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from engine.models import Load, Place, Size, WeightPatch
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.layout import Layout
from nodes.diffusion.moving import move
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import Target
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

TITLE = 'ControlNet'
PREFIXES = ('control_model.', '')


@dataclass(frozen=True, eq=False)
class UNetControl:
	"""diffusers' `ControlNetModel` or `ControlNetUnionModel`: a `ControlNet`.

	`kinds` is how many kinds of hints a union takes, 0 if it is none; `kind` the one that this is, None if it is to find
	out.
	"""

	module: torch.nn.Module
	layout: Layout = field(default_factory=dict, repr=False)
	kinds: int = 0
	kind: int | None = None
	own: int | None = None
	wants_latents: bool = False
	wants_mask: bool = False

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the network it was patched from."""
		return sum(weight.nbytes for weight in self.module.parameters()) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for."""
		return (Target(TITLE, self.module, self.layout, PREFIXES),)

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> UNetControl:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, module=made.module, own=made.nbytes)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def of_kind(self, kind: int | None) -> UNetControl:
		"""The same for hints of one kind; without effect on what is no union."""
		return replace(self, kind=kind) if self.kinds else self

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`."""
		dtype, place, back = dtype_of(self.module), place_of(self.module), x.device
		x, timestep, inputs, hint = x.to(place), timestep.to(place), moved(inputs, place), hint.to(place)
		given: dict[str, Any] = {'encoder_hidden_states': inputs.embedding.to(dtype), 'return_dict': False}
		added = _added(inputs, dtype)
		if added:
			given['added_cond_kwargs'] = added
		if self.kinds:
			down, middle = self._united(x.to(dtype), timestep, hint.to(dtype), given)
		else:
			down, middle = self.module(x.to(dtype), timestep, controlnet_cond=hint.to(dtype), **given)
		return moved(Residuals(tuple(one.float() for one in down), middle.float()), back)

	def _united(self, x: Tensor, timestep: Tensor, hint: Tensor, given: Mapping[str, Any]) -> Any:
		"""A union of no particular kind lays the hint over the latent as a plain ControlNet does."""
		kinds = x.new_zeros(len(x), self.kinds)
		if self.kind is not None:
			kinds[:, self.kind] = 1
			return self.module(
				x, timestep, controlnet_cond=[hint], control_type=kinds, control_type_idx=[self.kind], **given
			)
		embedded: Tensor = self.module.get_submodule('controlnet_cond_embedding')(hint)

		def lay_over(module: torch.nn.Module, arguments: object, latent: Tensor) -> Tensor:
			return latent + embedded

		hook = self.module.get_submodule('conv_in').register_forward_hook(lay_over)
		try:
			return self.module(x, timestep, controlnet_cond=[], control_type=kinds, control_type_idx=[], **given)
		finally:
			hook.remove()


def _added(inputs: ModelInputs, dtype: torch.dtype) -> dict[str, Tensor]:
	if inputs.pooled is None or inputs.sizes is None:
		return {}
	return {'text_embeds': inputs.pooled.to(dtype), 'time_ids': inputs.sizes.to(dtype)}
