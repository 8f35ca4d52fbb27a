"""Canny's edges."""

from __future__ import annotations

import torch

from nodes.pixels.edges import canny


class TestCanny:
	def test_a_step_is_one_line(self) -> None:
		"""Thin, along all of the step, beside it."""
		slanted = torch.zeros(1, 16, 16, 3)
		for row in range(16):
			slanted[:, row, row:] = 1
		edges = canny(slanted, 0.4, 0.8)[0]

		assert set(edges.flatten().tolist()) == {0.0, 1.0}
		assert edges.sum(1)[3:-3].max() <= 2
		assert edges.sum(1)[3:-3].min() >= 1

	def test_flat_pictures_have_none(self) -> None:
		"""Whatever their brightness."""
		assert canny(torch.full((1, 8, 8, 3), 0.7), 0.01, 0.02).sum() == 0

	def test_brightness_counts(self) -> None:
		"""Blue is darker than green: a step in blue alone is weaker than one in green."""
		blue, green = torch.zeros(2, 1, 16, 16, 3)
		for row in range(16):
			blue[:, row, row:, 2] = 0.3
			green[:, row, row:, 1] = 0.3

		assert canny(blue, 0.3, 0.4).sum() == 0
		assert canny(green, 0.3, 0.4).sum() > 0

	def test_weak_edges_need_a_strong_one(self) -> None:
		"""An edge that grows weaker is followed; one that is weak all along is none."""
		falling = torch.zeros(1, 32, 32, 3)
		for row in range(32):
			falling[:, row, 8 + row // 4 :] = 1 - row / 40
		strong = canny(falling, 0.99 * 2, 0.99 * 2)
		both = canny(falling, 0.3, 0.99 * 2)
		weak = canny(falling[:, 24:], 0.3, 0.99 * 2)

		assert 0 < strong.sum() < both.sum()
		assert both[:, 26:30].sum() > 0
		assert weak.sum() == 0
