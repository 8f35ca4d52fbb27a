"""What layouts are put together from: layers by another name, fused layers taken apart, halves the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from nodes.diffusion.layout import Layout, Piece, Recipe

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]
Recipes = Iterator[tuple[str, Recipe]]

WEIGHT, BIAS = ('weight',), ('bias',)
BOTH = WEIGHT + BIAS


def same(name: str, stored: str, kinds: Sequence[str] = BOTH) -> Recipes:
	"""A layer under another name, with its weight and bias."""
	for kind in kinds:
		yield f'{name}.{kind}', (Piece(f'{stored}.{kind}'),)


def renamed(name: str, stored: str) -> Recipes:
	"""One tensor under another name."""
	yield name, (Piece(stored),)


def fused(names: Sequence[str], stored: str, sizes: Sequence[int], kinds: Sequence[str] = BOTH) -> Recipes:
	"""Layers that the file keeps as one, so many rows of each."""
	start = 0
	for name, size in zip(names, sizes, strict=True):
		for kind in kinds:
			yield f'{name}.{kind}', (Piece(f'{stored}.{kind}', start, start + size),)
		start += size


def swapped(name: str, stored: str, size: int, kinds: Sequence[str] = BOTH) -> Recipes:
	"""A layer of two halves of so many rows each: shift before scale in the file, scale before shift in the module."""
	for kind in kinds:
		yield f'{name}.{kind}', (Piece(f'{stored}.{kind}', size, 2 * size), Piece(f'{stored}.{kind}', 0, size))


def identity(names: Iterator[str] | Sequence[str]) -> Layout:
	"""The layout of a file that names everything as the module does."""
	return {name: (Piece(name),) for name in names}


def blocks(shapes: Shapes, stem: str) -> int:
	"""How many blocks `stem.0`, `stem.1` … there are."""
	numbers = {name[len(stem) + 1 :].partition('.')[0] for name in shapes if name.startswith(f'{stem}.')}
	return next(number for number in count() if str(number) not in numbers)


def axes(head: int, *, side: int, of: int) -> tuple[int, int, int]:
	"""How the numbers of an attention head are shared out to the three axes of positions.

	Height and width get `side` of `of` each, rounded down to an even number, the first axis the rest.
	"""
	share = head * side // (2 * of) * 2
	return head - 2 * share, share, share
