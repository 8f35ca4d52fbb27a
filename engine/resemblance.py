"""How much two pictures look alike in all their colours, and a picture of what differs."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageOps

from engine.likeness import structural_similarity

GAP = 4
PAPER = (255, 255, 255)
AMPLIFIED = 4
"""What differs is shown so many times as strong."""


def resemblance(one: Image.Image, other: Image.Image) -> float:
	"""The structural similarity of two pictures of one size: 1 is equal, 0 has nothing in common.

	Of luma and both chromas of YCbCr, and the least of the three counts, so that a picture in other colours is another one.
	Transparency lies on white. `ValueError` if the sizes differ.
	"""
	import numpy

	if one.size != other.size:
		raise ValueError(f'Pictures of {one.size} and {other.size} cannot be compared.')
	first, second = (numpy.asarray(_opaque(picture).convert('YCbCr'), dtype=numpy.float64) for picture in (one, other))
	return min(structural_similarity(first[..., plane], second[..., plane]) for plane in range(3))


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
