"""Flux.1: dev, schnell, fill, canny, depth, kontext (Black Forest Labs 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import Config, Family, Form, Mark, Part, TextStack, Training
from nodes.diffusion.families.parts import CHECKPOINT, CLIP_L, KL_VAE, build_diffusers, clip_tower
from nodes.diffusion.families.text_parts import WHOLE, t5_tower
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts import flux
from nodes.values import Prompt

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded

LEVELS = 10000
"""How many noise levels the table of the guided models has."""


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What T5 says, and the pooled vector of CLIP-L."""
	return Prompt(said['t5xxl'].embedding, said['clip_l'].pooled)


def network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The transformer, callable."""
	from nodes.diffusion.networks.flux import FluxTransformer

	return FluxTransformer(module, config, latents)


def noise_levels(training: Training) -> Parametrisation:
	"""Rectified flow: shifted by e^1.15 for the guided models, not at all for schnell."""
	from nodes.diffusion.parametrisation import Flow

	if training.config['guidance_embeds']:
		return Flow(shift=1.15, multiplier=1.0, exponential=True, steps=LEVELS)
	return Flow(shift=1.0, multiplier=1.0)


def _build(config: Config) -> Module:
	return build_diffusers('FluxTransformer2DModel', config)


FLUX_LATENTS = LatentFormat(channels=16, scale=0.3611, shift=0.1159, tiny='taef1')

FLUX = Family(
	name='flux',
	title='Flux',
	denoiser=Part(
		title='transformer',
		prefixes=(CHECKPOINT, 'transformer.', ''),
		forms=(
			Form(
				# The text vector is what relatives with the same blocks do not have.
				(
					Mark(
						{
							'double_blocks.0.img_attn.qkv.weight': None,
							'vector_in.in_layer.weight': None,
							'img_in.weight': None,
						},
						without=('controlnet_blocks.0.weight',),
					),
				),
				flux.config,
				flux.layout,
			),
			Form(
				(
					Mark(
						{
							'transformer_blocks.0.attn.add_k_proj.weight': None,
							'time_text_embed.text_embedder.linear_1.weight': None,
							'x_embedder.weight': None,
						},
						without=('controlnet_x_embedder.weight',),
					),
				),
				flux.own_config,
			),
		),
		build=_build,
	),
	network=network,
	parametrisation=noise_levels,
	latents=FLUX_LATENTS,
	vae=KL_VAE,
	text=TextStack(
		towers=(clip_tower('clip_l', CLIP_L, WHOLE.format('clip_l')), t5_tower(least=256, required=True)),
		types=('flux',),
		join=join,
	),
)
