"""Filters, as nodes: the mathematics is tested by itself."""

from __future__ import annotations

import pytest
import torch

from engine.errors import BadInput
from nodes import image_filter
from nodes.pixels import edges, filters
from nodes.values import Images

NOISE = Images(torch.rand(2, 12, 10, 3))


class TestFilters:
	def test_each_calls_its_own(self) -> None:
		"""With its parameters in their places."""
		assert torch.equal(image_filter.blur(NOISE, 2, 0.5).pixels, filters.blur(NOISE.pixels, 2, 0.5))
		assert torch.equal(image_filter.sharpen(NOISE, 2, 0.5, 0.3).pixels, filters.sharpen(NOISE.pixels, 2, 0.5, 0.3))
		assert torch.equal(
			image_filter.quantise(NOISE, 4, 'bayer-4').pixels, filters.quantise(NOISE.pixels, 4, 'bayer-4')
		)

	def test_operations_are_those_of_the_library(self) -> None:
		"""None is missing."""
		assert set(image_filter.OPERATIONS) == set(filters.MORPHOLOGY)
		assert torch.equal(
			image_filter.morphology(NOISE, 'close', 3).pixels, filters.morphology(NOISE.pixels, 'close', 3)
		)

	def test_edges_are_grey_pictures(self) -> None:
		"""Three channels alike."""
		made = image_filter.canny(NOISE, 0.2, 0.4).pixels

		assert made.shape == NOISE.pixels.shape
		assert torch.equal(made[..., 2], edges.canny(NOISE.pixels, 0.2, 0.4))

	def test_too_small_for_the_radius(self) -> None:
		"""A border that cannot be mirrored is refused, with the sizes."""
		with pytest.raises(BadInput, match='more than 10 pixels, got 10 × 12'):
			image_filter.blur(NOISE, 10, 1.0)
		with pytest.raises(BadInput):
			image_filter.sharpen(NOISE, 12, 1.0, 1.0)
		with pytest.raises(BadInput):
			image_filter.canny(Images(torch.rand(1, 2, 9, 3)), 0.1, 0.2)
