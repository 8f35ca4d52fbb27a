"""ControlNets of Qwen-Image (InstantX 2025), those that fill in among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel
from torch import Tensor

from engine.models import Load
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.control.transformer import MARK, TransformerControl, filled_control
from nodes.diffusion.files import TensorSource
from nodes.diffusion.layouts import qwen_image
from nodes.diffusion.networks.patches import exactly, grid, packed
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

BLOCKS = 60
"""Of Qwen-Image's transformer; each of the ControlNet's blocks speaks to as many of them, one after the other."""


@dataclass(frozen=True, eq=False)
class QwenImageControl(TransformerControl):
	"""diffusers' `QwenImageControlNetModel`: a `ControlNet`. It hears sigma itself."""

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
	module = filled_control(load, source, QwenImageControlNetModel, config, 'qwen-image')
	return QwenImageControl(module, wants_mask=config['extra_condition_channels'] > 0)
