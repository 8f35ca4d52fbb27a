"""Nodes that do next to nothing, so that what is measured is the engine; and one that keeps a core busy."""

from __future__ import annotations

import sys
import time

from engine.plugins import Kit
from engine.spec import node

GRIND_VALUES = 200_000
GRIND_ROUNDS = 60


@node(kind='Number', category='benchmark')
def number(value: int) -> int:
	"""A number."""
	return value


@node(kind='Add', category='benchmark')
def add(a: int, b: int) -> int:
	"""The sum of two numbers."""
	return a + b


@node(kind='Add3', category='benchmark')
def add_three(a: int, b: int, c: int) -> int:
	"""The sum of three numbers."""
	return a + b + c


@node(kind='Show', category='benchmark', sink=True)
def show(a: int) -> None:
	"""A sink that does nothing."""


def grind(seed: int) -> int:
	"""Keep one core busy with numpy, which lets other threads run meanwhile."""
	import numpy

	values = numpy.random.default_rng(seed).random(GRIND_VALUES)
	for _ in range(GRIND_ROUNDS):
		values = numpy.sqrt(numpy.abs(numpy.sin(values) + numpy.cos(values)))
	return int(values.sum())


@node(kind='Grind', category='benchmark', lane='cpu')
def grind_side_by_side(seed: int) -> int:
	"""Work in the CPU lane."""
	return grind(seed)


@node(kind='GrindInTurn', category='benchmark')
def grind_in_turn(seed: int) -> int:
	"""The same work in the lane of the device, one after the other."""
	return grind(seed)


@node(kind='Wait', category='benchmark')
def wait(a: int, seconds: float) -> int:
	"""Take some time."""
	time.sleep(seconds)
	return a + 1


def register(kit: Kit) -> None:
	"""Add the nodes of this module."""
	kit.collect(sys.modules[__name__])
