"""Models that work on pixels themselves: what stands in the place of their VAE computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodes.diffusion.families.base import Config, Form, Mark, Shapes, VaePart

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.vae import Vae

MARK = 'pixel_space_vae'
"""The one tensor of such a VAE. Its value means nothing."""

CHANNELS = 3


def _config(shapes: Shapes) -> Config:
	return {}


def _build(config: Config) -> Module:
	from nodes.diffusion.autoencoders import PixelModule

	return PixelModule()


def _vae(module: Module, config: Config) -> Vae:
	from nodes.diffusion.autoencoders import pixel_vae

	return pixel_vae(module)


PIXEL_SPACE = VaePart(
	title='VAE',
	prefixes=('first_stage_model.', 'vae.', ''),
	forms=(Form((Mark({MARK: None}),), _config),),
	build=_build,
	vae=_vae,
	channels=CHANNELS,
)
