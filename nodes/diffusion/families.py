"""Model families: how one is told from the names and shapes of its tensors, and the configs it has by default.

A family that is not known is an error that says what was found, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UnknownFamily
from nodes.diffusion.keys import TEXT, UNET, VAE, Config
from nodes.diffusion.latents import LatentFormat

Shapes = Mapping[str, tuple[int, ...]]

FIRST_CONVOLUTION = f'{UNET}input_blocks.0.0.weight'
CROSS_ATTENTION = f'{UNET}middle_block.1.transformer_blocks.0.attn2.to_k.weight'


@dataclass(frozen=True)
class Family:
	"""A family we can run, with the configs of its released model.

	A file may carry its own configs in its metadata; those win over these.
	"""

	name: str
	title: str
	unet: Config
	vae: Config
	text_encoder: Config
	scheduler: Config
	latents: LatentFormat


@dataclass(frozen=True)
class Stranger:
	"""A kind of file that we can tell but not run: some tensor's name begins with, or contains, `sign`."""

	title: str
	sign: str


SD1 = Family(
	name='sd1',
	title='Stable Diffusion 1.x',
	unet={
		'sample_size': 64,
		'in_channels': 4,
		'out_channels': 4,
		'block_out_channels': [320, 640, 1280, 1280],
		'layers_per_block': 2,
		'down_block_types': ['CrossAttnDownBlock2D'] * 3 + ['DownBlock2D'],
		'up_block_types': ['UpBlock2D'] + ['CrossAttnUpBlock2D'] * 3,
		'attention_head_dim': 8,
		'cross_attention_dim': 768,
	},
	vae={
		'sample_size': 512,
		'in_channels': 3,
		'out_channels': 3,
		'latent_channels': 4,
		'block_out_channels': [128, 256, 512, 512],
		'layers_per_block': 2,
		'down_block_types': ['DownEncoderBlock2D'] * 4,
		'up_block_types': ['UpDecoderBlock2D'] * 4,
		'scaling_factor': 0.18215,
	},
	text_encoder={
		'vocab_size': 49408,
		'hidden_size': 768,
		'intermediate_size': 3072,
		'num_hidden_layers': 12,
		'num_attention_heads': 12,
		'max_position_embeddings': 77,
		'hidden_act': 'quick_gelu',
		'projection_dim': 768,
	},
	scheduler={
		'num_train_timesteps': 1000,
		'beta_start': 0.00085,
		'beta_end': 0.012,
		'beta_schedule': 'scaled_linear',
		'prediction_type': 'epsilon',
		'rescale_betas_zero_snr': False,
	},
	latents=LatentFormat(
		channels=4,
		scale=0.18215,
		# Measured on Stable Diffusion 1.4 by Kevin Turner ("Decoding latents to RGB without upscaling", Hugging Face forum,
		# 2022).
		rgb=(
			(0.298, 0.207, 0.208),
			(0.187, 0.286, 0.173),
			(-0.158, 0.189, 0.264),
			(-0.184, -0.271, -0.473),
			(0.0, 0.0, 0.0),
		),
	),
)

STRANGERS = (
	Stranger('Stable Diffusion XL', 'conditioner.embedders.'),
	Stranger('Stable Diffusion XL (UNet alone)', f'{UNET}label_emb.'),
	Stranger('Stable Diffusion 2.x', 'cond_stage_model.model.'),
	Stranger('Stable Diffusion 3', f'{UNET}joint_blocks.'),
	Stranger('Flux', 'double_blocks.'),
	Stranger('ControlNet', 'control_model.'),
	Stranger('LoRA', 'lora_'),
	Stranger('a part of a diffusers folder', 'down_blocks.0.resnets.'),
)


def recognise(shapes: Shapes) -> Family:
	"""The family of a file with tensors of these names and shapes.

	A file that holds only some of a family's parts is of that family too. Raises `UnknownFamily`.
	"""
	for stranger in STRANGERS:
		if any(stranger.sign in name for name in shapes):
			raise _unknown(f'it looks like {stranger.title}')
	convolution = shapes.get(FIRST_CONVOLUTION)
	if convolution is not None:
		if len(convolution) != 4 or convolution[1] != 4:
			raise _unknown(f'its UNet takes an input of shape {list(convolution)}, as inpainting models do')
		if CROSS_ATTENTION not in shapes:
			raise _unknown('its UNet listens to no text')
		return SD1
	if any(name.startswith((TEXT, VAE)) for name in shapes):
		return SD1
	some = ', '.join(sorted(shapes)[:3])
	raise _unknown(f'none of its {len(shapes)} tensors has a known name ({some} …)' if shapes else 'it has no tensors')


def with_markers(scheduler: Config, shapes: Shapes) -> dict[str, Any]:
	"""The scheduler's config, as the empty marker tensors `v_pred` and `ztsnr` of a file change it."""
	changed = dict(scheduler)
	if 'v_pred' in shapes:
		changed['prediction_type'] = 'v_prediction'
	if 'ztsnr' in shapes:
		changed['rescale_betas_zero_snr'] = True
	return changed


def _unknown(found: str) -> UnknownFamily:
	return UnknownFamily(f'This model cannot be run: {found}. What can be run: {SD1.title} as a single file.')
