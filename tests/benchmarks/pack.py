"""Nodes that do next to nothing, so that what is measured is the engine."""

from __future__ import annotations

import sys

from engine.plugins import Kit
from engine.spec import node


@node(kind='Number', category='benchmark')
def number(value: int) -> int:
	"""A number."""
	return value


@node(kind='Add', category='benchmark')
def add(a: int, b: int) -> int:
	"""The sum of two numbers."""
	return a + b


@node(kind='Show', category='benchmark', sink=True)
def show(a: int) -> None:
	"""A sink that does nothing."""


def register(kit: Kit) -> None:
	"""Add the nodes of this module."""
	kit.collect(sys.modules[__name__])
