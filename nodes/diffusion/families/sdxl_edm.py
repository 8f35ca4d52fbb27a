"""Relatives of Stable Diffusion XL over all noise levels: CosXL (Stability AI 2024) and Playground v2.5 (Li et al. 2024).

Their UNets are those of XL; marker tensors in whole checkpoints tell them apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Mark, Training
from nodes.diffusion.families.parts import OUT, VECTOR, unet_part
from nodes.diffusion.families.sdxl import SDXL

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.latents import LatentFormat
	from nodes.diffusion.layouts.pieces import Config
	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation

COSXL_LEVELS = (0.002, 120.0)
PLAYGROUND_LEVELS = (0.002, 80.0)
"""The least and the greatest sigma."""

DEVIATION = (8.4927, 5.9022, 6.5498, 5.2299)
"""Playground's latents, channel by channel: their standard deviation, and below their mean; a half of it is what is meant."""


def of_v(training: Training) -> Parametrisation:
	"""CosXL says v."""
	from nodes.diffusion.continuous import Continuous

	return Continuous(*COSXL_LEVELS, 'v_prediction', 1.0)


def cosxl_network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The UNet; unlike other models that edit, CosXL Edit hears the picture in the model's scale."""
	from nodes.diffusion.networks.unet import UNet

	return UNet(module, config, latents, edits_scaled=True)


def of_edm(training: Training) -> Parametrisation:
	"""Playground says what EDM's networks say (Karras et al. 2022)."""
	from nodes.diffusion.continuous import Continuous

	return Continuous(*PLAYGROUND_LEVELS)


COSXL = replace(
	SDXL,
	title='CosXL',
	denoiser=unet_part(
		(Mark({VECTOR: (ANY, ANY), **OUT}, beside=('edm_vpred.sigma_max', 'edm_vpred.sigma_min')),), (), sizes=True
	),
	network=cosxl_network,
	parametrisation=of_v,
)

PLAYGROUND = replace(
	SDXL,
	title='Playground v2.5',
	denoiser=unet_part((Mark({VECTOR: (ANY, ANY), **OUT}, beside=('edm_mean', 'edm_std')),), (), sizes=True),
	parametrisation=of_edm,
	latents=replace(
		SDXL.latents,
		scale=tuple(0.5 / deviation for deviation in DEVIATION),
		shift=(-1.6574, 1.886, -1.383, 2.5155),
		rgb=(),
	),
)
