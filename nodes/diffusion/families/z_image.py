"""Z-Image and Z-Image-Turbo (Tongyi-MAI 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import Config, Family, Form, Mark, Part, TextStack, Training
from nodes.diffusion.families.flux import FLUX_LATENTS
from nodes.diffusion.families.parts import CHECKPOINT, KL_VAE, build_diffusers
from nodes.diffusion.families.text_parts import qwen_tower
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts import z_image
from nodes.values import Prompt

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded

TEMPLATE = '<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'
"""The chat in which the prompt is put."""


def layers(count: int) -> tuple[int, ...]:
	"""After the last layer but one."""
	return (count - 1,)


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What Qwen says."""
	return Prompt(said['qwen3'].embedding)


def network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The transformer, callable."""
	from nodes.diffusion.networks.z_image import ZImageTransformer

	return ZImageTransformer(module, config)


def noise_levels(training: Training) -> Parametrisation:
	"""Rectified flow with shift 3."""
	from nodes.diffusion.parametrisation import Flow

	return Flow(shift=3.0, multiplier=1.0)


def _build(config: Config) -> Module:
	return build_diffusers('ZImageTransformer2DModel', config)


Z_IMAGE = Family(
	name='z-image',
	title='Z-Image',
	denoiser=Part(
		title='transformer',
		prefixes=(CHECKPOINT, 'transformer.', ''),
		forms=(
			Form(
				(
					Mark(
						{'x_pad_token': None, 'cap_embedder.1.weight': None, 'layers.0.attention.qkv.weight': None},
						without=('siglip_embedder.1.weight',),
					),
				),
				z_image.config,
				z_image.layout,
				ignored=('norm_final.weight',).__contains__,
			),
			Form(
				(
					Mark(
						{'x_pad_token': None, 'all_x_embedder.2-1.weight': None, 'cap_embedder.1.weight': None},
						without=('siglip_embedder.1.weight',),
					),
				),
				z_image.own_config,
			),
		),
		build=_build,
	),
	network=network,
	parametrisation=noise_levels,
	latents=FLUX_LATENTS,
	vae=KL_VAE,
	text=TextStack(
		towers=(qwen_tower('qwen3', ('qwen3_4b',), TEMPLATE, generation=3, layers=layers),),
		types=('lumina2', 'qwen_image'),
		join=join,
	),
)
