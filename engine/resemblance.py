"""How much two pictures look alike in all their colours, and a picture of what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageOps

if TYPE_CHECKING:
	import numpy as np
	from numpy.typing import NDArray

	Levels = NDArray[np.float64]

WINDOW = 8
K1, K2 = 0.01, 0.03
GAP = 4
PAPER = (255, 255, 255)
AMPLIFIED = 4
"""What differs is shown so many times as strong."""


def resemblance(one: Image.Image, other: Image.Image) -> float:
	"""The structural similarity of two pictures of one size: 1 is equal, 0 has nothing in common.

	Of luma and both chromas of YCbCr, and the least of the three counts, so that a picture in other colours is another one.
	Transparency lies on white. `ValueError` if the sizes differ.
	"""
	import numpy as np

	if one.size != other.size:
		raise ValueError(f'Pictures of {one.size} and {other.size} cannot be compared.')
	first, second = (np.asarray(_opaque(picture).convert('YCbCr'), dtype=np.float64) for picture in (one, other))
	return min(structural_similarity(first[..., plane], second[..., plane]) for plane in range(3))


def structural_similarity(one: Levels, other: Levels) -> float:
	"""The mean over all windows of two pictures of one size, levels from 0 to 255; smaller pictures are one window.

	Wang, Bovik, Sheikh and Simoncelli, 2004, with windows of 8 by 8 pixels.
	"""
	import numpy as np

	side = min(WINDOW, *one.shape)
	count = side * side

	def means(values: Levels) -> Levels:
		sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
		found: Levels = (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / count
		return found

	mean_one, mean_other = means(one), means(other)
	sample = count / max(1, count - 1)
	variance_one = sample * (means(one * one) - mean_one**2)
	variance_other = sample * (means(other * other) - mean_other**2)
	covariance = sample * (means(one * other) - mean_one * mean_other)
	c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
	similarity = ((2 * mean_one * mean_other + c1) * (2 * covariance + c2)) / (
		(mean_one**2 + mean_other**2 + c1) * (variance_one + variance_other + c2)
	)
	return float(similarity.mean())


def difference(expected: Image.Image, got: Image.Image) -> Image.Image:
	"""Both pictures side by side, and what differs: its strength fourfold, white on black."""
	pictures = [_opaque(expected), _opaque(got)]
	if expected.size == got.size:
		levels = ImageChops.difference(*pictures)
		pictures.append(levels.point(lambda level: min(255, level * AMPLIFIED)))
	sheet = Image.new(
		'RGB',
		(sum(one.width for one in pictures) + GAP * (len(pictures) - 1), max(one.height for one in pictures)),
		PAPER,
	)
	left = 0
	for picture in pictures:
		sheet.paste(picture, (left, 0))
		left += picture.width + GAP
	return sheet


def _opaque(picture: Image.Image) -> Image.Image:
	upright = ImageOps.exif_transpose(picture)
	if 'A' not in upright.getbands() and 'transparency' not in upright.info:
		return upright.convert('RGB')
	paper = Image.new('RGBA', upright.size, (*PAPER, 255))
	return Image.alpha_composite(paper, upright.convert('RGBA')).convert('RGB')
