"""Single latents, as nodes: sizes are in pixels."""

from __future__ import annotations

import pytest
import torch

from nodes import latent_edit
from nodes.pixels.scale import resize
from nodes.values import Latent, Mask


def grid(height: int = 2, width: int = 3) -> Latent:
	"""Latents that count from 0, with a mask that must not get lost."""
	numbers = torch.arange(float(height * width)).reshape(1, 1, height, width).repeat(1, 4, 1, 1)
	return Latent(numbers, torch.ones(1, 8, 8), (7,))


def rows(latent: Latent) -> list[list[float]]:
	"""The first channel."""
	assert latent.noise_mask is not None
	found: list[list[float]] = latent.samples[0, 0].tolist()
	return found


class TestScale:
	@pytest.mark.parametrize('method', latent_edit.METHODS)
	def test_methods(self, method: str) -> None:
		"""All give what the library gives, of the size in pixels."""
		latent = Latent(torch.randn(1, 4, 16, 16))
		made = latent_edit.scale(latent, method, 96, 128, 'center')

		assert torch.equal(made.samples, resize(latent.samples, 12, 16, method, 'center'))

	@pytest.mark.parametrize(
		('asked', 'expected'),
		[((256, 0), (32, 16)), ((0, 128), (32, 16)), ((0, 0), (16, 8)), ((8, 256), (8, 32)), ((0, 8), (16, 8))],
	)
	def test_sizes(self, asked: tuple[int, int], expected: tuple[int, int]) -> None:
		"""0 keeps the aspect of 128 × 64; no side is below 64 pixels."""
		made = latent_edit.scale(Latent(torch.zeros(1, 4, 8, 16)), 'area', *asked, 'disabled').samples

		assert (made.shape[-1], made.shape[-2]) == expected

	def test_by_a_factor(self) -> None:
		"""Rounded; at least one value is left."""
		assert latent_edit.scale_by(grid(), 'bislerp', 1.5).samples.shape[-2:] == (3, 4)
		assert latent_edit.scale_by(grid(), 'area', 0.01).samples.shape[-2:] == (1, 1)


class TestTurning:
	def test_flip(self) -> None:
		"""Upside down, or left to right."""
		assert rows(latent_edit.flip(grid(), 'x-axis: vertically')) == [[3, 4, 5], [0, 1, 2]]
		assert rows(latent_edit.flip(grid(), 'y-axis: horizontally')) == [[2, 1, 0], [5, 4, 3]]

	def test_rotate(self) -> None:
		"""Clockwise."""
		assert rows(latent_edit.rotate(grid(), '90 degrees')) == [[3, 0], [4, 1], [5, 2]]
		assert rows(latent_edit.rotate(grid(), '180 degrees')) == [[5, 4, 3], [2, 1, 0]]
		assert rows(latent_edit.rotate(grid(), '270 degrees')) == [[2, 5], [1, 4], [0, 3]]


class TestCutting:
	def test_crop(self) -> None:
		"""In pixels, rounded down; it begins 64 pixels before the border at the latest."""
		latent = grid(20, 20)

		assert rows(latent_edit.crop(latent, 64, 64, 16, 31))[0][0] == 3 * 20 + 2
		assert latent_edit.crop(latent, 72, 64, 16, 0).samples.shape[-2:] == (8, 9)
		assert latent_edit.crop(latent, 512, 512, 999, 999).samples.shape[-2:] == (8, 8)
		assert latent_edit.crop(grid(), 64, 64, 8, 8).samples.shape[-2:] == (2, 3)

	def test_cut(self) -> None:
		"""In values, along any dimension, from either end."""
		assert rows(latent_edit.cut(grid(), 'x', 1, 2)) == [[1, 2], [4, 5]]
		assert rows(latent_edit.cut(grid(), 'y', -1, 9)) == [[3, 4, 5]]
		assert latent_edit.cut(grid(), 't', 1, 2).samples.shape == (1, 2, 2, 3)


class TestBatches:
	def test_noise_mask(self) -> None:
		"""It replaces another one."""
		made = latent_edit.set_noise_mask(grid(), Mask(torch.zeros(2, 5, 5)))

		assert made.noise_mask is not None
		assert made.noise_mask.shape == (2, 5, 5)
		assert made.batch_index == (7,)

	def test_from_batch_and_repeat(self) -> None:
		"""With places in the batch: see the library."""
		four = Latent(torch.zeros(4, 4, 2, 2))

		assert latent_edit.from_batch(four, 2, 2).batch_index == (2, 3)
		assert latent_edit.repeat(latent_edit.from_batch(four, 2, 2), 2).batch_index == (2, 3, 4, 5)

	def test_seed_behaviour(self) -> None:
		"""The noise of the first for all, or noise of its own for each."""
		two = Latent(torch.zeros(2, 4, 2, 2), None, (5, 6))

		assert latent_edit.seed_behaviour(two, 'fixed').batch_index == (5, 5)
		assert latent_edit.seed_behaviour(two, 'random').batch_index is None
		assert latent_edit.seed_behaviour(Latent(torch.zeros(3, 4, 2, 2)), 'fixed').batch_index == (0, 0, 0)
