"""Filters of pictures."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Choice, Number
from engine.errors import BadInput
from engine.spec import node
from nodes.known import as_input
from nodes.values import Images

SAME = as_input('IMAGE', 'image')
DITHERS = ('none', 'floyd-steinberg', 'bayer-2', 'bayer-4', 'bayer-8', 'bayer-16')
OPERATIONS = ('erode', 'dilate', 'open', 'close', 'gradient', 'bottom_hat', 'top_hat')
Threshold = Number(default=0.4, min=0.01, max=0.99, step=0.01)


@node(kind='ImageBlur', category='image/postprocessing', facts=SAME)
def blur(
	image: Annotated[Images, 'The pictures.'],
	blur_radius: Annotated[int, Number(default=1, min=1, max=31, step=1), 'Pixels to each side that count.'],
	sigma: Annotated[float, Number(default=1.0, min=0.1, max=10.0, step=0.1), 'Standard deviation; the radius is 1.'],
) -> Images:
	"""A Gaussian blur. The border is mirrored."""
	from nodes.pixels import filters

	return Images(filters.blur(_larger(image, blur_radius).pixels, blur_radius, sigma))


@node(kind='ImageSharpen', category='image/postprocessing', facts=SAME)
def sharpen(
	image: Annotated[Images, 'The pictures.'],
	sharpen_radius: Annotated[int, Number(default=1, min=1, max=31, step=1), 'Pixels to each side that count.'],
	sigma: Annotated[float, Number(default=1.0, min=0.1, max=10.0, step=0.01), 'Standard deviation; the radius is 1.'],
	alpha: Annotated[float, Number(default=1.0, min=0.0, max=5.0, step=0.01), 'How strongly.'],
) -> Images:
	"""Sharpen pictures by an unsharp mask. The border is mirrored."""
	from nodes.pixels import filters

	return Images(filters.sharpen(_larger(image, sharpen_radius).pixels, sharpen_radius, sigma, alpha))


@node(kind='ImageQuantize', category='image/postprocessing', lane='cpu', facts=SAME)
def quantise(
	image: Annotated[Images, 'The pictures.'],
	colors: Annotated[int, Number(default=256, min=1, max=256, step=1), 'How many colours remain.'],
	dither: Annotated[str, Choice(options=DITHERS), 'How colours in between are feigned.'],
) -> Images:
	"""Reduce the colours of each picture."""
	from nodes.pixels import filters

	return Images(filters.quantise(image.pixels, colors, dither))


@node(kind='Morphology', title='ImageMorphology', category='image/postprocessing', facts=SAME)
def morphology(
	image: Annotated[Images, 'The pictures.'],
	operation: Annotated[str, Choice(options=OPERATIONS), 'What to do with the shapes.'],
	kernel_size: Annotated[int, Number(default=3, min=3, max=999, step=1), 'Side of the square, in pixels.'],
) -> Images:
	"""Grow or thin out what is bright in pictures, with a square."""
	from nodes.pixels import filters

	return Images(filters.morphology(image.pixels, operation, kernel_size))


@node(kind='Canny', category='image/preprocessors', facts=SAME)
def canny(
	image: Annotated[Images, 'The pictures.'],
	low_threshold: Annotated[float, Threshold, 'Edges above this count if they touch a stronger one.'],
	high_threshold: Annotated[
		float, Threshold.model_copy(update={'default': 0.8}), 'Edges above this count for themselves.'
	],
) -> Images:
	"""The edges in pictures, white on black."""
	from nodes.pixels import edges

	found = edges.canny(_larger(image, 2).pixels, low_threshold, high_threshold)
	return Images(found.unsqueeze(-1).repeat(1, 1, 1, 3))


def _larger(image: Images, border: int) -> Images:
	"""The pictures, if a border can be mirrored in them. Raises `BadInput`."""
	height, width = image.pixels.shape[1:3]
	if min(height, width) <= border:
		raise BadInput('image', f'sides of more than {border} pixels', f'{width} × {height}')
	return image
