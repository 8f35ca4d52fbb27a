"""How alike two pictures look."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.resemblance import difference, resemblance, structural_similarity


def drawn(colour: str = 'red', *, shift: int = 0, size: tuple[int, int] = (64, 64)) -> Image.Image:
	"""A disc on white."""
	picture = Image.new('RGB', size, 'white')
	ImageDraw.Draw(picture).ellipse((12 + shift, 12, 52 + shift, 52), fill=colour)
	return picture


class TestResemblance:
	def test_equal_pictures(self) -> None:
		"""1, whatever their mode."""
		assert resemblance(drawn(), drawn().convert('RGBA')) == pytest.approx(1.0)

	def test_noise_nobody_sees(self) -> None:
		"""Levels that are off by one leave it near 1."""
		assert resemblance(drawn(), drawn().point(lambda level: max(0, level - 1))) > 0.98

	def test_other_places_and_colours(self) -> None:
		"""A disc elsewhere, or of another colour though as light, is another picture."""
		assert resemblance(drawn(), drawn(shift=8)) < 0.9
		assert resemblance(drawn('#ff0000'), drawn('#008200')) < 0.9

	def test_further_is_less_alike(self) -> None:
		"""It falls with the distance."""
		assert (
			resemblance(drawn(), drawn(shift=1))
			> resemblance(drawn(), drawn(shift=4))
			> resemblance(drawn(), drawn(shift=12))
		)

	def test_transparency_lies_on_white(self) -> None:
		"""What is transparent is white."""
		clear = Image.new('RGBA', (16, 16), (255, 0, 0, 0))

		assert resemblance(clear, Image.new('RGB', (16, 16), 'white')) == pytest.approx(1.0)

	def test_other_sizes(self) -> None:
		"""They cannot be compared."""
		with pytest.raises(ValueError, match='cannot be compared'):
			resemblance(drawn(), drawn(size=(64, 65)))


class TestDifference:
	def test_three_pictures(self) -> None:
		"""Expected, got, and where they differ."""
		made = difference(drawn(), drawn(shift=8))

		assert made.size == (3 * 64 + 8, 64)
		assert made.getpixel((2 * 68 + 2, 2)) == (0, 0, 0)
		assert made.getpixel((2 * 68 + 15, 32)) != (0, 0, 0)

	def test_other_sizes_stand_side_by_side(self) -> None:
		"""Where nothing can be subtracted, both are shown."""
		assert difference(drawn(), drawn(size=(32, 80))).size == (64 + 4 + 32, 80)


class TestSimilarity:
	"""The structural similarity as it is defined."""

	def test_one_window(self) -> None:
		"""By the formula, with sample variances."""
		one, other = (np.random.default_rng(seed).uniform(0, 255, (8, 8)) for seed in (1, 2))
		c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
		covariance = np.cov(one.ravel(), other.ravel())
		expected = (
			(2 * one.mean() * other.mean() + c1)
			* (2 * covariance[0, 1] + c2)
			/ ((one.mean() ** 2 + other.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2))
		)

		assert structural_similarity(one, other) == pytest.approx(expected)

	def test_tiny_pictures(self) -> None:
		"""Less than a window, even one pixel, is compared too."""
		one = np.full((1, 1), 10.0)

		assert structural_similarity(one, one) == pytest.approx(1.0)
