"""ControlNets of Qwen-Image (InstantX 2025): a few of the transformer's blocks, which hear a hint's latent besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel
from torch import Tensor

from engine.models import Load, Size, WeightPatch
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.files import TensorSource, torch_dtype
from nodes.diffusion.layouts import qwen_image
from nodes.diffusion.networks.patches import exactly, grid, packed
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import Target
from nodes.diffusion.precision import resolved
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

TITLE = 'ControlNet of Qwen-Image'
MARK = 'controlnet_x_embedder.weight'
"""With the transformer's own tensors, the one by which such a file is known."""
BLOCKS = 60
"""Of Qwen-Image's transformer; each of the ControlNet's blocks speaks to as many of them, one after the other."""


@dataclass(frozen=True, eq=False)
class QwenImageControl:
	"""diffusers' `QwenImageControlNetModel`: a `ControlNet`. It hears sigma itself."""

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

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> QwenImageControl:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, module=made.module, own=made.nbytes)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`. What it says is tokens [batch, tokens, width]."""
		dtype, place, back = dtype_of(self.module), place_of(self.module), x.device
		x, timestep, inputs, hint = x.to(place), timestep.to(place), moved(inputs, place), hint.to(place)
		with exactly(self.module.get_submodule('time_text_embed.time_proj'), timestep):
			said: Sequence[Tensor] = self.module(
				packed(x).to(dtype),
				controlnet_cond=packed(hint).to(dtype),
				encoder_hidden_states=inputs.embedding.to(dtype),
				encoder_hidden_states_mask=inputs.token_mask,
				timestep=timestep,
				img_shapes=[[(1, *grid(x))]] * len(x),
				return_dict=False,
			)
		return Residuals(tuple(one.float().to(back) for one in said), spread=-(-BLOCKS // len(said)))


def is_control(source: TensorSource) -> bool:
	"""Whether a file holds such a ControlNet."""
	return MARK in source.shapes and 'transformer_blocks.0.img_mod.1.weight' in source.shapes


def load_control(load: Load, source: TensorSource) -> QwenImageControl:
	"""One from a file that names everything as diffusers does."""
	config = qwen_image.control_config(source.shapes)
	module = built(lambda: QwenImageControlNetModel(**config), load.path, TITLE)
	# In the precision of the transformer that it speaks to.
	beside = replace(load, part='denoiser')
	dtype = torch_dtype(resolved(beside, 'qwen-image', sum(weight.numel() for weight in module.parameters())))
	filled(module, source, same_names(module), part=TITLE, load=load, dtype=dtype)
	return QwenImageControl(module, wants_mask=config['extra_condition_channels'] > 0)
