"""Resizing: methods, cropping, and the rules by which sizes follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from nodes.pixels.scale import (
	bislerp,
	by_longer_side,
	by_pixels,
	by_shorter_side,
	lanczos,
	missing_side,
	resize,
	resize_masks,
	resize_pictures,
	to_multiple,
)


def ramp(height: int, width: int) -> Tensor:
	"""[1, 1, h, w] that counts its elements from 0."""
	return torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width)


class TestResize:
	"""Torch's methods without antialiasing, at half-pixel centres."""

	def test_nearest_exact_takes_the_element_under_the_centre(self) -> None:
		"""Of five elements made three, those at 0.83, 2.5 and 4.17."""
		assert resize(ramp(1, 5), 3, 1, 'nearest-exact').flatten().tolist() == [0, 2, 4]

	def test_bilinear_weighs_by_distance(self) -> None:
		"""Twice as wide: quarter steps, and the border repeats."""
		made = resize(ramp(1, 3), 6, 1, 'bilinear').flatten().tolist()

		assert made == [0.0, 0.25, 0.75, 1.25, 1.75, 2.0]

	def test_bilinear_is_not_antialiased(self) -> None:
		"""A quarter as wide looks at two elements only."""
		assert resize(ramp(1, 8), 2, 1, 'bilinear').flatten().tolist() == [1.5, 5.5]

	def test_area_is_the_mean(self) -> None:
		"""Of all that an element covers."""
		assert resize(ramp(2, 4), 2, 1, 'area').flatten().tolist() == [2.5, 4.5]

	def test_bicubic_overshoots(self) -> None:
		"""By the kernel of a = −0.75, values beside a step go beyond it."""
		step = torch.tensor([0.0, 0.0, 1.0, 1.0]).reshape(1, 1, 1, 4)
		made = resize(step, 8, 1, 'bicubic')

		assert made.min() < 0
		assert made.max() > 1

	def test_videos_are_frames(self) -> None:
		"""A fifth dimension, before height and width, is left as it is."""
		video = torch.rand(2, 3, 4, 6, 6)
		made = resize(video, 3, 3, 'area')

		assert made.shape == (2, 3, 4, 3, 3)
		assert torch.equal(made[1, :, 2], resize(video[1:, :, 2], 3, 3, 'area')[0])

	def test_pictures_and_masks_have_their_own_order(self) -> None:
		"""[batch, h, w, channels] and [batch, h, w]."""
		pixels = torch.rand(2, 4, 6, 3)

		assert resize_pictures(pixels, 3, 2, 'area').shape == (2, 2, 3, 3)
		assert torch.equal(resize_masks(pixels[..., 1], 3, 2, 'area'), resize_pictures(pixels, 3, 2, 'area')[..., 1])


class TestCrop:
	"""'center' cuts off what the new aspect has no room for, the same on both sides."""

	def test_wide_becomes_square(self) -> None:
		"""Of 2 × 6, the middle 2 × 2."""
		assert resize(ramp(2, 6), 2, 2, 'nearest-exact', 'center').flatten().tolist() == [2, 3, 8, 9]

	def test_high_becomes_square(self) -> None:
		"""Of 4 × 2, the middle 2 × 2."""
		assert resize(ramp(4, 2), 2, 2, 'nearest-exact', 'center').flatten().tolist() == [2, 3, 4, 5]

	def test_half_pixels_round_to_even(self) -> None:
		"""Of 1 × 8 to an aspect of 3, (8 − 3) / 2 = 2.5 is cut as 2 on each side; the four left are stretched."""
		assert resize(ramp(1, 8), 3, 1, 'area', 'center').shape == (1, 1, 1, 3)
		assert resize(ramp(1, 8), 3, 1, 'nearest-exact', 'center').flatten().tolist() == [2, 4, 5]

	def test_disabled_stretches(self) -> None:
		"""The borders stay."""
		assert resize(ramp(1, 6), 2, 1, 'nearest-exact').flatten().tolist() == [1, 4]


class TestLanczos:
	"""As Pillow does it, on 8-bit levels."""

	def test_it_is_pillow(self) -> None:
		"""Levels are cut down, not rounded, before; and are by 255 after."""
		pixels = torch.rand(1, 3, 9, 7)
		levels = (pixels[0] * 255).to(torch.uint8).movedim(0, -1).numpy()
		expected = np.asarray(Image.fromarray(levels).resize((5, 4), Image.Resampling.LANCZOS))

		assert torch.equal(lanczos(pixels, 5, 4)[0].movedim(0, -1), torch.from_numpy(expected.copy()).float() / 255)

	@pytest.mark.parametrize('channels', [1, 3, 4])
	def test_channels(self, channels: int) -> None:
		"""Masks, colours, and colours with alpha; values outside are cut."""
		made = lanczos(torch.full((2, channels, 4, 4), 1.5), 8, 8)

		assert made.shape == (2, channels, 8, 8)
		assert (made == 1).all()


class TestBislerp:
	"""Directions turn, lengths change evenly."""

	def test_halfway_between_right_angles(self) -> None:
		"""From (3, 0) to (0, 1): the middle is at 45 degrees, of length 2; a straight line would give 1.58."""
		samples = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)
		made = bislerp(samples, 3, 1)[0, :, 0]

		assert torch.allclose(made[:, 1], torch.full((2,), 2 / math.sqrt(2)), atol=1e-6)

	def test_constant_stays(self) -> None:
		"""Equal vectors are left as they are, zeros too."""
		for value in (0.7, 0.0):
			assert torch.equal(bislerp(torch.full((1, 4, 5, 3), value), 7, 9), torch.full((1, 4, 9, 7), value))

	def test_opposite_vectors_pass_through_nothing(self) -> None:
		"""There is no direction between them: the line is taken."""
		samples = torch.tensor([[1.0, -1.0]]).reshape(1, 1, 1, 2)

		assert torch.allclose(bislerp(samples, 3, 1).flatten(), torch.tensor([1.0, 0.0, -1.0]), atol=1e-6)

	def test_one_channel_of_one_sign_is_bilinear(self) -> None:
		"""All point the same way; elements are then taken from the left one, as `PARALLEL` says."""
		made = bislerp(ramp(1, 3) + 1, 6, 1)

		assert made.flatten().tolist() == [1, 1, 1, 2, 2, 3]

	def test_precision_is_kept(self) -> None:
		"""It is worked out in float32 and given back as it came."""
		assert bislerp(torch.rand(1, 4, 4, 4).half(), 8, 8).dtype == torch.float16


class TestSizes:
	"""Sizes that follow from others, rounded as Python rounds."""

	@pytest.mark.parametrize(
		('asked', 'expected'), [((0, 50), (100, 50)), ((50, 0), (50, 25)), ((30, 40), (30, 40)), ((0, 1), (2, 1))]
	)
	def test_missing_side(self, asked: tuple[int, int], expected: tuple[int, int]) -> None:
		"""0 is what the aspect of 200 × 100 wants; at least 1."""
		assert missing_side(*asked, (100, 200)) == expected

	def test_by_pixels(self) -> None:
		"""A megapixel is 1024 × 1024; sides may have to be multiples."""
		assert by_pixels(2048, 512, 1.0) == (2048, 512)
		assert by_pixels(512, 512, 1.0) == (1024, 1024)
		assert by_pixels(1000, 700, 0.5) == (865, 606)
		assert by_pixels(1000, 700, 0.5, 64) == (896, 576)

	@pytest.mark.parametrize(
		('size', 'longer', 'shorter'),
		[((400, 100), (200, 50), (800, 200)), ((100, 400), (50, 200), (200, 800)), ((7, 7), (200, 200), (200, 200))],
	)
	def test_by_a_side(self, size: tuple[int, int], longer: tuple[int, int], shorter: tuple[int, int]) -> None:
		"""The longer or the shorter one becomes 200."""
		assert by_longer_side(*size, 200) == longer
		assert by_shorter_side(*size, 200) == shorter

	def test_to_multiple(self) -> None:
		"""The size is covered, and what stands over is cut off on both sides."""
		assert to_multiple(ramp(17, 30), 8, 'area').shape == (1, 1, 16, 24)
		assert torch.equal(to_multiple(ramp(16, 24), 8, 'area'), ramp(16, 24))
		assert torch.equal(to_multiple(ramp(4, 24), 8, 'area'), ramp(4, 24))
		# 24/30 of the width is less than 16/17 of the height, so the height decides: 28 columns, of which 2 go on each side.
		wide = resize(ramp(17, 30), math.ceil(30 * 16 / 17), 16, 'bilinear')
		assert torch.equal(to_multiple(ramp(17, 30), 8, 'bilinear'), wide[..., 2:26])
