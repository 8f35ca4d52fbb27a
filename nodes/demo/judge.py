"""Reads a picture back from its pixels: which backdrop, which object, where, how large. The yardstick of the demo model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nodes.demo.pictures import PALETTE, SHAPES, Pixels, Scene, Thing, distance, draw

Mask = NDArray[np.bool_]
ASPECTS = ('back', 'color', 'shape', 'place', 'size')

_LEAST_CONTRAST = 25.0
"""Distance in RGB below which nothing stands out from the backdrop; the nearest two palette colours are 80 apart."""

_NEAR = 0.085
"""How far the middle may be off along each axis, as a fraction of the side: half the way to the next place."""

_ALIKE = 1.18
"""By what factor the extent may be off: half the way to the next size."""

_GRID = 32
"""Outlines are compared on this many cells a side."""


@dataclass(frozen=True)
class Reading:
	"""What stands on the backdrop, its largest connected patch: nearest palette colours, best shape, middle and extent of its box in fractions of the side."""

	back: str
	color: str
	shape: str
	x: float
	y: float
	extent: float
	noise: float
	"""Mean distance of the backdrop's pixels from its colour, in steps of 0..255: 0 for a flat one."""

	stray: float
	"""Share of the picture that stands out from the backdrop and is no part of the thing: specks, mostly."""


def nearest_color(rgb: Sequence[float] | NDArray[np.float32]) -> str:
	"""The palette colour closest to an RGB triple of 0..255.

	>>> nearest_color((250, 10, 10))
	'red'
	"""
	apart = np.square(np.asarray(list(PALETTE.values()), dtype=np.float32) - np.asarray(rgb, dtype=np.float32)).sum(1)
	return tuple(PALETTE)[int(apart.argmin())]


def backdrop_color(picture: Pixels) -> str:
	"""Nearest palette colour of a picture's rim."""
	return nearest_color(_rim_color(picture.astype(np.float32)))


def read_picture(picture: Pixels) -> Reading | None:
	"""Reads one object on a backdrop from uint8 (side, side, 3); None when nothing stands out."""
	pixels = picture.astype(np.float32)
	side = pixels.shape[0]
	back = _rim_color(pixels)
	apart = np.sqrt(np.square(pixels - back).sum(-1))
	contrast = float(np.percentile(apart, 99))
	if contrast < _LEAST_CONTRAST:
		return None
	standing_out = apart > contrast * 0.5
	mask = _largest_patch(standing_out)
	core = mask & (apart > contrast * 0.85)
	color = np.median(pixels[core if core.any() else mask], axis=0)
	left, top, right, bottom = _box(mask)
	return Reading(
		back=nearest_color(back),
		color=nearest_color(color),
		shape=_best_shape(_crop(mask)),
		x=(left + right) / 2 / side,
		y=(top + bottom) / 2 / side,
		extent=max(right - left, bottom - top) / side,
		noise=float(apart[~standing_out].mean()),
		stray=float((standing_out & ~mask).mean()),
	)


def judge_picture(picture: Pixels, scene: Scene) -> dict[str, bool]:
	"""Which aspects of a scene (`ASPECTS`) a picture obeys; place and size are compared with the scene as drawn.

	Where the scene has two things, each is read by itself and an aspect is obeyed when it is in both.
	"""
	drawn = draw(scene, picture.shape[0])
	if scene.thing is None or scene.other is None:
		return _compare(picture, drawn, scene.back)
	verdicts = [
		_compare(only(picture, thing, rest), only(drawn, thing, rest), scene.back)
		for thing, rest in ((scene.thing, scene.other), (scene.other, scene.thing))
	]
	return {aspect: all(verdict[aspect] for verdict in verdicts) for aspect in ASPECTS}


def only(picture: Pixels, thing: Thing, rest: Thing) -> Pixels:
	"""The picture with its backdrop's colour over all that is nearer to the rest than to the thing."""
	middle = (np.arange(picture.shape[0], dtype=np.float32) + 0.5) / picture.shape[0]
	x, y = np.meshgrid(middle, middle)
	other = np.hypot(x - rest.x, y - rest.y) < np.hypot(x - thing.x, y - thing.y)
	back = _rim_color(picture.astype(np.float32))
	return np.where(other[..., None], back.astype(np.uint8), picture)


def _compare(picture: Pixels, drawn: Pixels, back: str) -> dict[str, bool]:
	wanted, found = read_picture(drawn), read_picture(picture)
	if wanted is None or found is None:
		return {aspect: aspect == 'back' and backdrop_color(picture) == back for aspect in ASPECTS}
	return {
		'back': found.back == wanted.back,
		'color': found.color == wanted.color,
		'shape': found.shape == wanted.shape,
		'place': abs(found.x - wanted.x) < _NEAR and abs(found.y - wanted.y) < _NEAR,
		'size': 1 / _ALIKE < found.extent / wanted.extent < _ALIKE,
	}


def score_pictures(pictures: Sequence[Pixels], scenes: Sequence[Scene]) -> dict[str, float]:
	"""Share of pictures that obey, 0..1, for each aspect."""
	verdicts = [judge_picture(picture, scene) for picture, scene in zip(pictures, scenes, strict=True)]
	return {aspect: sum(verdict[aspect] for verdict in verdicts) / len(verdicts) for aspect in ASPECTS}


def _rim_color(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
	wide = max(2, pixels.shape[0] // 20)
	rim = (pixels[:wide], pixels[-wide:], pixels[:, :wide], pixels[:, -wide:])
	return np.asarray(np.median(np.concatenate([part.reshape(-1, 3) for part in rim]), axis=0), dtype=np.float32)


def _box(mask: Mask) -> tuple[int, int, int, int]:
	"""Left, top, right and bottom of the true cells, right and bottom exclusive."""
	rows, columns = np.nonzero(mask)
	return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _largest_patch(mask: Mask) -> Mask:
	"""The connected true cells around where they are densest, without what lies apart."""
	reach = max(2, mask.shape[0] // 16)
	sums = np.pad(mask, reach).astype(np.int32).cumsum(0).cumsum(1)
	sums = np.pad(sums, ((1, 0), (1, 0)))
	wide = 2 * reach + 1
	near = sums[wide:, wide:] - sums[:-wide, wide:] - sums[wide:, :-wide] + sums[:-wide, :-wide]
	patch = np.zeros_like(mask)
	patch[np.unravel_index(np.where(mask, near, -1).argmax(), mask.shape)] = True
	while True:
		grown = patch.copy()
		for axis in (0, 1):
			for step in (-1, 1):
				grown |= _moved(grown, step, axis)
		grown &= mask
		if (grown == patch).all():
			return patch
		patch = grown


def _moved(mask: Mask, step: int, axis: int) -> Mask:
	"""The mask one cell further, with nothing coming in from the other side."""
	moved = np.roll(mask, step, axis)
	edge = 0 if step > 0 else -1
	if axis == 0:
		moved[edge] = False
	else:
		moved[:, edge] = False
	return moved


def _crop(mask: Mask) -> Mask:
	"""The box of the true cells, resampled to `_GRID` cells a side."""
	left, top, right, bottom = _box(mask)
	steps = (np.arange(_GRID) + 0.5) / _GRID
	rows = (steps * (bottom - top) + top).astype(int)
	columns = (steps * (right - left) + left).astype(int)
	return np.asarray(mask[np.ix_(rows, columns)], dtype=np.bool_)


def _best_shape(outline: Mask) -> str:
	overlap = {shape: (outline & known).sum() / (outline | known).sum() for shape, known in _outlines().items()}
	return max(overlap, key=lambda shape: float(overlap[shape]))


@cache
def _outlines() -> dict[str, Mask]:
	steps = ((np.arange(256) + 0.5) / 256 * 2.6 - 1.3).astype(np.float32)
	x, y = np.meshgrid(steps, steps)
	return {shape: _crop(distance(shape, x, y) < 0) for shape in SHAPES}
