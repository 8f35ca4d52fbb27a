"""What is known of values before anything runs: model family, latent channels, sizes. Refines socket types.

Facts come from constants, from what a model file's tensors are called and shaped like, and from upstream, as the
declarations say (`Output.facts`). Nothing here opens more of a file than its header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from engine.declaration import Model

Fact = str | int
ANY_SIZE = -1


class TensorMark(Model):
	"""A tensor by which a kind of model file is known: its name, and its shape where that matters (−1: any size)."""

	name: str
	shape: tuple[int, ...] | None = None


class FileMark(Model):
	"""How one kind of model file is told: it has all of these tensors, and none of those; and what is then known of it."""

	title: str
	tensors: tuple[TensorMark, ...]
	without: tuple[str, ...] = ()
	facts: dict[str, Fact] = Field(default_factory=dict)

	def fits(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
		"""Whether a file with tensors of these names and shapes is of this kind."""
		return all(
			tensor.name in shapes and (tensor.shape is None or _alike(tensor.shape, shapes[tensor.name]))
			for tensor in self.tensors
		) and not any(name in shapes for name in self.without)


@dataclass(frozen=True, slots=True)
class Known:
	"""A fact of one value on a link, with the node that it is known from, and the model file if one told it."""

	value: Fact
	node: str
	kind: str
	file: str = ''

	@property
	def origin(self) -> str:
		"""Where it is known from, to stand by itself: `'a.safetensors' (CheckpointLoaderSimple '4')`."""
		return f'{self.file!r} ({self.kind} {self.node!r})' if self.file else f'{self.kind} {self.node!r}'

	@property
	def aside(self) -> str:
		"""The same, to stand in brackets: `'a.safetensors', CheckpointLoaderSimple '4'`."""
		return f'{self.file!r}, {self.kind} {self.node!r}' if self.file else self.origin


Facts = Mapping[str, Known]
"""Fact name → what is known."""


def recognise(marks: Sequence[FileMark], shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, Fact]:
	"""What is known of a model file by its tensors' names and shapes: by the first mark that fits; nothing if none does."""
	return next((mark.facts for mark in marks if mark.fits(shapes)), {})


def _alike(wanted: tuple[int, ...], found: tuple[int, ...]) -> bool:
	return len(wanted) == len(found) and all(want in (ANY_SIZE, size) for want, size in zip(wanted, found, strict=True))
