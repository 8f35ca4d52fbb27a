"""Flux.2 (Black Forest Labs 2025): Klein of 4 and 9 billion weights; dev with prompts that were encoded elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import Config, Family, Form, Mark, Part, TextStack, Training, VaePart
from nodes.diffusion.families.flux import LEVELS
from nodes.diffusion.families.parts import CHECKPOINT, NORMED_LATENTS, build_diffusers
from nodes.diffusion.families.text_parts import qwen_tower
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts import flux2, flux2_vae, vae
from nodes.values import Prompt

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded
	from nodes.diffusion.vae import Vae

TEMPLATE = '<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n'
"""The chat in which the prompt is put, answered without thought."""


def layers(count: int) -> tuple[int, ...]:
	"""After a quarter, a half and three quarters of the layers: 9, 18 and 27 of 36."""
	return count // 4, count // 2, 3 * count // 4


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What Qwen says."""
	return Prompt(said['qwen3'].embedding)


def network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The transformer, callable."""
	from nodes.diffusion.networks.flux2 import Flux2Transformer

	return Flux2Transformer(module, config, latents)


def noise_levels(training: Training) -> Parametrisation:
	"""Rectified flow, shifted by e^2.02."""
	from nodes.diffusion.parametrisation import Flow

	return Flow(shift=2.02, multiplier=1.0, exponential=True, steps=LEVELS)


def _build(config: Config) -> Module:
	return build_diffusers('Flux2Transformer2DModel', config)


def _build_vae(config: Config) -> Module:
	return build_diffusers('AutoencoderKLFlux2', config)


def _vae(module: Module, config: Config) -> Vae:
	from nodes.diffusion.autoencoders import flux2_vae

	return flux2_vae(module, config)


FLUX2 = Family(
	name='flux2',
	title='Flux.2',
	denoiser=Part(
		title='transformer',
		prefixes=(CHECKPOINT, 'transformer.', ''),
		forms=(
			Form((Mark({'double_stream_modulation_img.lin.weight': None}),), flux2.config, flux2.layout),
			Form((Mark({'double_stream_modulation_img.linear.weight': None}),), flux2.own_config),
		),
		build=_build,
	),
	network=network,
	parametrisation=noise_levels,
	latents=LatentFormat(channels=128, pixels=16),
	vae=VaePart(
		title='VAE',
		prefixes=('first_stage_model.', 'vae.', ''),
		forms=(
			Form(
				(Mark({NORMED_LATENTS: None, 'decoder.mid.block_1.conv1.weight': None}),),
				flux2_vae.config,
				flux2_vae.layout,
				vae.spellings,
			),
			Form(
				(Mark({NORMED_LATENTS: None, 'decoder.mid_block.resnets.0.conv1.weight': None}),),
				flux2_vae.own_config,
				spellings=vae.older_spellings,
			),
		),
		build=_build_vae,
		metadata='vae_config',
		vae=_vae,
		channels=128,
	),
	text=TextStack(
		towers=(qwen_tower('qwen3', ('qwen3_4b', 'qwen3_8b'), TEMPLATE, generation=3, layers=layers, least=512),),
		types=('flux2', 'flux'),
		join=join,
	),
)
