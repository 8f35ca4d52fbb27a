"""Pixels to latents and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from engine.models import Place
from nodes.diffusion.moving import move
from nodes.diffusion.origin import Origin
from nodes.diffusion.patches.target import Target
from nodes.values import Images, Latent


class Distribution(Protocol):
	"""What diffusers' encoder gives: a Gaussian per latent value."""

	@property
	def mean(self) -> Tensor: ...


class Encoded(Protocol):
	"""The wrapper around it."""

	@property
	def latent_dist(self) -> Distribution: ...


class Decoded(Protocol):
	"""The wrapper around diffusers' decoded pixels."""

	@property
	def sample(self) -> Tensor: ...


class KlAutoEncoder(Protocol):
	"""The calls that we make on diffusers' `AutoencoderKL`; its own types say too little."""

	@property
	def dtype(self) -> torch.dtype: ...

	@property
	def device(self) -> torch.device: ...

	def encode(self, x: Tensor) -> Encoded: ...

	def decode(self, z: Tensor) -> Decoded: ...


def spread(latent: Tensor) -> Tensor:
	"""A latent [batch, c, h, w] as it lies best in memory for decoding: on the CPU in bfloat16 with its channels last.

	What convolutions make of it lies likewise. With AVX512-BF16, one thread decoded 256 × 256 pixels in 0.91 of the time, with
	results as near to float32's. In float32 it was 0.95, and is left; a UNet's pass took 0.98 in bfloat16, 1.06 in float32.
	"""
	if latent.device.type == 'cpu' and latent.dtype == torch.bfloat16 and latent.dim() == 4:
		return latent.contiguous(memory_format=torch.channels_last)
	return latent


class Vae:
	"""A Kullback–Leibler autoencoder (Rombach et al. 2022): an `AutoEncoder`.

	Args:
		model: what is called.
		module: where its weights are.
		factor: pixels per latent value along a side (8 for Stable Diffusion).
		nbytes: bytes of weights held.
	"""

	def __init__(self, model: KlAutoEncoder, module: torch.nn.Module, *, factor: int, nbytes: int) -> None:
		self._model = model
		self._module = module
		self._factor = factor
		self._nbytes = nbytes
		self._parts: Sequence[tuple[Target, Origin]] = ()

	def read_from(self, module: torch.nn.Module, origin: Origin) -> Vae:
		"""Keep where the weights were read, so that it can be saved; gives itself."""
		self._parts = ((Target('VAE', module, origin.layout, ()), origin),)
		return self

	def parts(self) -> Sequence[tuple[Target, Origin]]:
		"""See `Savable`."""
		return self._parts

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return self._nbytes

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self._module, place)

	@property
	def factor(self) -> int:
		"""Pixels per latent value along a side."""
		return self._factor

	def encode(self, images: Images) -> Latent:
		"""Pixels, float32 [batch, h, w, 3 or 4] 0 to 1, to the means of their latents, float32 [batch, c, h/f, w/f].

		Sides are cropped to a multiple of the factor, alike on both ends; a fourth channel is left out.
		"""
		# Contiguous: with channels last in memory, a flat picture loses three digits in the norms.
		pixels = self._cropped(images.pixels)[..., :3].movedim(-1, 1).contiguous() * 2 - 1
		with torch.inference_mode():
			# One at a time: room is needed for one picture only.
			means = [self._model.encode(self._ready(one)).latent_dist.mean.cpu() for one in torch.split(pixels, 1)]
		return Latent(torch.cat(means).float())

	def decode(self, latent: Latent) -> Images:
		"""Latents, float32 [batch, c, h, w], to pixels, float32 [batch, h·f, w·f, 3], cut to 0 to 1."""
		with torch.inference_mode():
			latents = (spread(self._ready(one)) for one in torch.split(latent.samples, 1))
			pictures = [self._model.decode(one).sample.cpu() for one in latents]
			pixels = (torch.cat(pictures).float() / 2 + 0.5).clamp(0, 1)
		return Images(pixels.movedim(1, -1).contiguous())

	def _ready(self, one: Tensor) -> Tensor:
		return one.to(self._model.device, self._model.dtype)

	def _cropped(self, pixels: Tensor) -> Tensor:
		height, width = pixels.shape[1:3]
		top, left = height % self._factor // 2, width % self._factor // 2
		return pixels[
			:, top : top + height // self._factor * self._factor, left : left + width // self._factor * self._factor
		]
