"""Autoencoders tile by tile."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nodes.diffusion.tiling import Tile, decode_tiled, encode_tiled, tiles
from nodes.values import Images, Latent


class Blocks:
	"""An autoencoder without memory of its surroundings: a latent value is the mean of 8 × 8 pixels."""

	factor = 8
	nbytes = 0

	def __init__(self) -> None:
		self.shapes: list[tuple[int, int]] = []

	def encode(self, images: Images) -> Latent:
		"""The means."""
		pixels = images.pixels[..., :3].movedim(-1, 1)
		self.shapes.append((pixels.shape[-2], pixels.shape[-1]))
		return Latent(torch.nn.functional.avg_pool2d(pixels, 8))

	def decode(self, latent: Latent) -> Images:
		"""Blocks of 8 × 8."""
		self.shapes.append((latent.samples.shape[-2], latent.samples.shape[-1]))
		return Images(latent.samples.repeat_interleave(8, -1).repeat_interleave(8, -2).movedim(1, -1))


class Edges(Blocks):
	"""One whose pictures have wrong borders, as those of real ones are, for want of surroundings."""

	def decode(self, latent: Latent) -> Images:
		"""Blocks, the outermost pixels black."""
		pixels = super().decode(latent).pixels
		made = torch.zeros_like(pixels)
		made[:, 1:-1, 1:-1] = pixels[:, 1:-1, 1:-1]
		return Images(made)


def nothing(done: int, total: int) -> None:
	"""Progress that nobody hears of."""


class TestTiles:
	def covered(self, height: int, width: int, tile: tuple[int, int], overlap: int) -> Tensor:
		"""How often each element is covered."""
		counts = torch.zeros(height, width)
		for one in tiles(height, width, tile, overlap):
			counts[one.top : one.top + one.height, one.left : one.left + one.width] += 1
		return counts

	def test_small_pictures_are_one(self) -> None:
		"""Of their own size."""
		assert list(tiles(5, 7, (8, 8), 2)) == [Tile(0, 0, 5, 7)]

	def test_they_overlap(self) -> None:
		"""By so much, and the last one ends at the border."""
		assert [(one.left, one.width) for one in tiles(1, 20, (8, 8), 2)] == [(0, 8), (6, 8), (12, 8)]
		assert [(one.left, one.width) for one in tiles(1, 17, (8, 8), 2)] == [(0, 8), (6, 8), (12, 5)]

	def test_an_overlap_of_more_than_half_is_kept(self) -> None:
		"""As far as there is a way on."""
		assert [one.left for one in tiles(1, 14, (8, 8), 5)] == [0, 3, 6]
		assert [one.left for one in tiles(1, 14, (8, 8), 8)] == [0, 4, 8]

	@pytest.mark.parametrize(('tile', 'overlap'), [((8, 8), 2), ((4, 16), 3), ((1, 1), 9), ((3, 2), 7), ((8, 8), 0)])
	def test_everything_is_covered(self, tile: tuple[int, int], overlap: int) -> None:
		"""Also where an overlap would leave no way on."""
		assert self.covered(33, 41, tile, overlap).min() >= 1


class TestDecode:
	def test_it_is_what_decoding_is(self) -> None:
		"""If tiles do not need each other, nothing is seen of them; pictures of a batch are kept apart."""
		latent = Latent(torch.rand(2, 3, 24, 40))
		made = decode_tiled(Blocks(), latent, 64, 16, nothing)

		assert torch.allclose(made.pixels, Blocks().decode(latent).pixels, atol=1e-6)

	def test_tiles_are_small(self) -> None:
		"""No larger than asked for, or twice as long and half as wide."""
		vae = Blocks()
		decode_tiled(vae, Latent(torch.rand(1, 3, 24, 40)), 64, 16, nothing)

		assert {height for height, _ in vae.shapes} <= set(range(1, 17))
		assert max(height * width for height, width in vae.shapes) == 64

	def test_small_pictures_are_decoded_at_once(self) -> None:
		"""In each of the three ways they fit in one tile."""
		vae = Blocks()
		decode_tiled(vae, Latent(torch.rand(1, 3, 4, 4)), 64, 16, nothing)

		assert vae.shapes == [(4, 4)] * 3

	def test_seams_fade(self) -> None:
		"""What a tile gets wrong at its border weighs little beside what the next one has there."""
		latent = Latent(torch.ones(1, 3, 24, 24))
		made = decode_tiled(Edges(), latent, 64, 32, nothing).pixels[0, 8:-8, 8:-8]
		hard = decode_tiled(Edges(), latent, 64, 0, nothing).pixels[0, 8:-8, 8:-8]

		assert made.min() > 0.9
		assert hard.min() < 0.7

	def test_progress(self) -> None:
		"""Each tile is told, of all."""
		told: list[tuple[int, int]] = []
		decode_tiled(Blocks(), Latent(torch.rand(2, 3, 12, 12)), 64, 16, lambda done, total: told.append((done, total)))

		assert [done for done, _ in told] == list(range(1, len(told) + 1))
		assert {total for _, total in told} == {len(told)}

	def test_it_can_be_stopped(self) -> None:
		"""By whom progress is told."""
		vae = Blocks()

		def stop(done: int, total: int) -> None:
			raise KeyboardInterrupt

		with pytest.raises(KeyboardInterrupt):
			decode_tiled(vae, Latent(torch.rand(1, 3, 24, 24)), 64, 16, stop)
		assert len(vae.shapes) == 1


class TestEncode:
	def test_it_is_what_encoding_is(self) -> None:
		"""Sides are cropped to multiples of eight, alike on both ends; alpha is left out."""
		pixels = torch.rand(2, 132, 201, 4)
		made = encode_tiled(Blocks(), Images(pixels), 64, 16, nothing)

		assert made.samples.shape == (2, 3, 16, 25)
		assert torch.allclose(made.samples, Blocks().encode(Images(pixels[:, 2:130, :200])).samples, atol=1e-6)
