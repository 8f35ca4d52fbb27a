"""Stable Diffusion 3 and 3.5, medium and large (Esser et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Config, Family, Form, Mark, Part, TextStack, Training
from nodes.diffusion.families.parts import CHECKPOINT, CLIP_G, CLIP_L, KL_VAE, build_diffusers, clip_tower
from nodes.diffusion.families.text_parts import WHOLE, optional, t5_tower
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts import sd3
from nodes.values import Prompt

if TYPE_CHECKING:
	from torch import Tensor
	from torch.nn import Module

	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded

L_WIDTH, G_WIDTH, T5_WIDTH = 768, 1280, 4096
TOKENS = 77


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""CLIP-L and bigG side by side, widened to T5, and T5 after them; pooled are both CLIPs.

	An encoder that is missing counts as zeros.
	"""
	import torch
	from torch.nn.functional import pad

	small, large, long = (said.get(name) for name in ('clip_l', 'clip_g', 't5xxl'))
	width = T5_WIDTH if long is None else long.embedding.shape[-1]
	texts = [] if long is None else [long.embedding]
	pooled = None
	if small is not None or large is not None:
		l_width = L_WIDTH if small is None else small.embedding.shape[-1]
		given = [one for one in (small, large) if one is not None]
		tokens = min(one.embedding.shape[1] for one in given)
		both = torch.cat([one.embedding[:, :tokens] for one in given], dim=-1)
		left = l_width if small is None else 0
		texts.insert(0, pad(both, (left, max(0, width - left - both.shape[-1]))))
		pooled = torch.cat([_pooled(small, L_WIDTH), _pooled(large, G_WIDTH)], dim=-1)
	return Prompt(torch.cat(texts, dim=1) if texts else torch.zeros(1, TOKENS, width), pooled)


def _pooled(said: Encoded | None, width: int) -> Tensor:
	import torch

	return torch.zeros(1, width) if said is None or said.pooled is None else said.pooled


def network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The transformer, callable."""
	from nodes.diffusion.networks.sd3 import Sd3Transformer

	return Sd3Transformer(module, config)


def noise_levels(training: Training) -> Parametrisation:
	"""Rectified flow with shift 3."""
	from nodes.diffusion.parametrisation import Flow

	return Flow(shift=3.0)


def _build(config: Config) -> Module:
	import torch

	with torch.device('meta'):  # its table of positions is in the file, and takes long to compute
		return build_diffusers('SD3Transformer2DModel', config)


SD3 = Family(
	name='sd3',
	title='Stable Diffusion 3',
	denoiser=Part(
		title='transformer',
		prefixes=(CHECKPOINT, 'transformer.', ''),
		forms=(
			Form(
				(Mark({'joint_blocks.0.x_block.attn.qkv.weight': None, 'x_embedder.proj.weight': (ANY, 16, 2, 2)}),),
				sd3.config,
				sd3.layout,
			),
			Form(
				(
					Mark(
						{'transformer_blocks.0.attn.add_k_proj.weight': None, 'pos_embed.proj.weight': (ANY, 16, 2, 2)},
						without=(sd3.OWN_PATCHES,),  # a ControlNet
					),
				),
				sd3.own_config,
			),
		),
		build=_build,
	),
	network=network,
	parametrisation=noise_levels,
	latents=LatentFormat(channels=16, scale=1.5305, shift=0.0609, tiny='taesd3'),
	vae=KL_VAE,
	text=TextStack(
		towers=(
			optional(clip_tower('clip_l', CLIP_L, WHOLE.format('clip_l'), layer=-2, normed=False)),
			optional(
				clip_tower(
					'clip_g',
					CLIP_G,
					WHOLE.format('clip_g'),
					'text_encoder_2',
					layer=-2,
					normed=False,
					projected=True,
					pad=0,
				)
			),
			t5_tower(least=77, required=False),
		),
		types=('sd3',),
		join=join,
	),
)
