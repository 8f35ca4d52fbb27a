"""The VAE of Flux.2: that of Flux with the statistics by which its latents are normed, against `AutoencoderKLFlux2`."""

from __future__ import annotations

from typing import Any

from nodes.diffusion.layout import Layout, plain
from nodes.diffusion.layouts import vae
from nodes.diffusion.layouts.pieces import Config, Shapes

MEAN = 'bn.running_mean'
STATISTICS = (MEAN, 'bn.running_var', 'bn.num_batches_tracked')


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config, of the VAE as it was published."""
	return vae.from_original(shapes)


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	return vae.from_diffusers(shapes)


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands."""
	return {**vae.original(config), **plain({name: name for name in STATISTICS})}
