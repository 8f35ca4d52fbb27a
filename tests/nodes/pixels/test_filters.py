"""Blur, sharpening, quantising, morphology."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from nodes.pixels.filters import bayer, blur, gaussian, morphology, quantise, sharpen


def dot(side: int = 7) -> Tensor:
	"""One white pixel in the middle of black, [1, side, side, 1]."""
	pixels = torch.zeros(1, side, side, 1)
	pixels[0, side // 2, side // 2] = 1
	return pixels


class TestGaussian:
	def test_the_radius_is_one(self) -> None:
		"""Three elements lie at −1, 0 and 1, five at halves: the same sigma is half as many pixels wide."""
		edge = math.exp(-1 / 2)
		kernel = gaussian(3, 1.0)

		assert kernel.sum().item() == pytest.approx(1)
		assert (kernel[1, 0] / kernel[1, 1]).item() == pytest.approx(edge)
		assert (gaussian(5, 1.0)[2, 0] / gaussian(5, 1.0)[2, 2]).item() == pytest.approx(edge)
		assert (kernel[0, 0] / kernel[1, 1]).item() == pytest.approx(edge**2)


class TestBlur:
	def test_a_dot_becomes_the_kernel(self) -> None:
		"""A convolution."""
		assert torch.allclose(blur(dot(), 2, 0.7)[0, 1:6, 1:6, 0], gaussian(5, 0.7), atol=1e-7)

	def test_the_border_is_mirrored(self) -> None:
		"""A flat picture stays flat up to its border; beside it lies what lies inside."""
		assert torch.allclose(blur(torch.full((1, 5, 5, 3), 0.3), 3, 1.0), torch.tensor(0.3))
		line = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0]).reshape(1, 1, 5, 1).repeat(1, 5, 1, 1)
		assert blur(line, 1, 1.0)[0, 2, 0, 0].item() == pytest.approx(gaussian(3, 1.0).sum(0)[1].item())


class TestSharpen:
	def test_ten_times_what_the_blur_takes(self) -> None:
		"""pixels + 10·alpha · (pixels − blur), cut."""
		pixels = torch.rand(1, 6, 6, 3) * 0.2 + 0.4
		expected = (pixels + 0.5 * (pixels - blur(pixels, 1, 0.8))).clamp(0, 1)

		assert torch.allclose(sharpen(pixels, 1, 0.8, 0.05), expected, atol=1e-5)

	def test_levels_are_cut(self) -> None:
		"""To 0 and 1."""
		made = sharpen(torch.rand(1, 8, 8, 3), 1, 1.0, 5.0)

		assert made.min() == 0
		assert made.max() == 1


class TestQuantise:
	"""As many colours as asked for."""

	@pytest.mark.parametrize('dither', ['none', 'floyd-steinberg', 'bayer-2', 'bayer-4', 'bayer-8', 'bayer-16'])
	def test_number_of_colours(self, dither: str) -> None:
		"""No more than asked for, by any dithering; those of a picture of few are kept."""
		gradient = torch.linspace(0, 1, 32).reshape(1, 1, 32, 1).expand(2, 32, 32, 3)
		made = quantise(gradient, 4, dither)

		assert made.shape == gradient.shape
		assert all(len(np.unique(picture.reshape(-1, 3).numpy(), axis=0)) <= 4 for picture in made)

	def test_plain_colours_stay(self) -> None:
		"""Black and white are two colours."""
		pixels = torch.tensor([0.0, 1.0]).reshape(1, 1, 2, 1).expand(1, 4, 2, 3).contiguous()

		assert torch.equal(quantise(pixels, 2, 'none'), pixels)

	@pytest.mark.parametrize('dither', ['floyd-steinberg', 'bayer-2', 'bayer-4', 'bayer-8', 'bayer-16'])
	def test_dithering_mixes(self, dither: str) -> None:
		"""Of a gradient in two colours, columns in between have both; without dithering each has one."""
		gradient = torch.linspace(0, 1, 32).reshape(1, 1, 32, 1).expand(1, 32, 32, 3)

		def mixed(made: Tensor) -> int:
			return sum(len(set(made[0, :, column].flatten().tolist())) > 1 for column in range(32))

		assert mixed(quantise(gradient, 2, 'none')) == 0
		assert mixed(quantise(gradient, 2, dither)) > 8

	def test_bayer_matrix(self) -> None:
		"""Bayer's order of thresholds, around 0."""
		assert (bayer(2) * 4).tolist() == [[-1.5, 0.5], [1.5, -0.5]]
		ranks = np.argsort(np.argsort((bayer(4) * 16).flatten())).reshape(4, 4)
		assert ranks.tolist() == [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]
		assert abs(bayer(16).mean()) < 1e-6


class TestMorphology:
	"""Squares of bright pixels."""

	@pytest.mark.parametrize(
		('operation', 'ones'),
		[('dilate', 9), ('erode', 0), ('open', 0), ('close', 1), ('gradient', 9), ('top_hat', 1), ('bottom_hat', 0)],
	)
	def test_a_dot(self, operation: str, ones: int) -> None:
		"""A dot grows to a square of three, or goes."""
		assert morphology(dot(), operation, 3).sum() == ones

	def test_the_border_counts_for_nothing(self) -> None:
		"""A white picture stays white, whatever the size of the square."""
		for size in (3, 4, 99):
			for operation in ('dilate', 'erode', 'open', 'close'):
				assert (morphology(torch.ones(1, 5, 6, 3), operation, size) == 1).all()

	def test_even_squares_move_nothing(self) -> None:
		"""What opening and closing leave stays in its place."""
		pixels = torch.zeros(1, 9, 9, 1)
		pixels[0, 3:7, 2:6] = 1

		assert torch.equal(morphology(pixels, 'open', 4), pixels)
		assert torch.equal(morphology(pixels, 'close', 2), pixels)
