"""ControlNets of Flux.1: in diffusers' layout (InstantX, Shakker Labs 2024), unions among them, and Alimama's (2024), which
fill in; and those of XLabs (2024), which see pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
from torch import Tensor

from engine.errors import UnknownFamily
from engine.models import Load
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.control.transformer import MARK, TransformerControl, filled_control
from nodes.diffusion.families.flux import FLUX_LATENTS
from nodes.diffusion.files import TensorSource
from nodes.diffusion.layouts import flux
from nodes.diffusion.networks.flux import AXES, GUIDANCE, SCALE
from nodes.diffusion.networks.patches import PATCH, exactly, packed, padded, positions
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs

DOUBLE, SINGLE = 19, 38
"""Blocks of Flux's transformer, of two streams and of one; each of the ControlNet's speaks to as many of them."""


@dataclass(frozen=True, eq=False)
class FluxControl(TransformerControl):
	"""diffusers' `FluxControlNetModel`: a `ControlNet`. It hears sigma itself.

	`kinds` is how many kinds of hints a union takes, 0 if it is none; `kind` the one that this is, None if it is not told.
	With `sees` it takes pixels, and its blocks speak to those of the transformer in turn.
	"""

	kinds: int = 0
	kind: int | None = None
	sees: bool = False

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
				controlnet_cond=self._shown(hint).to(dtype),
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
				cycled=self.sees,
			),
			back,
		)

	def _shown(self, hint: Tensor) -> Tensor:
		"""Tokens of a latent; or pixels −1 to 1, in whole tokens."""
		return padded(hint, PATCH * FLUX_LATENTS.pixels) * 2 - 1 if self.sees else packed(hint)


def _filling(more: int, **config: Any) -> torch.nn.Module:
	"""diffusers' network with a wider layer for tokens of the hint: so many numbers more tell where the picture stays."""
	module: Any = cast(Any, FluxControlNetModel)(**config)
	own = module.controlnet_x_embedder
	module.controlnet_x_embedder = torch.nn.Linear(own.in_features + more, own.out_features)
	return cast(torch.nn.Module, module)


def is_control(source: TensorSource) -> bool:
	"""Whether a file holds such a ControlNet."""
	own = {MARK, 'x_embedder.weight', 'transformer_blocks.0.attn.norm_q.weight'} <= source.shapes.keys()
	return own or is_xlabs(source)


def is_xlabs(source: TensorSource) -> bool:
	"""Whether it is one of XLabs'."""
	return {'input_hint_block.0.weight', 'double_blocks.0.img_attn.qkv.weight'} <= source.shapes.keys()


def load_control(load: Load, source: TensorSource) -> FluxControl:
	"""One from a file. Raises `UnknownFamily` for one whose hints are neither pictures nor pictures with a mask."""
	if is_xlabs(source):
		config = flux.xlabs_config(source.shapes)
		layout = flux.xlabs_layout(config)
		module = filled_control(load, source, FluxControlNetModel, config, 'flux', layout=layout)
		return FluxControl(module, wants_latents=False, sees=True)
	config = flux.control_config(source.shapes)
	own, channels = config['in_channels'], source.shapes[MARK][1]
	if channels not in (own, own + PATCH**2):
		raise UnknownFamily(
			f'{load.path.name} cannot be run: it takes hints of {channels} numbers a token, not of {own}, '
			f'nor of {own + PATCH**2} (with a mask).'
		)
	filling = channels > own
	made = partial(_filling, channels - own) if filling else FluxControlNetModel
	module = filled_control(load, source, made, config, 'flux')
	sees = 'conditioning_embedding_channels' in config
	return FluxControl(module, wants_mask=filling, wants_latents=not sees, kinds=config.get('num_mode') or 0, sees=sees)
