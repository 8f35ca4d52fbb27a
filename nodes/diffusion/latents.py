"""Latent formats: how many channels and pixels a latent value stands for, and how the network wants it scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from torch import Tensor


@dataclass(frozen=True)
class LatentFormat:
	"""One family's latents.

	On the wires latents are as the VAE gives them; the network sees (latent − shift) · scale. `scale` and `shift` are one
	number, or one per channel. `rgb` is a linear map from the network's latents to colours from −1 to 1: a row of three per
	channel, then a row that is added; empty where none is known. `pixels` is how many pixels a latent value spans per side.
	`tiny` is the tiny VAE that knows them, by its name (`layouts.tiny_vae.SCALES`), if there is one.
	"""

	channels: int
	scale: float | tuple[float, ...] = 1.0
	shift: float | tuple[float, ...] = 0.0
	pixels: int = 8
	rgb: tuple[tuple[float, float, float], ...] = ()
	tiny: str = ''

	def process_in(self, latent: Tensor) -> Tensor:
		"""From the wire's scale to the network's; [batch, channels, …]."""
		return (latent - _along(self.shift, latent)) * _along(self.scale, latent)

	def process_out(self, latent: Tensor) -> Tensor:
		"""From the network's scale to the wire's."""
		return latent / _along(self.scale, latent) + _along(self.shift, latent)


def _along(value: float | Sequence[float], latent: Tensor) -> float | Tensor:
	"""One number, or numbers laid along the channels."""
	if isinstance(value, (int, float)):
		return value
	return latent.new_tensor(value).reshape(-1, *[1] * (latent.dim() - 2))
