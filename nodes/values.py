"""What travels along the links between nodes.

Importing this module imports no torch: tensors are named only for the type checker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from engine.sockets import socket

if TYPE_CHECKING:
	from torch import Tensor


@socket('IMAGE')
@dataclass(frozen=True, eq=False)
class Images:
	"""Pictures: `pixels` is float32 [batch, height, width, channels], 0 to 1, three or four channels."""

	pixels: Tensor


@socket('MASK')
@dataclass(frozen=True, eq=False)
class Mask:
	"""Masks: `values` is float32 [batch, height, width], 0 to 1; 1 is what is masked."""

	values: Tensor


@socket('LATENT')
@dataclass(frozen=True, eq=False)
class Latent:
	"""Latent pictures: `samples` is float32 [batch, channels, height / 8, width / 8], not yet scaled for the model.

	`noise_mask` [batch, height, width] says where noise may act (1) in inpainting.
	"""

	samples: Tensor
	noise_mask: Tensor | None = None

	def with_samples(self, samples: Tensor) -> Latent:
		"""The same with other samples."""
		return replace(self, samples=samples)


@dataclass(frozen=True, eq=False)
class Prompt:
	"""One encoded prompt: `embedding` is float32 [1, tokens, width]; `pooled` [1, width] where the family has it."""

	embedding: Tensor
	pooled: Tensor | None = None


@socket('CONDITIONING')
@dataclass(frozen=True, eq=False)
class Conditioning:
	"""What the picture is steered by: one or more encoded prompts, whose effects are averaged."""

	prompts: tuple[Prompt, ...]


OnStep = Callable[[int, int, 'Tensor'], None]
"""Called after each step with (steps done, steps in all, denoised latent [batch, channels, h, w], model's scale)."""


@socket('MODEL')
class DiffusionModel(Protocol):
	"""The network that predicts noise, with what it needs to know about sigmas."""

	@property
	def nbytes(self) -> int: ...

	@property
	def sigmas(self) -> Tensor:
		"""The training sigmas, float32 [1000], ascending."""
		...

	@property
	def latent_channels(self) -> int: ...

	@property
	def latent_rgb(self) -> Tensor:
		"""A linear map from the model's latents to colours, −1 to 1: [channels + 1, 3], the last row being added."""
		...

	def denoise(self, x: Tensor, sigma: Tensor, prompt: Prompt) -> Tensor:
		"""The clean latent as guessed at this noise.

		x is [batch, channels, h, w] in the model's own scale (see `process_in`); sigma is [batch]; same shape back.
		"""
		...

	def process_in(self, latent: Tensor) -> Tensor:
		"""From the wire's latent scale to the model's."""
		...

	def process_out(self, latent: Tensor) -> Tensor:
		"""From the model's latent scale to the wire's."""
		...


@socket('CLIP')
class TextEncoder(Protocol):
	"""Turns text into what the diffusion model listens to."""

	@property
	def nbytes(self) -> int: ...

	def encode(self, text: str) -> Conditioning:
		"""Encode a prompt; `(words:1.2)` raises and `(words:0.8)` lowers their weight."""
		...


@socket('VAE')
class AutoEncoder(Protocol):
	"""Turns pixels into latents and back."""

	@property
	def nbytes(self) -> int: ...

	def encode(self, images: Images) -> Latent:
		"""Pixels to latents; sides are cropped to a multiple of the VAE's factor (8)."""
		...

	def decode(self, latent: Latent) -> Images:
		"""Latents to pixels, 0 to 1."""
		...
