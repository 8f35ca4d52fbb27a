"""Smooth curves through points, which never overshoot them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from pydantic import TypeAdapter, ValidationError

Point = tuple[float, float]
POINTS = TypeAdapter(list[Point])


def read_points(text: str) -> list[Point]:
	"""The points of a curve written as JSON `[[x, y], …]`, by x. `ValueError` if they are none, or two share an x."""
	try:
		points = sorted(POINTS.validate_json(text))
	except ValidationError as error:
		raise ValueError('they are not written as [[x, y], …]') from error
	if len(points) < 2:
		raise ValueError(f'a curve needs two points or more, here are {len(points)}')
	if not all(map(math.isfinite, (number for point in points for number in point))):
		raise ValueError('a point is not finite')
	if any(right[0] - left[0] < 1e-9 for left, right in pairwise(points)):
		raise ValueError('two points lie one above the other')
	return points


def height_at(points: Sequence[Point], x: float) -> float:
	"""The height of the curve at x: cubic pieces with limited slopes (Fritsch and Carlson, 1980), level beyond the ends."""
	right = bisect_right(points, (x, math.inf))
	if right == 0:
		return points[0][1]
	if right == len(points):
		return points[-1][1]
	(x0, y0), (x1, y1) = points[right - 1], points[right]
	slopes = tangents(points)
	width = x1 - x0
	part = (x - x0) / width
	square, cube = part**2, part**3
	return (
		(2 * cube - 3 * square + 1) * y0
		+ (cube - 2 * square + part) * width * slopes[right - 1]
		+ (3 * square - 2 * cube) * y1
		+ (cube - square) * width * slopes[right]
	)


def tangents(points: Sequence[Point]) -> list[float]:
	"""The slope at each point: flat at peaks, and nowhere so steep that a piece would overshoot."""
	secants = [(right[1] - left[1]) / (right[0] - left[0]) for left, right in pairwise(points)]
	inner = [0.0 if left * right <= 0 else (left + right) / 2 for left, right in pairwise(secants)]
	slopes = [secants[0], *inner, secants[-1]]
	for index, secant in enumerate(secants):
		if secant == 0:
			slopes[index] = slopes[index + 1] = 0.0
			continue
		length = math.hypot(slopes[index] / secant, slopes[index + 1] / secant)
		if length > 3:
			slopes[index] *= 3 / length
			slopes[index + 1] *= 3 / length
	return slopes
