"""Pictures and masks of another size."""

from __future__ import annotations

import pytest
import torch

from engine.errors import BadInput
from nodes import image_scale
from nodes.image_scale import (
	ByFactor,
	Rule,
	ToHeight,
	ToLonger,
	ToMatch,
	ToMultiple,
	ToPixels,
	ToShorter,
	ToSize,
	ToWidth,
)
from nodes.pixels.scale import resize_pictures
from nodes.values import Images, Mask


def pictures(width: int, height: int, channels: int = 3) -> Images:
	"""Two pictures of noise."""
	return Images(torch.rand(2, height, width, channels))


def size(images: Images) -> tuple[int, int]:
	"""Width and height."""
	return images.pixels.shape[2], images.pixels.shape[1]


class TestScale:
	"""ImageScale and ImageScaleBy."""

	@pytest.mark.parametrize('method', image_scale.METHODS)
	def test_methods(self, method: str) -> None:
		"""All give the size asked for, and what the library gives."""
		images = pictures(8, 6, 4)
		made = image_scale.scale(images, method, 5, 4, 'center')

		assert size(made) == (5, 4)
		assert torch.equal(made.pixels, resize_pictures(images.pixels, 5, 4, method, 'center'))

	def test_zero_keeps_the_aspect(self) -> None:
		"""Both 0 keep the picture."""
		images = pictures(20, 10)

		assert size(image_scale.scale(images, 'area', 0, 5, 'disabled')) == (10, 5)
		assert size(image_scale.scale(images, 'area', 5, 0, 'disabled')) == (5, 2)
		assert image_scale.scale(images, 'area', 0, 0, 'disabled') is images

	def test_by_a_factor(self) -> None:
		"""Rounded as Python rounds: halves to even."""
		assert size(image_scale.scale_by(pictures(5, 7), 'bilinear', 0.5)) == (2, 4)

	def test_nothing_left(self) -> None:
		"""A picture of no pixels is refused, with the size that it would have."""
		with pytest.raises(BadInput, match='0 × 1'):
			image_scale.scale_by(pictures(2, 100), 'bilinear', 0.01)
		with pytest.raises(BadInput):
			image_scale.scale_to_max_dimension(pictures(4, 4), 'area', 0)


class TestSizesThatFollow:
	"""Nodes that work out the size themselves."""

	def test_total_pixels(self) -> None:
		"""In the picture's own aspect, in multiples if asked."""
		images = pictures(200, 100)

		assert size(image_scale.scale_to_total_pixels(images, 'area', 0.01)) == (145, 72)
		assert size(image_scale.scale_to_total_pixels(images, 'area', 0.01, 16)) == (144, 80)

	def test_max_dimension(self) -> None:
		"""The longer side is what is asked for."""
		assert size(image_scale.scale_to_max_dimension(pictures(20, 10), 'lanczos', 7)) == (7, 4)
		assert size(image_scale.scale_to_max_dimension(pictures(10, 20), 'lanczos', 7)) == (4, 7)

	@pytest.mark.parametrize(
		('asked', 'expected'), [((100, 100), (1024, 1024)), ((160, 90), (1392, 752)), ((30, 300), (672, 1568))]
	)
	def test_kontext(self, asked: tuple[int, int], expected: tuple[int, int]) -> None:
		"""The nearest aspect of those that Flux Kontext knows."""
		assert size(image_scale.scale_for_kontext(pictures(*asked))) == expected

	def test_padding(self) -> None:
		"""All of the picture is in the middle, and white or black around it."""
		made = image_scale.resize_and_pad(Images(torch.full((1, 2, 4, 3), 0.5)), 8, 8, 'white', 'nearest-exact').pixels

		assert made.shape == (1, 8, 8, 3)
		assert (made[0, 2:6] == 0.5).all()
		assert (made[0, :2] == 1).all()
		assert (made[0, 6:] == 1).all()


RULES: list[tuple[Rule, tuple[int, int]]] = [
	(ToSize(10, 10, 'center'), (10, 10)),
	(ToSize(0, 10, 'disabled'), (20, 10)),
	(ToSize(0, 0, 'disabled'), (40, 20)),
	(ByFactor(0.25), (10, 5)),
	(ToLonger(10), (10, 5)),
	(ToShorter(10), (20, 10)),
	(ToWidth(10), (10, 5)),
	(ToHeight(10), (20, 10)),
	(ToWidth(0), (40, 20)),
	(ToPixels(0.01), (145, 72)),
	(ToMatch(Mask(torch.zeros(1, 7, 9)), 'center'), (9, 7)),
	(ToMatch(Images(torch.zeros(1, 7, 9, 3)), 'disabled'), (9, 7)),
	(ToMultiple(16), (32, 16)),
]


class TestRules:
	"""ResizeImageMaskNode."""

	@pytest.mark.parametrize(('rule', 'expected'), RULES)
	def test_pictures_and_masks(self, rule: Rule, expected: tuple[int, int]) -> None:
		"""Of 40 × 20; masks by the same rules."""
		images, masks = pictures(40, 20), Mask(torch.rand(2, 20, 40))
		made = image_scale.resize_image_or_mask(images, rule, 'lanczos')
		mask = image_scale.resize_image_or_mask(masks, rule, 'bilinear')

		assert size(made) == expected
		assert mask.values.shape == (2, expected[1], expected[0])

	def test_each_rule_is_tested(self) -> None:
		"""No key goes without a size."""
		assert {type(rule) for rule, _ in RULES} == set(image_scale.RULES.values())
