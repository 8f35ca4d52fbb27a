"""How alike two pictures are: to the last bit, in levels, and to the eye."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageSequence, UnidentifiedImageError

from engine.declaration import Model
from engine.errors import BadDocument

if TYPE_CHECKING:
	import numpy as np
	from numpy.typing import NDArray

	Levels = NDArray[np.float64]

WINDOW = 8
K1, K2 = 0.01, 0.03
MOST_FRAMES = 1000


class Likeness(Model):
	"""What comparing two pictures of one size gives; of animations, of the frames that differ most.

	`exact`: all levels are the same. `largest` and `mean` are differences of 8-bit levels (0 to 255), `psnr` is in dB (null
	if there is no difference). `ssim` is the mean structural similarity of brightness, 1 for equal pictures (Wang, Bovik,
	Sheikh and Simoncelli, 2004; windows of 8 by 8 pixels).
	"""

	exact: bool
	largest: float
	mean: float
	psnr: float | None
	ssim: float


def compare_files(one: Path, other: Path) -> Likeness | None:
	"""Compare two picture files; None if they have other sizes, or not equally many frames. `BadDocument` for no picture."""
	return compare(frames_of(one), frames_of(other))


def compare(one: list[Image.Image], other: list[Image.Image]) -> Likeness | None:
	"""Compare pictures frame by frame; None if their sizes or numbers differ."""
	if len(one) != len(other) or not one or any(a.size != b.size for a, b in zip(one, other, strict=True)):
		return None
	likenesses = [_compare(a, b) for a, b in zip(one, other, strict=True)]
	return min(likenesses, key=lambda likeness: (likeness.exact, likeness.ssim, -likeness.mean))


def frames_of(path: Path) -> list[Image.Image]:
	"""The frames of a picture file, one for a still picture. Raises `BadDocument` for what is no picture."""
	try:
		with Image.open(path) as opened:
			return [frame.copy() for _, frame in zip(range(MOST_FRAMES), ImageSequence.Iterator(opened), strict=False)]
	except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
		reason = error.strerror if isinstance(error, OSError) and error.strerror else error
		raise BadDocument(f'This is no picture that can be read: {reason}.', where=str(path)) from error


def _compare(one: Image.Image, other: Image.Image) -> Likeness:
	import numpy as np

	if one.mode == other.mode and one.tobytes() == other.tobytes():
		return Likeness(exact=True, largest=0.0, mean=0.0, psnr=None, ssim=1.0)
	mode = 'RGBA' if 'A' in one.getbands() + other.getbands() else 'RGB'
	a, b = (np.asarray(picture.convert(mode), dtype=np.float64) for picture in (one, other))
	difference = np.abs(a - b)
	squares = float(np.mean(difference**2))
	return Likeness(
		exact=False,
		largest=float(difference.max(initial=0.0)),
		mean=round(float(difference.mean()), 4),
		psnr=round(10 * math.log10(255.0**2 / squares), 2) if squares else None,
		ssim=round(structural_similarity(_brightness(a), _brightness(b)), 6),
	)


def _brightness(levels: Levels) -> Levels:
	"""Luma of ITU-R BT.601, over black where it is transparent; 0 to 255."""
	shown = levels[..., :3] @ [0.299, 0.587, 0.114]
	brightness: Levels = shown * levels[..., 3] / 255.0 if levels.shape[-1] == 4 else shown
	return brightness


def structural_similarity(one: Levels, other: Levels) -> float:
	"""The mean over all windows of two pictures of one size, levels from 0 to 255; smaller pictures are one window."""
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
