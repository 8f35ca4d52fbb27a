"""Single pictures: made, cut, turned, extended, measured, and batches of them."""

from __future__ import annotations

import pytest
import torch

from engine.context import Context
from nodes import image_edit
from nodes.values import Images


def grid(height: int = 2, width: int = 3) -> Images:
	"""A picture whose pixels count from 0, by 10."""
	return Images((torch.arange(height * width) / 10).reshape(1, height, width, 1).repeat(1, 1, 1, 3))


def rows(images: Images) -> list[list[float]]:
	"""The first channel of the first picture, times ten."""
	found: list[list[float]] = (images.pixels[0, :, :, 0] * 10).round().tolist()
	return found


class TestEmpty:
	def test_colour(self) -> None:
		"""Red, green and blue from 0xRRGGBB."""
		made = image_edit.empty_image(3, 2, 2, 0xFF0033).pixels

		assert made.shape == (2, 2, 3, 3)
		assert made[1, 1, 2].tolist() == pytest.approx([1, 0, 0.2])


class TestTurning:
	def test_flip(self) -> None:
		"""Upside down, or left to right."""
		assert rows(image_edit.flip(grid(), 'x-axis: vertically')) == [[3, 4, 5], [0, 1, 2]]
		assert rows(image_edit.flip(grid(), 'y-axis: horizontally')) == [[2, 1, 0], [5, 4, 3]]

	def test_rotate(self) -> None:
		"""Clockwise."""
		assert rows(image_edit.rotate(grid(), '90 degrees')) == [[3, 0], [4, 1], [5, 2]]
		assert rows(image_edit.rotate(grid(), '180 degrees')) == [[5, 4, 3], [2, 1, 0]]
		assert rows(image_edit.rotate(grid(), '270 degrees')) == [[2, 5], [1, 4], [0, 3]]
		assert rows(image_edit.rotate(grid(), 'none')) == rows(grid())

	def test_invert(self) -> None:
		"""One less the value."""
		assert rows(image_edit.invert(grid())) == [[10, 9, 8], [7, 6, 5]]


class TestCrop:
	def test_as_far_as_it_reaches(self) -> None:
		"""At least a pixel is left, wherever it begins."""
		assert rows(image_edit.crop(grid(), 2, 1, 1, 1)) == [[4, 5]]
		assert rows(image_edit.crop(grid(), 9, 9, 1, 0)) == [[1, 2], [4, 5]]
		assert rows(image_edit.crop(grid(), 9, 9, 99, 99)) == [[5]]


class TestPad:
	def test_grey_margin(self) -> None:
		"""The picture in its place, grey around it, and the mask of what is new."""
		made = image_edit.pad_for_outpaint(grid(), 8, 0, 0, 16, 40)

		assert made.IMAGE.pixels.shape == (1, 18, 11, 3)
		assert torch.equal(made.IMAGE.pixels[:, :2, 8:], grid().pixels)
		assert (made.IMAGE.pixels[:, 2:] == 0.5).all()
		assert made.MASK.values.shape == (1, 18, 11)
		assert made.MASK.values.sum() == 18 * 11 - 6

	def test_batches(self) -> None:
		"""All pictures have one mask; alpha is padded like colours."""
		made = image_edit.pad_for_outpaint(Images(torch.rand(3, 4, 4, 4)), 8, 8, 8, 8, 0)

		assert made.IMAGE.pixels.shape == (3, 20, 20, 4)
		assert made.MASK.values.shape == (1, 20, 20)


class TestSize:
	def test_counts(self, context: Context) -> None:
		"""Width, height, pictures."""
		assert image_edit.get_size(context, Images(torch.rand(2, 3, 4, 3))) == (4, 3, 2)


class TestBatches:
	def batch(self, count: int) -> Images:
		"""Pictures that tell their number."""
		return Images(torch.arange(float(count)).reshape(count, 1, 1, 1).repeat(1, 1, 1, 3))

	def numbers(self, images: Images) -> list[float]:
		"""Which ones they are."""
		return images.pixels[:, 0, 0, 0].tolist()

	def test_repeat(self) -> None:
		"""All, then all again."""
		assert self.numbers(image_edit.repeat(self.batch(2), 2)) == [0, 1, 0, 1]

	def test_from_batch(self) -> None:
		"""As far as there are so many; beyond the last there is the last."""
		assert self.numbers(image_edit.from_batch(self.batch(4), 1, 2)) == [1, 2]
		assert self.numbers(image_edit.from_batch(self.batch(4), 3, 9)) == [3]
		assert self.numbers(image_edit.from_batch(self.batch(4), 9, 1)) == [3]

	def test_rebatch(self) -> None:
		"""Across the borders of what came."""
		made = image_edit.rebatch([self.batch(2), self.batch(3)], 2)

		assert [self.numbers(images) for images in made] == [[0, 1], [0, 1], [2]]


class TestNoise:
	def test_seeded(self) -> None:
		"""The same for the same seed, and within 0 to 1."""
		grey = Images(torch.full((1, 64, 64, 3), 0.5))
		one, again, other = (image_edit.add_noise(grey, seed, 0.1).pixels for seed in (5, 5, 2**64 - 1))

		assert torch.equal(one, again)
		assert not torch.equal(one, other)
		assert (one - 0.5).std().item() == pytest.approx(0.1, rel=0.05)
		assert image_edit.add_noise(grey, 1, 1.0).pixels.max() == 1
