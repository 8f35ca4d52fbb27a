"""All tensors of a small model file at once, such as a LoRA or an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from nodes.diffusion.files import open_source


def read_tensors(path: Path) -> dict[str, Tensor]:
	"""The file's tensors, in memory of their own. Raises `UnknownFormat`, or `ModelNotFound` if it is gone."""
	source = open_source(path)
	with source.open() as reader:
		return {name: reader.read(name).clone() for name in source.shapes}


def tensor_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
	"""Names and shapes alone, from the header. Raises as `read_tensors` does."""
	return open_source(path).shapes
