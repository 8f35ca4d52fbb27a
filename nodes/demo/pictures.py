"""Drawn pictures: one or two flat objects on a flat backdrop. What the demo model learns from; no picture of anybody is used.

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
Color = tuple[int, int, int]
Points = tuple[tuple[float, float], ...]

PALETTE: Mapping[str, Color] = {
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
SIZES: Mapping[str, tuple[float, float]] = {'small': (0.15, 0.165), 'medium': (0.21, 0.23), 'large': (0.295, 0.32)}
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


_CLEAR = 0.03


@dataclass(frozen=True)
class Thing:
	"""One object: what it is in words of this module, and where exactly it is drawn."""

	shape: str
	color: str
	size: str = 'medium'
	place: str = 'center'
	x: float = 0.5
	y: float = 0.5
	radius: float = 0.22


@dataclass(frozen=True)
class Scene:
	"""A backdrop of one colour with at most two things on it; there is no other one without a first."""

	back: str
	thing: Thing | None = None
	other: Thing | None = None

	@property
	def things(self) -> tuple[Thing, ...]:
		"""What stands on the backdrop, in the order of the words."""
		return tuple(thing for thing in (self.thing, self.other) if thing is not None)


def place_thing(shape: str, color: str, size: str = 'medium', place: str = 'center') -> Thing:
	"""A thing in the middle of its size and exactly at its place.

	>>> place_thing('circle', 'red', 'small', 'left').x
	0.27
	"""
	x, y = PLACES[place]
	low, high = SIZES[size]
	radius = (low + high) / 2
	return Thing(shape, color, size, place, inside(x, radius), inside(y, radius), radius)


def inside(middle: float, radius: float) -> float:
	"""The nearest middle at which a thing of this radius stays clear of the picture's rim."""
	reach = radius + _CLEAR
	return min(max(middle, reach), 1 - reach)


def distance(shape: str, x: Plane, y: Plane) -> Plane:
	"""Signed distance to a shape of radius 1 around the origin: negative inside."""
	if shape == 'circle':
		return np.asarray(np.hypot(x, y) - 1, dtype=np.float32)
	return _polygon_distance(x, y, _outline(shape))


def outline_distance(thing: Thing, side: int) -> Plane:
	"""Distance of each of side x side cells to a thing's outline, in fractions of the picture's side: negative inside."""
	middle = (np.arange(side, dtype=np.float32) + 0.5) / side
	x, y = np.meshgrid(middle, middle)
	scaled = distance(thing.shape, (x - thing.x) / thing.radius, (y - thing.y) / thing.radius)
	return np.asarray(scaled * thing.radius, dtype=np.float32)


def draw(scene: Scene, side: int = 128, back: Color | None = None) -> Pixels:
	"""Paints a scene: uint8 (side, side, 3), RGB; `back` is another colour for its backdrop."""
	ground = np.asarray(PALETTE[scene.back] if back is None else back, dtype=np.float32)
	picture = np.broadcast_to(ground, (side, side, 3))
	for thing in scene.things:
		cover = np.clip(0.5 - outline_distance(thing, side) * side, 0, 1)[..., None]
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
		reach = np.where(np.arange(10) % 2, 0.48, 1.0)
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
