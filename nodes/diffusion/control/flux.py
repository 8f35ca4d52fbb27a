"""ControlNets of Flux.1 in diffusers' layout (InstantX, Shakker Labs 2024), unions among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
from torch import Tensor

from engine.errors import UnknownFamily
from engine.models import Load
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.control.transformer import MARK, TransformerControl, filled_control
from nodes.diffusion.files import TensorSource
from nodes.diffusion.layouts import flux
from nodes.diffusion.networks.flux import AXES, GUIDANCE, SCALE
from nodes.diffusion.networks.patches import exactly, packed, positions
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

DOUBLE, SINGLE = 19, 38
"""Blocks of Flux's transformer, of two streams and of one; each of the ControlNet's speaks to as many of them."""


@dataclass(frozen=True, eq=False)
class FluxControl(TransformerControl):
	"""diffusers' `FluxControlNetModel`: a `ControlNet`. It hears sigma itself.

	`kinds` is how many kinds of hints a union takes, 0 if it is none; `kind` the one that this is, None if it is not told.
	"""

	kinds: int = 0
	kind: int | None = None

	def of_kind(self, kind: int | None) -> FluxControl:
		"""The same for hints of one kind; without effect on what is no union."""
		return replace(self, kind=kind) if self.kinds else self

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`. What it says is tokens [batch, tokens, width]."""
		module = cast(Any, self.module)
		dtype, place, back = dtype_of(module), place_of(module), x.device
		x, timestep, inputs, hint = x.to(place), timestep.to(place), moved(inputs, place), hint.to(place)
		assert inputs.pooled is not None
		guidance = inputs.guidance
		if not module.config.guidance_embeds:
			guidance = None
		elif guidance is None:
			guidance = torch.full_like(timestep, GUIDANCE)
		exact = [timestep] if guidance is None else [timestep, guidance]
		module.union = self.kind is not None  # a union that is not told the kind hears of none
		with exactly(module.get_submodule('time_text_embed.time_proj'), *(number * SCALE for number in exact)):
			double, single = module(
				packed(x).to(dtype),
				controlnet_cond=packed(hint).to(dtype),
				controlnet_mode=None if self.kind is None else torch.full((len(x), 1), self.kind, device=place),
				encoder_hidden_states=inputs.embedding.to(dtype),
				pooled_projections=inputs.pooled.to(dtype),
				timestep=timestep,
				img_ids=positions(x, axes=AXES, first=0),
				txt_ids=x.new_zeros(inputs.embedding.shape[1], AXES),
				guidance=guidance,
				return_dict=False,
			)
		return moved(
			Residuals(
				tuple(one.float() for one in double or ()),
				single=tuple(one.float() for one in single or ()),
				spread=-(-DOUBLE // max(1, len(double or ()))),
				single_spread=-(-SINGLE // max(1, len(single or ()))),
			),
			back,
		)


def is_control(source: TensorSource) -> bool:
	"""Whether a file holds such a ControlNet."""
	return {MARK, 'x_embedder.weight', 'transformer_blocks.0.attn.norm_q.weight'} <= source.shapes.keys()


def load_control(load: Load, source: TensorSource) -> FluxControl:
	"""One from a file. Raises `UnknownFamily` for one whose hints are no plain latents."""
	config = flux.control_config(source.shapes)
	channels = source.shapes[MARK][1]
	if channels != config['in_channels']:
		raise UnknownFamily(
			f'{load.path.name} cannot be run: it takes hints of {channels} numbers a token, not of {config["in_channels"]}.'
		)
	return FluxControl(filled_control(load, source, FluxControlNetModel, config, 'flux'), kinds=config['num_mode'] or 0)
