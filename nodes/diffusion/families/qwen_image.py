"""Qwen-Image and Qwen-Image-Edit (Qwen team 2025, "Qwen-Image Technical Report")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import Config, Family, Form, Mark, Part, TextStack, Training, VaePart
from nodes.diffusion.families.flux import LEVELS
from nodes.diffusion.families.parts import CHECKPOINT, build_diffusers
from nodes.diffusion.families.text_parts import QWEN_25_PLACES, qwen_tower
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts import qwen_image, wan_vae
from nodes.values import Prompt

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded
	from nodes.diffusion.vae import Vae

TEMPLATE = (
	'<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial '
	'relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'
)
"""The chat in which the prompt is put."""

MEANS = (
	*(-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508),
	*(0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921),
)
DEVIATIONS = (
	*(2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743),
	*(3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160),
)
"""Of the VAE's latents, channel by channel. Source: the config that it was released with (Wan 2.1)."""


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What Qwen says."""
	return Prompt(said['qwen25_7b'].embedding)


def network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The transformer, callable."""
	from nodes.diffusion.networks.qwen_image import QwenImageTransformer

	return QwenImageTransformer(module, config, latents)


def noise_levels(training: Training) -> Parametrisation:
	"""Rectified flow, shifted by e^1.15."""
	from nodes.diffusion.parametrisation import Flow

	return Flow(shift=1.15, multiplier=1.0, exponential=True, steps=LEVELS)


def _build(config: Config) -> Module:
	return build_diffusers('QwenImageTransformer2DModel', config)


def _build_vae(config: Config) -> Module:
	return build_diffusers('AutoencoderKLQwenImage', config)


def _vae(module: Module, config: Config) -> Vae:
	from nodes.diffusion.autoencoders import wan_vae

	return wan_vae(module, config)


QWEN_IMAGE = Family(
	name='qwen-image',
	title='Qwen-Image',
	denoiser=Part(
		title='transformer',
		prefixes=(CHECKPOINT, 'transformer.', ''),
		forms=(
			Form(
				(
					Mark(
						{
							'txt_norm.weight': None,
							'img_in.weight': None,
							'transformer_blocks.0.img_mod.1.weight': None,
							'transformer_blocks.0.attn.norm_added_q.weight': None,
						},
						without=('controlnet_x_embedder.weight',),
					),
				),
				qwen_image.config,
				ignored=(qwen_image.CLEAN_REFERENCES,).__contains__,
			),
		),
		build=_build,
		metadata='transformer_config',
	),
	network=network,
	parametrisation=noise_levels,
	latents=LatentFormat(channels=16, scale=tuple(1 / one for one in DEVIATIONS), shift=MEANS),
	vae=VaePart(
		title='VAE',
		prefixes=('first_stage_model.', 'vae.', ''),
		forms=(
			Form(
				(Mark({'decoder.upsamples.0.residual.2.weight': None, 'conv2.weight': None}),),
				wan_vae.config,
				wan_vae.layout,
			),
			Form(
				(Mark({'decoder.up_blocks.0.resnets.0.norm1.gamma': None, 'post_quant_conv.weight': None}),),
				wan_vae.own_config,
			),
		),
		build=_build_vae,
		metadata='vae_config',
		vae=_vae,
		channels=16,
	),
	text=TextStack(
		towers=(qwen_tower('qwen25_7b', QWEN_25_PLACES, TEMPLATE, generation=2, only_turn=True),),
		types=('qwen_image',),
		join=join,
	),
)
