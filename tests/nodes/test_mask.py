"""Masks, as nodes."""

from __future__ import annotations

import pytest
import torch

from engine.errors import BadInput
from nodes import mask as masks
from nodes.values import Images, Mask


def counting(height: int = 2, width: int = 3) -> Mask:
	"""A mask that counts from 0, by 10."""
	return Mask((torch.arange(height * width) / 10).reshape(1, height, width))


class TestAndPictures:
	def test_there_and_back(self) -> None:
		"""A grey picture, and any of its colours."""
		image = masks.to_image(counting())

		assert image.pixels.shape == (1, 2, 3, 3)
		assert torch.equal(masks.from_image(image, 'green').values, counting().values)

	def test_alpha(self) -> None:
		"""The channel itself; pictures without one are refused."""
		image = Images(torch.rand(1, 2, 2, 4))

		assert torch.equal(masks.from_image(image, 'alpha').values, image.pixels[..., 3])
		with pytest.raises(BadInput, match='3 channels'):
			masks.from_image(Images(image.pixels[..., :3]), 'alpha')

	def test_colour(self) -> None:
		"""Exactly that one, in levels of 255."""
		pixels = torch.tensor([[[[1.0, 0.0, 0.2], [1.0, 0.0, 0.21], [9.0, -1.0, 0.2005]]]])

		assert masks.from_colour(Images(pixels), 0xFF0033).values.tolist() == [[[1, 0, 1]]]


class TestValues:
	def test_solid(self) -> None:
		"""One mask of one value."""
		made = masks.solid(0.25, 3, 2).values

		assert made.shape == (1, 2, 3)
		assert (made == 0.25).all()

	def test_invert(self) -> None:
		"""One less the value."""
		assert torch.equal(masks.invert(counting()).values, 1 - counting().values)

	def test_threshold(self) -> None:
		"""What is above, not what is equal."""
		assert masks.threshold(Mask(torch.tensor([[[0.25, 0.5, 0.75]]])), 0.5).values.tolist() == [[[0, 0, 1]]]

	def test_crop(self) -> None:
		"""As far as it reaches."""
		assert (masks.crop(counting(), 1, 0, 9, 1).values * 10).tolist() == [[[1, 2]]]

	def test_grow_and_feather(self) -> None:
		"""With their parameters in their places."""
		dot = Mask(torch.zeros(1, 5, 5))
		dot.values[0, 2, 2] = 1

		assert masks.grow(dot, 1, True).values.sum() == 5
		assert masks.grow(dot, 1, False).values.sum() == 9
		assert masks.feather(masks.solid(1, 4, 4), 0, 2, 0, 0).values[0, :, 3].tolist() == [0.5, 1, 1, 1]


class TestComposite:
	def test_place(self) -> None:
		"""Where the source lies on the destination; the rest stays."""
		made = masks.composite(masks.solid(0.25, 4, 2), masks.solid(0.5, 2, 2), 3, 1, 'add').values

		assert made[0].tolist() == [[0.25] * 4, [0.25, 0.25, 0.25, 0.75]]

	def test_outside(self) -> None:
		"""Nothing is changed there."""
		destination = masks.solid(0.25, 4, 2)

		assert torch.equal(masks.composite(destination, masks.solid(1, 2, 2), 9, 9, 'add').values, destination.values)

	def test_values_are_cut(self) -> None:
		"""To 0 and 1."""
		one = masks.solid(1, 1, 1)

		assert masks.composite(one, one, 0, 0, 'add').values.item() == 1
		assert masks.composite(masks.solid(0, 1, 1), one, 0, 0, 'subtract').values.item() == 0

	def test_batches(self) -> None:
		"""One source is for all; another number is refused."""
		three = Mask(torch.zeros(3, 2, 2))

		assert masks.composite(three, masks.solid(1, 2, 2), 0, 0, 'or').values.sum() == 12
		with pytest.raises(BadInput, match='1 or 3 masks'):
			masks.composite(three, Mask(torch.zeros(2, 2, 2)), 0, 0, 'or')
