"""ControlNets of Stable Diffusion 3 and 3.5: InstantX's and Alimama's (2024, in diffusers' layout), and Stability's own.

Those of Stability AI for 3.5 large (2024, "8b") have no text, and begin with the model's own layer of patches and positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import torch
from diffusers.models.controlnets.controlnet_sd3 import SD3ControlNetModel
from torch import Tensor

from engine.errors import NodeUsage
from engine.models import Load
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.control.transformer import TransformerControl, filled_control
from nodes.diffusion.families.sd3 import SD3
from nodes.diffusion.files import TensorSource
from nodes.diffusion.layouts import sd3
from nodes.diffusion.layouts.sd3 import CONTROL_KIND, OWN_PATCHES, SINGLE
from nodes.diffusion.networks.patches import padded
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs


class Kind(IntEnum):
	"""What Stability's networks are shown, by the number in their file."""

	BLUR = 0
	CANNY = 1
	DEPTH = 2


@dataclass(frozen=True, eq=False)
class Sd3Control(TransformerControl):
	"""diffusers' `SD3ControlNetModel` with text beside the picture: a `ControlNet`. It hears sigma times 1000.

	It was trained with no pooled text, and latents that are scaled but not shifted. `total` is how many blocks the
	transformer has that it speaks to: each of its own speaks to as many, and the last block is left alone.
	"""

	total: int = 0

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`. What it says is tokens [batch, tokens, width]."""
		assert inputs.pooled is not None
		said = _said(
			self.module, x, timestep, inputs, _unshifted(hint, x.shape[1]), torch.zeros_like(inputs.pooled), text=True
		)
		return Residuals(said, spread=max(1, self.total // len(said)), alone=1)


@dataclass(frozen=True, eq=False)
class Sd3LargeControl(TransformerControl):
	"""Stability's own for 3.5 large, before it is joined with the model whose layer of patches it begins with.

	`kind` is what it is shown; None if its file does not tell.
	"""

	kind: Kind | None = None

	def prepared(self, pixels: Tensor) -> Tensor:
		"""A picture [batch, channels, h, w], 0 to 1, as it was trained to see it: edges over-bright, depth turned round."""
		if self.kind is Kind.CANNY:
			return pixels * 127.5 + 0.5
		return 1 - pixels if self.kind is Kind.DEPTH else pixels

	def beside(self, model: torch.nn.Module) -> JoinedControl:
		"""The same with the patches of a model. Raises `NodeUsage` for one of another kind or size."""
		patches = getattr(model, 'pos_embed', None)
		width = self.module.get_submodule('pos_embed_input.proj').out_channels
		own = getattr(getattr(patches, 'proj', None), 'out_channels', None)
		if patches is None or own != width:
			raise NodeUsage(
				f'This ControlNet is for a transformer of Stable Diffusion 3.5 of width {width} (large has 2432); '
				f'the model is a {type(model).__name__}' + (f' of width {own}.' if own else '.')
			)
		return JoinedControl(self.module, self.wants_mask, self.own, self.wants_latents, patches)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""Raises `NodeUsage`: it has to be joined first."""
		raise NodeUsage('This ControlNet works beside a transformer of Stable Diffusion 3.5 only.')


@dataclass(frozen=True, eq=False)
class JoinedControl(TransformerControl):
	"""Stability's own, with the model's layer of patches and positions: a `ControlNet`."""

	patches: torch.nn.Module | None = None

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""See `ControlNet`. What it says is tokens [batch, tokens, width]."""
		assert inputs.pooled is not None
		assert self.patches is not None
		place = place_of(self.patches)
		tokens = self.patches(padded(x).to(place, dtype_of(self.patches)))
		said = _said(self.module, x, timestep, inputs, hint, inputs.pooled, tokens=tokens)
		return Residuals(said, spread=-(-_heads(self.module) // len(said)))


def _said(
	module: torch.nn.Module,
	x: Tensor,
	timestep: Tensor,
	inputs: ModelInputs,
	hint: Tensor,
	pooled: Tensor,
	*,
	text: bool = False,
	tokens: Tensor | None = None,
) -> tuple[Tensor, ...]:
	"""What each block says, of a latent or of its tokens."""
	dtype, place = dtype_of(module), place_of(module)
	given = padded(x) if tokens is None else tokens
	said: Sequence[Tensor] = module(
		given.to(place, dtype),
		controlnet_cond=padded(hint).to(place, dtype),
		encoder_hidden_states=inputs.embedding.to(place, dtype) if text else None,
		pooled_projections=pooled.to(place, dtype),
		timestep=timestep.to(place),
		return_dict=False,
	)[0]
	return moved(tuple(one.float() for one in said), x.device)


def _unshifted(hint: Tensor, channels: int) -> Tensor:
	"""A hint's latent in the model's scale, without the shift that this has; a mask behind it stays."""
	scale, shift = SD3.latents.scale, SD3.latents.shift
	assert isinstance(scale, float)
	assert isinstance(shift, float)
	return torch.cat([hint[:, :channels] + shift * scale, hint[:, channels:]], dim=1)


def _heads(module: Any) -> int:
	"""As many as the transformer has blocks."""
	heads: int = module.config.num_attention_heads
	return heads


def is_control(source: TensorSource) -> bool:
	"""Whether a file holds such a ControlNet."""
	return {OWN_PATCHES, 'controlnet_blocks.0.weight'} <= source.shapes.keys()


def load_control(load: Load, source: TensorSource) -> Sd3Control | Sd3LargeControl:
	"""One from a file. Networks that fill in have a channel more in their hints."""
	config = sd3.control_config(source.shapes)
	layout = sd3.control_layout(config) if SINGLE in source.shapes else None
	module = filled_control(
		load, source, SD3ControlNetModel, config, 'sd3', layout=layout, ignored=lambda name: name == CONTROL_KIND
	)
	filling = config['extra_conditioning_channels'] > 0
	if config['joint_attention_dim'] is None:
		return Sd3LargeControl(module, wants_mask=filling, kind=_kind(source))
	return Sd3Control(module, wants_mask=filling, total=config['num_attention_heads'])


def _kind(source: TensorSource) -> Kind | None:
	if CONTROL_KIND not in source.shapes:
		return None
	with source.open() as reader:
		number = round(float(reader.read(CONTROL_KIND).flatten()[0]))
	return Kind(number) if number in {*Kind} else None
