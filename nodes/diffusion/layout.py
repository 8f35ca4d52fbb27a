"""Layouts: how a file keeps the tensors of a module, as recipes that serve reading and writing alike.

Layouts differ in names, and in what they put together: one tensor for query, key and value where the module has three,
halves the other way round, a matrix transposed. Importing this module imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from torch import Tensor


@dataclass(frozen=True, slots=True)
class Piece:
	"""A tensor of the file, or rows `start` to `stop` of it (from the first, to the last, where None).

	`convolution` says that the file keeps a matrix as a 1×1 convolution [out, in, 1, 1]; readers take both for one.
	"""

	name: str
	start: int | None = None
	stop: int | None = None
	transposed: bool = False
	convolution: bool = False

	def of(self, stored: Tensor) -> Tensor:
		"""The piece of the file's tensor, as a view."""
		rows = stored[self.start : self.stop] if (self.start, self.stop) != (None, None) else stored
		return rows.t() if self.transposed else rows


Recipe = tuple[Piece, ...]
"""Pieces, laid one after the other along the first dimension, make up a tensor of the module."""

Layout = Mapping[str, Recipe]
"""Tensor of the module → where the file has it."""


def plain(names: Mapping[str, str]) -> dict[str, Recipe]:
	"""A layout that differs in names only: `{tensor of the module: tensor of the file}`."""
	return {name: (Piece(stored),) for name, stored in names.items()}


def prefixed(layout: Layout, prefix: str) -> dict[str, Recipe]:
	"""The same in a file that puts something before each name."""
	return {
		name: tuple(replace(piece, name=prefix + piece.name) for piece in recipe) for name, recipe in layout.items()
	}


def independent(layout: Layout) -> Iterator[Layout]:
	"""The smallest parts of a layout that have no tensor of the file in common."""
	among: dict[str, dict[str, Recipe]] = {}
	for name, recipe in layout.items():
		group = {name: recipe}
		for piece in recipe:
			group = {**among.get(piece.name, {}), **group}
		for member in group.values():
			among.update((piece.name, group) for piece in member)
	seen: set[int] = set()
	for group in among.values():
		if id(group) not in seen:
			seen.add(id(group))
			yield group


def stored(layout: Layout, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
	"""A module's tensors as the file keeps them: the way back. Every tensor that the layout names must be there."""
	rows: dict[str, dict[int, Tensor]] = {}
	for name, recipe in layout.items():
		tensor = tensors[name]
		taken = 0
		for piece in recipe:
			part = tensor
			if len(recipe) > 1:
				whole = len(tensor) - taken if piece.stop is None else piece.stop - (piece.start or 0)
				part = tensor[taken : taken + whole]
				taken += whole
			shaped = part[..., None, None] if piece.convolution else part
			rows.setdefault(piece.name, {})[piece.start or 0] = shaped.t() if piece.transposed else shaped
	return {name: _stacked(parts) for name, parts in rows.items()}


def _stacked(parts: Mapping[int, Tensor]) -> Tensor:
	import torch

	ordered = [parts[start] for start in sorted(parts)]
	return ordered[0].contiguous() if len(ordered) == 1 else torch.cat(ordered)
