"""Small pictures of latents."""

from __future__ import annotations

import torch

from nodes.diffusion.families.sd1 import SD1
from nodes.diffusion.previews import picture

RED = ((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, -1.0, -1.0))  # two channels, then what is added


class TestPicture:
	def test_channels_become_colours(self) -> None:
		"""Channel 0 is red; green and blue are at their least."""
		latent = torch.tensor([1.0, 0.5]).reshape(1, 2, 1, 1).expand(3, 2, 2, 2)

		assert picture(latent, RED, size=2).getpixel((0, 0)) == (255, 0, 0)

	def test_colours_are_cut_to_their_range(self) -> None:
		"""Early guesses go far beyond it."""
		latent = torch.tensor([-9.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)

		assert picture(latent, RED, size=2).getpixel((0, 0)) == (0, 0, 0)

	def test_the_longer_side_is_brought_to_the_size(self) -> None:
		"""Small latents grow by a whole factor, great ones shrink."""
		rgb = SD1.latents.rgb

		assert picture(torch.zeros(1, 4, 32, 64), rgb, size=128).size == (128, 64)
		assert picture(torch.zeros(1, 4, 300, 600), rgb, size=128).size == (128, 64)
		assert picture(torch.zeros(1, 4, 60, 100), rgb, size=128).mode == 'RGB'
