"""Growing and feathering masks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nodes.pixels.masks import feathered, grown, grown_for_inpainting, outpaint_mask


def dot(side: int = 7) -> Tensor:
	"""One element in the middle, [1, side, side]."""
	mask = torch.zeros(1, side, side)
	mask[0, side // 2, side // 2] = 1
	return mask


class TestGrown:
	"""Steps of one element each."""

	def test_tapered_is_a_diamond(self) -> None:
		"""Two steps: all within a city-block distance of 2."""
		made = grown(dot(), 2, tapered=True)[0]

		assert made.sum() == 13
		assert made[1].nonzero().flatten().tolist() == [3]

	def test_not_tapered_is_a_square(self) -> None:
		"""Two steps: five by five."""
		assert grown(dot(), 2, tapered=False)[0, 1:6, 1:6].sum() == 25
		assert grown(dot(), 2, tapered=False).sum() == 25

	@pytest.mark.parametrize('tapered', [True, False])
	def test_negative_shrinks(self, tapered: bool) -> None:
		"""Back to the dot; the border does not eat into a full mask."""
		large = grown(dot(), 2, tapered=tapered)

		assert torch.equal(grown(large, -2, tapered=tapered), dot())
		assert (grown(torch.ones(1, 4, 4), -3, tapered=tapered) == 1).all()

	@pytest.mark.parametrize('tapered', [True, False])
	def test_huge_steps_fill(self, tapered: bool) -> None:
		"""More steps than there are elements are no more work."""
		assert (grown(dot(), 16384, tapered=tapered) == 1).all()
		assert torch.equal(grown(dot(), 0, tapered=tapered), dot())

	def test_values_between_are_kept(self) -> None:
		"""It takes the largest, and rounds nothing."""
		assert grown(dot() * 0.3, 1, tapered=True).max().item() == pytest.approx(0.3)


class TestFeathered:
	def test_left_and_top(self) -> None:
		"""Rising from 1 / n, times each other in the corner."""
		made = feathered(torch.ones(1, 4, 4), 2, 4, 0, 0)[0]

		assert made[3].tolist() == [0.5, 1, 1, 1]
		assert made[:, 3].tolist() == [0.25, 0.5, 0.75, 1]
		assert made[0, 0] == 0.125

	def test_right_and_bottom_begin_one_early(self) -> None:
		"""The first rate is the opposite border's."""
		made = feathered(torch.ones(1, 5, 5), 0, 0, 4, 0)[0, 0]

		assert made.tolist() == [0.25, 1, 1, 0.75, 0.5]
		assert feathered(torch.ones(1, 5, 5), 0, 0, 0, 4)[0, :, 0].tolist() == [0.25, 1, 1, 0.75, 0.5]

	def test_more_than_there_is(self) -> None:
		"""At most over all of the mask; what came in stays as it is."""
		mask = torch.ones(1, 2, 2)

		assert feathered(mask, 100, 0, 0, 0)[0, 0].tolist() == [0.5, 1]
		assert (mask == 1).all()


class TestGrownForInpainting:
	def test_square_around(self) -> None:
		"""An odd square reaches the same to each side; 0 leaves the mask."""
		assert grown_for_inpainting(dot(), 3).sum() == 9
		assert torch.equal(grown_for_inpainting(dot(), 0), dot())

	def test_size_stays(self) -> None:
		"""Of an even square too."""
		made = grown_for_inpainting(dot(), 6)

		assert made.shape == (1, 7, 7)
		assert set(made.flatten().tolist()) == {0.0, 1.0}

	def test_values_are_rounded(self) -> None:
		"""What is masked by less than a half is not masked."""
		assert grown_for_inpainting(dot() * 0.4, 3).sum() == 0


class TestOutpaintMask:
	def test_new_is_masked(self) -> None:
		"""Without feathering the picture is not."""
		mask = outpaint_mask(4, 6, 1, 2, 3, 0, 0)

		assert mask.shape == (6, 10)
		assert mask[2:, 1:7].sum() == 0
		assert mask.sum() == 60 - 24

	def test_feathering_falls_by_the_square(self) -> None:
		"""From 1 at a side that grows; other sides are left alone."""
		inner = outpaint_mask(20, 20, 8, 0, 0, 0, 4)[:, 8:]

		assert inner[10].tolist()[:5] == [1, 0.5625, 0.25, 0.0625, 0]
		assert inner[0, 10:].sum() == 0
		right = outpaint_mask(20, 20, 0, 0, 8, 0, 4)[10, :20]
		assert right.tolist()[-4:] == [0, 0.0625, 0.25, 0.5625]

	def test_no_room_no_feathering(self) -> None:
		"""Where twice the feathering does not fit, there is none."""
		assert outpaint_mask(8, 8, 4, 4, 4, 4, 4)[4:12, 4:12].sum() == 0
