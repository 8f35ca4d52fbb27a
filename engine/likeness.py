"""How alike two pictures are: to the last bit, in levels, and to the eye."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from engine.declaration import Model
from engine.errors import BadDocument
from engine.resemblance import resemblance

MOST_FRAMES = 1000


class Likeness(Model):
	"""What comparing two pictures of one size gives; of animations, of the frames that differ most.

	`exact`: all levels are the same. `largest` and `mean` are differences of 8-bit levels (0 to 255), `psnr` is in dB (null
	if there is no difference). `ssim` is the structural similarity of luma and both chromas, the least of the three: 1 for
	equal pictures (`engine.resemblance`).
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
	"""The frames of a picture file, upright, one for a still picture. Raises `BadDocument` for what is no picture."""
	try:
		with Image.open(path) as opened:
			frames = zip(range(MOST_FRAMES), ImageSequence.Iterator(opened), strict=False)
			return [ImageOps.exif_transpose(frame) for _, frame in frames]
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
		ssim=round(resemblance(one, other), 6),
	)
