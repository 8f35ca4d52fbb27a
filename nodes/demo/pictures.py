"""Drawn pictures: one flat object on a flat backdrop. What the demo model learns from; no picture of anybody is used.

A `Scene` says what is seen, `draw` paints it. Shapes are signed distance functions, so edges are anti-aliased at any size.
Coordinates and radii are fractions of the picture's side: x to the right, y downwards, (0.5, 0.5) the centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.floating[Any]]
Points = tuple[tuple[float, float], ...]

PALETTE: Mapping[str, tuple[int, int, int]] = {
	'red': (220, 30, 35),
	'green': (35, 160, 60),
	'blue': (35, 70, 215),
	'yellow': (250, 220, 40),
	'orange': (250, 135, 20),
	'purple': (125, 45, 165),
	'pink': (250, 150, 190),
	'cyan': (60, 205, 225),
	'brown': (120, 70, 35),
	'white': (248, 248, 248),
	'black': (15, 15, 18),
	'gray': (130, 130, 132),
}
SHAPES = ('circle', 'square', 'triangle', 'star', 'heart', 'cross')
SIZES: Mapping[str, tuple[float, float]] = {'small': (0.14, 0.17), 'medium': (0.21, 0.26), 'large': (0.31, 0.36)}
"""Least and greatest radius of each size."""

PLACES: Mapping[str, tuple[float, float]] = {
	'center': (0.5, 0.5),
	'left': (0.27, 0.5),
	'right': (0.73, 0.5),
	'top': (0.5, 0.27),
	'bottom': (0.5, 0.73),
	'top left': (0.27, 0.27),
	'top right': (0.73, 0.27),
	'bottom left': (0.27, 0.73),
	'bottom right': (0.73, 0.73),
}


@dataclass(frozen=True)
class Thing:
	"""One object: what it is in words of this module, and where exactly it is drawn."""

	shape: str
	color: str
	size: str = 'medium'
	place: str = 'center'
	x: float = 0.5
	y: float = 0.5
	radius: float = 0.235


@dataclass(frozen=True)
class Scene:
	"""A backdrop of one colour with at most one thing on it."""

	back: str
	thing: Thing | None = None


def place_thing(shape: str, color: str, size: str = 'medium', place: str = 'center') -> Thing:
	"""A thing in the middle of its size and exactly at its place.

	>>> place_thing('circle', 'red', 'small', 'left').x
	0.27
	"""
	x, y = PLACES[place]
	low, high = SIZES[size]
	return Thing(shape, color, size, place, x, y, (low + high) / 2)


def distance(shape: str, x: Plane, y: Plane) -> Plane:
	"""Signed distance to a shape of radius 1 around the origin: negative inside."""
	if shape == 'circle':
		return np.asarray(np.hypot(x, y) - 1, dtype=np.float32)
	return _polygon_distance(x, y, _outline(shape))


def draw(scene: Scene, side: int = 128) -> Pixels:
	"""Paints a scene: uint8 (side, side, 3), RGB."""
	middle = (np.arange(side, dtype=np.float32) + 0.5) / side
	x, y = np.meshgrid(middle, middle)
	picture = np.broadcast_to(np.asarray(PALETTE[scene.back], dtype=np.float32), (side, side, 3))
	thing = scene.thing
	if thing is not None:
		edge = distance(thing.shape, (x - thing.x) / thing.radius, (y - thing.y) / thing.radius) * thing.radius
		cover = np.clip(0.5 - edge * side, 0, 1)[..., None]
		picture = picture + cover * (np.asarray(PALETTE[thing.color], dtype=np.float32) - picture)
	return np.asarray(np.clip(picture + 0.5, 0, 255), dtype=np.uint8)


@cache
def _outline(shape: str) -> Points:
	"""Corners of a shape of radius 1, in drawing order."""
	if shape == 'square':
		return ((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86))
	if shape == 'triangle':
		return ((0.0, -0.95), (1.0, 0.8), (-1.0, 0.8))
	if shape == 'cross':
		arm = 0.34
		quarter = ((-arm, -1.0), (arm, -1.0), (arm, -arm))
		turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
		return tuple((a * x + b * y, c * x + d * y) for a, b, c, d in turns for x, y in quarter)
	if shape == 'star':
		turn = np.pi * np.arange(10) / 5
		reach = np.where(np.arange(10) % 2, 0.42, 1.0)
		return tuple(zip((reach * np.sin(turn)).tolist(), (-reach * np.cos(turn)).tolist(), strict=True))
	if shape == 'heart':
		t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
		x = np.sin(t) ** 3 * 1.02
		y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16 - 0.08
		return tuple(zip(x.tolist(), y.tolist(), strict=True))
	raise KeyError(f'no shape named {shape!r}')


def _polygon_distance(x: Plane, y: Plane, corners: Points) -> Plane:
	"""Distance to the nearest edge, signed by the even-odd rule (Quilez, "2D distance functions")."""
	nearest = np.full(x.shape, np.inf, dtype=np.float32)
	inside = np.zeros(x.shape, dtype=bool)
	for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
		along_x, along_y = bx - ax, by - ay
		t = np.clip(((x - ax) * along_x + (y - ay) * along_y) / (along_x**2 + along_y**2), 0, 1)
		nearest = np.minimum(nearest, (x - ax - along_x * t) ** 2 + (y - ay - along_y * t) ** 2)
		if along_y:
			crosses = (ay <= y) != (by <= y)
			inside ^= crosses & (x < ax + along_x * (y - ay) / along_y)
	reach = np.sqrt(nearest)
	return np.where(inside, -reach, reach).astype(np.float32)
