"""All tensors of a small model file at once, such as a LoRA or an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from nodes.diffusion.files import open_source


def read_tensors(path: Path, check: Callable[[], None] = lambda: None) -> dict[str, Tensor]:
	"""The file's tensors, in memory of their own; `check` is called before each.

	Raises `UnknownFormat`, or `ModelNotFound` if it is gone.
	"""
	source, tensors = open_source(path), dict[str, Tensor]()
	with source.open() as reader:
		for name in source.shapes:
			check()
			tensors[name] = reader.read(name)
	return tensors


def tensor_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
	"""Names and shapes alone, from the header. Raises as `read_tensors` does."""
	return open_source(path).shapes
