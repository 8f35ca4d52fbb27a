"""VAEs that are not quite diffusers' `AutoencoderKL`, called like it: on pictures [batch, 3, h, w], to and from latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import PATCH
from nodes.diffusion.vae import Vae
from nodes.diffusion.whereabouts import dtype_of, place_of


@dataclass(frozen=True, eq=False)
class Means:
	"""The middle of what an encoder says."""

	mean: Tensor


@dataclass(frozen=True, eq=False)
class Said:
	"""What an encoder says."""

	latent_dist: Means


@dataclass(frozen=True, eq=False)
class Drawn:
	"""What a decoder draws."""

	sample: Tensor


@dataclass(frozen=True, eq=False)
class Flux2Coder:
	"""diffusers' `AutoencoderKLFlux2`: a `KlAutoEncoder`.

	A latent value stands for 16×16 pixels: patches of 2×2 values are folded into channels, which are then brought to mean
	0 and variance 1 by the statistics of the training, channel by channel.
	"""

	module: Module

	@property
	def dtype(self) -> torch.dtype:
		"""In which it computes."""
		return dtype_of(self.module)

	@property
	def device(self) -> torch.device:
		"""Where it computes."""
		return place_of(self.module)

	def encode(self, x: Tensor) -> Said:
		"""Pictures, −1 to 1, with sides that are multiples of 16."""
		means: Tensor = cast(Any, self.module).encode(x).latent_dist.mean
		mean, deviation = self._statistics(x)
		return Said(Means((pixel_unshuffle(means, PATCH) - mean) / deviation))

	def decode(self, z: Tensor) -> Drawn:
		"""Latents, as `encode` gives them."""
		mean, deviation = self._statistics(z)
		drawn: Tensor = cast(Any, self.module).decode(pixel_shuffle(z * deviation + mean, PATCH)).sample
		return Drawn(drawn)

	def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
		norm: Any = self.module.get_submodule('bn')
		mean, variance = (tensor.reshape(1, -1, 1, 1) for tensor in (norm.running_mean, norm.running_var))
		return mean.to(like), (variance.float() + norm.eps).sqrt().to(like)


@dataclass(frozen=True, eq=False)
class WanCoder:
	"""diffusers' `AutoencoderKLQwenImage`, for single pictures: a `KlAutoEncoder`. A picture is a film of one frame."""

	module: Module

	@property
	def dtype(self) -> torch.dtype:
		"""In which it computes."""
		return dtype_of(self.module)

	@property
	def device(self) -> torch.device:
		"""Where it computes."""
		return place_of(self.module)

	def encode(self, x: Tensor) -> Said:
		"""Pictures, −1 to 1, with sides that are multiples of 8."""
		means: Tensor = cast(Any, self.module).encode(x[:, :, None]).latent_dist.mean
		return Said(Means(means[:, :, 0]))

	def decode(self, z: Tensor) -> Drawn:
		"""Latents of pictures, or the first frame of a film's [batch, channels, frames, h, w]."""
		film = z if z.dim() == 5 else z[:, :, None]
		drawn: Tensor = cast(Any, self.module).decode(film[:, :, :1]).sample
		return Drawn(drawn[:, :, 0])


class PixelModule(Module):
	"""No network: it has the one number that files of such VAEs hold, and does nothing with it."""

	def __init__(self) -> None:
		super().__init__()
		self.pixel_space_vae = torch.nn.Parameter(torch.ones(()))


@dataclass(frozen=True, eq=False)
class PixelCoder:
	"""Pixels are latents, −1 to 1, and come back as they are: a `KlAutoEncoder`."""

	module: Module
	dtype: torch.dtype = torch.float32

	@property
	def device(self) -> torch.device:
		"""Where its number is."""
		return place_of(self.module)

	def encode(self, x: Tensor) -> Said:
		"""Pictures [batch, 3, h, w], −1 to 1."""
		return Said(Means(x))

	def decode(self, z: Tensor) -> Drawn:
		"""Latents, as `encode` gives them."""
		return Drawn(z)


def pixel_vae(module: Module) -> Vae:
	"""What stands in the place of a VAE where models work on pixels, callable."""
	return Vae(PixelCoder(module), module, factor=1, nbytes=_nbytes(module))


def flux2_vae(module: Module, config: Config) -> Vae:
	"""The VAE of Flux.2, callable."""
	return Vae(
		Flux2Coder(module), module, factor=PATCH * 2 ** (len(config['block_out_channels']) - 1), nbytes=_nbytes(module)
	)


def wan_vae(module: Module, config: Config) -> Vae:
	"""The VAE of Wan 2.1 and Qwen-Image, callable."""
	return Vae(WanCoder(module), module, factor=2 ** (len(config['dim_mult']) - 1), nbytes=_nbytes(module))


def _nbytes(module: Module) -> int:
	return sum(weight.nbytes for weight in module.parameters())
