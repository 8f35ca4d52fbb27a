"""Several pictures into one."""

from __future__ import annotations

import pytest
import torch

from nodes import image_combine
from nodes.pixels.blend import MODES
from nodes.pixels.compose import PORTER_DUFF
from nodes.values import Images, Mask


def flat(level: float, *, width: int = 4, height: int = 4, channels: int = 3, batch: int = 1) -> Images:
	"""Pictures of one level."""
	return Images(torch.full((batch, height, width, channels), float(level)))


class TestBatch:
	def test_two(self) -> None:
		"""The second is like the first."""
		made = image_combine.batch(flat(0), flat(1, width=8, height=8, batch=2)).pixels

		assert made.shape == (3, 4, 4, 3)
		assert made[:, 0, 0, 0].tolist() == [0, 1, 1]

	def test_any_number(self) -> None:
		"""In the order of their names."""
		made = image_combine.batch_all({'image0': flat(0.5), 'image1': flat(0), 'image3': flat(1, channels=4)}).pixels

		assert made.shape == (3, 4, 4, 4)
		assert made[:, 0, 0, 0].tolist() == [0.5, 0, 1]


class TestBlend:
	def test_modes_are_those_of_the_library(self) -> None:
		"""None is missing."""
		assert set(image_combine.MODES) == set(MODES)

	def test_the_second_is_fitted(self) -> None:
		"""Another size, and alpha that the first has not."""
		made = image_combine.blend(flat(0.5), flat(1, width=9, height=3, channels=4), 0.5, 'multiply').pixels

		assert made.shape == (1, 4, 4, 3)
		assert torch.allclose(made, torch.tensor(0.5))


class TestComposite:
	def test_paste(self) -> None:
		"""Where the mask is, at its place; alpha that is missing is opaque."""
		mask = Mask(torch.tensor([[[1.0, 0.0]]]))
		made = image_combine.composite_masked(flat(0, channels=4), flat(1, width=2, height=1), 2, 3, False, mask).pixels

		assert made.nonzero().tolist() == [[0, 3, 2, channel] for channel in range(4)]

	def test_resize(self) -> None:
		"""The source covers all, without a mask."""
		assert (image_combine.composite_masked(flat(0), flat(1, width=2), 0, 0, True).pixels == 1).all()


class TestPorterDuff:
	def test_operators_are_those_of_the_library(self) -> None:
		"""None is missing."""
		assert set(image_combine.OPERATORS) == set(PORTER_DUFF)

	def test_masks_are_the_other_way_round(self) -> None:
		"""What is masked is transparent; what comes out is such a mask too."""
		clear, opaque = Mask(torch.ones(1, 4, 4)), Mask(torch.zeros(1, 4, 4))
		made = image_combine.porter_duff(flat(1), clear, flat(0.25), opaque, 'SRC_OVER')
		nothing = image_combine.porter_duff(flat(1), clear, flat(0.25), opaque, 'SRC')

		assert (made.IMAGE.pixels == 0.25).all()
		assert (made.MASK.values == 0).all()
		assert (nothing.MASK.values == 1).all()

	def test_sizes_and_batches(self) -> None:
		"""Everything is as large as the destination, and as many as the fewest."""
		made = image_combine.porter_duff(
			flat(1, width=8, batch=3),
			Mask(torch.zeros(2, 5, 5)),
			flat(0, width=6, batch=3),
			Mask(torch.zeros(3, 2, 2)),
			'SRC',
		)

		assert made.IMAGE.pixels.shape == (2, 4, 6, 3)
		assert made.MASK.values.shape == (2, 4, 6)
		assert torch.allclose(made.IMAGE.pixels, torch.tensor(1.0))


class TestAlpha:
	def test_there_and_back(self) -> None:
		"""Joined and split again."""
		mask = Mask(torch.rand(1, 4, 4))
		joined = image_combine.join_alpha(flat(0.5), mask)
		split = image_combine.split_alpha(joined)

		assert torch.allclose(joined.pixels[..., 3], 1 - mask.values)
		assert (split.IMAGE.pixels == 0.5).all()
		assert torch.allclose(split.MASK.values, mask.values)

	def test_no_alpha(self) -> None:
		"""Nothing is transparent."""
		assert (image_combine.split_alpha(flat(1)).MASK.values == 0).all()

	def test_batches(self) -> None:
		"""The shorter one is repeated; masks of another size are stretched."""
		assert image_combine.join_alpha(flat(1, channels=4), Mask(torch.zeros(3, 2, 2))).pixels.shape == (3, 4, 4, 4)
		assert image_combine.join_alpha(flat(1, batch=2), Mask(torch.zeros(1, 4, 4))).pixels.shape == (2, 4, 4, 4)


class TestStitch:
	"""A picture beside another one."""

	@pytest.mark.parametrize(
		('direction', 'line'),
		[('right', [0, 1]), ('left', [1, 0]), ('down', [0, 1]), ('up', [1, 0])],
	)
	def test_directions(self, direction: str, line: list[float]) -> None:
		"""Along the width or the height."""
		made = image_combine.stitch(
			flat(0, width=1, height=1), direction, True, 0, 'white', flat(1, width=1, height=1)
		).pixels

		assert made.flatten(0, 2)[:, 0].tolist() == line
		assert made.shape[1:3] == ((1, 2) if direction in ('left', 'right') else (2, 1))

	def test_matching_sizes(self) -> None:
		"""The second is scaled in its own aspect to the side that they share."""
		assert image_combine.stitch(flat(0), 'right', True, 0, 'white', flat(1, width=16, height=8)).pixels.shape == (
			1,
			4,
			12,
			3,
		)
		assert image_combine.stitch(flat(0), 'down', True, 0, 'white', flat(1, width=16, height=8)).pixels.shape == (
			1,
			6,
			4,
			3,
		)

	def test_centred(self) -> None:
		"""Of sizes that need not match, the smaller is in the middle, with white or black around."""
		white = image_combine.stitch(flat(0.5), 'right', False, 0, 'white', flat(0.5, width=2, height=2)).pixels
		black = image_combine.stitch(flat(0.5), 'right', False, 0, 'red', flat(0.5, width=2, height=2)).pixels

		assert white[0, :, 5, 0].tolist() == [1, 0.5, 0.5, 1]
		assert black[0, :, 5, 0].tolist() == [0, 0.5, 0.5, 0]

	def test_spacing(self) -> None:
		"""An even number of pixels of a colour; with alpha it is opaque."""
		made = image_combine.stitch(flat(0, channels=4), 'right', True, 3, 'green', flat(0)).pixels

		assert made.shape == (1, 4, 12, 4)
		assert made[0, 0, 4:8].tolist() == [[0, 1, 0, 1]] * 4

	def test_batches(self) -> None:
		"""The last picture of the shorter one stays."""
		two = Images(torch.tensor([0.25, 0.5]).reshape(2, 1, 1, 1).expand(2, 4, 4, 3))
		made = image_combine.stitch(two, 'right', True, 0, 'white', flat(0, batch=3)).pixels

		assert made[:, 0, 0, 0].tolist() == [0.25, 0.5, 0.5]

	def test_alone(self) -> None:
		"""Without a second one the first goes on."""
		image = flat(0)

		assert image_combine.stitch(image, 'right', True, 4, 'white') is image
