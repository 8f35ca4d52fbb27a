"""Stable Diffusion 1.x (Rombach et al. 2022): text to picture, inpainting, InstructPix2Pix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Family, Mark, TextStack
from nodes.diffusion.families.parts import (
	CLIP_L,
	CROSS,
	KL_VAE,
	OUT,
	OWN_CROSS,
	OWN_OUT,
	VECTOR,
	clip_tower,
	noise_levels,
	unet_network,
	unet_part,
)
from nodes.diffusion.latents import LatentFormat
from nodes.values import Prompt

if TYPE_CHECKING:
	from nodes.diffusion.text.towers import Encoded


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What CLIP-L says."""
	return Prompt(said['clip_l'].embedding)


SD1 = Family(
	name='sd1',
	title='Stable Diffusion 1.x',
	denoiser=unet_part(
		# Whatever its width, its attention is entered by a convolution.
		original=(
			Mark({CROSS: (ANY, 768), **OUT}, without=(VECTOR,)),
			Mark({'middle_block.1.proj_in.weight': (ANY, ANY, 1, 1), CROSS: None, **OUT}, without=(VECTOR,)),
		),
		diffusers=(
			Mark({OWN_CROSS: (ANY, 768), **OWN_OUT}),
			Mark({'mid_block.attentions.0.proj_in.weight': (ANY, ANY, 1, 1), OWN_CROSS: None, **OWN_OUT}),
		),
	),
	network=unet_network,
	parametrisation=noise_levels,
	latents=LatentFormat(
		channels=4,
		scale=0.18215,
		tiny='taesd',
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
	vae=KL_VAE,
	text=TextStack(
		towers=(clip_tower('clip_l', CLIP_L, 'cond_stage_model.transformer.'),),
		types=('stable_diffusion',),
		join=join,
	),
)
