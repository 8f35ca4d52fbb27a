"""Stable Diffusion 2.x (Rombach et al. 2022): of noise and of v, inpainting, variations of pictures (unCLIP)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Family, Mark, TextStack, Training
from nodes.diffusion.families.parts import (
	CLIP_H,
	CROSS,
	KL_VAE,
	OUT,
	OWN_CROSS,
	OWN_OUT,
	OWN_SIZES,
	clip_tower,
	noise_levels,
	unet_network,
	unet_part,
)
from nodes.diffusion.families.sd1 import SD1
from nodes.values import Prompt

if TYPE_CHECKING:
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded

TOLD_BY = 'up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias'
"""The last attention's norm: nothing else tells the released models of v from those of noise."""

SPREAD = 0.09
"""Its standard deviation is above this in those of v."""


def parametrisation(training: Training) -> Parametrisation:
	"""As the file says; where it says nothing, by a tensor of the network."""
	told = 'prediction_type' in training.scheduler or training.config['in_channels'] != SD1.latents.channels
	if told or TOLD_BY not in training.tensors or float(training.tensors[TOLD_BY].float().std(correction=0)) <= SPREAD:
		return noise_levels(training)
	return noise_levels(training, prediction='v_prediction')


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What CLIP-H says."""
	return Prompt(said['clip_h'].embedding)


SD2 = Family(
	name='sd2',
	title='Stable Diffusion 2.x',
	denoiser=unet_part(
		# Whatever its width, its attention is entered by a linear layer from the finest level on.
		original=(
			Mark({CROSS: (ANY, 1024), **OUT}),
			Mark({'input_blocks.1.1.proj_in.weight': (ANY, ANY), CROSS: None, **OUT}),
		),
		diffusers=(
			Mark({OWN_CROSS: (ANY, 1024), **OWN_OUT}),
			Mark({'down_blocks.0.attentions.0.proj_in.weight': (ANY, ANY), **OWN_OUT}, without=(OWN_SIZES,)),
		),
	),
	network=unet_network,
	parametrisation=parametrisation,
	latents=SD1.latents,
	vae=KL_VAE,
	text=TextStack(
		towers=(clip_tower('clip_h', CLIP_H, 'cond_stage_model.model.', cut=23, layer=-2, pad=0),),
		types=('stable_diffusion',),
		join=join,
	),
)
