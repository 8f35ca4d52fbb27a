"""Stable Diffusion XL (Podell et al. 2023): base, inpainting, editing, models of v, smaller ones (SSD-1B); and its refiner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Family, Mark, TextStack
from nodes.diffusion.families.parts import (
	CLIP_G,
	CLIP_L,
	KL_VAE,
	OUT,
	OWN_OUT,
	OWN_SIZES,
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

EMBEDDERS = 'conditioner.embedders.{}.'
G_SETTINGS = {'layer': -2, 'normed': False, 'projected': True, 'pad': 0}
FINEST = 'input_blocks.1.1.proj_in.weight'
REFINED = 'input_blocks.9.0.op.weight'
OWN_REFINED = 'down_blocks.3.resnets.0.conv1.weight'
"""A fourth level, which only the refiner has, after levels of two blocks."""


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What CLIP-L and bigG say, side by side, and bigG's pooled vector."""
	import torch

	small, large = said['clip_l'].embedding, said['clip_g'].embedding
	tokens = min(small.shape[1], large.shape[1])
	return Prompt(torch.cat([small[:, :tokens], large[:, :tokens]], dim=-1), said['clip_g'].pooled)


def join_refiner(said: Mapping[str, Encoded]) -> Prompt:
	"""What bigG says."""
	return Prompt(said['clip_g'].embedding, said['clip_g'].pooled)


SDXL = Family(
	name='sdxl',
	title='Stable Diffusion XL',
	# Its vector goes to a network without attention at the finest level, which models of pictures (unCLIP) have.
	denoiser=unet_part(
		original=(
			Mark({VECTOR: (ANY, 2816), **OUT}),
			Mark({VECTOR: None, 'input_blocks.4.1.proj_in.weight': (ANY, ANY), **OUT}, without=(FINEST, REFINED)),
		),
		diffusers=(
			Mark({OWN_SIZES: (ANY, 2816), **OWN_OUT}),
			Mark({OWN_SIZES: None, **OWN_OUT}, without=(OWN_REFINED,)),
		),
		sizes=True,
	),
	network=unet_network,
	parametrisation=noise_levels,
	latents=LatentFormat(
		channels=4,
		scale=0.13025,
		tiny='taesdxl',
		# Measured by Timothy Alexis Vass ("Explaining the SDXL latent space", Hugging Face blog, 2023).
		rgb=(
			(0.4706, 0.4706, 0.4706),
			(-0.4706, -0.0392, 0.0784),
			(0.1961, 0.1176, -0.0392),
			(-0.5490, -0.3922, -0.2745),
			(0.1765, 0.0980, 0.0196),
		),
	),
	vae=KL_VAE,
	text=TextStack(
		towers=(
			clip_tower('clip_l', CLIP_L, EMBEDDERS.format(0) + 'transformer.', layer=-2, normed=False),
			clip_tower('clip_g', CLIP_G, EMBEDDERS.format(1) + 'model.', 'text_encoder_2', **G_SETTINGS),
		),
		types=('sdxl',),
		join=join,
	),
)

REFINER = replace(
	SDXL,
	name='sdxl-refiner',
	title='Stable Diffusion XL refiner',
	denoiser=unet_part(
		original=(
			Mark({VECTOR: (ANY, 2560), **OUT}),
			Mark(
				{VECTOR: None, 'input_blocks.4.1.proj_in.weight': (ANY, ANY), REFINED: None, **OUT}, without=(FINEST,)
			),
		),
		diffusers=(
			Mark({OWN_SIZES: (ANY, 2560), **OWN_OUT}),
			Mark({OWN_SIZES: None, OWN_REFINED: None, **OWN_OUT}),
		),
		sizes=True,
	),
	text=TextStack(
		towers=(clip_tower('clip_g', CLIP_G, EMBEDDERS.format(0) + 'model.', 'text_encoder_2', **G_SETTINGS),),
		types=('sdxl', 'stable_diffusion'),
		join=join_refiner,
	),
)
