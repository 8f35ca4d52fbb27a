"""Model files as sources of tensors, whatever their format: what they hold is known at once, and read piece by piece.

A `TensorSource` is only the header; `open_source` finds the format. Its `open` gives a `TensorReader`, whose tensors lie
in the file itself until somebody copies them, so no model is ever in memory twice.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.errors import ModelError, UnknownFormat


class TensorReader(Protocol):
	"""An open source."""

	def read(self, name: str) -> Tensor:
		"""A tensor as the file keeps it, in shape and dtype.

		It may lie in the file itself: it must not be written to, nor used after the reader is closed. Raises
		`UnknownFormat`.
		"""
		...

	def release(self, read: Tensor) -> None:
		"""Give back the memory of a tensor that was read, or of a view of it. Reading it again is possible, and slow."""
		...


@dataclass(frozen=True)
class TensorSource(ABC):
	"""What a file, or several that make up one, says of its tensors.

	`shapes` and `dtypes` are by tensor name; the dtypes are spelled as the format spells them: `F16`, `F8_E4M3`, `Q4_K`.
	"""

	path: Path
	shapes: Mapping[str, tuple[int, ...]]
	dtypes: Mapping[str, str]
	metadata: Mapping[str, str]

	@abstractmethod
	def open(self) -> AbstractContextManager[TensorReader]:
		"""Open it for reading. Raises `UnknownFormat`, or `ModelNotFound` if it is gone."""

	def json(self, name: str) -> Any:
		"""A metadata entry that holds JSON, or None where there is none. Raises `UnknownFormat`."""
		text = self.metadata.get(name)
		if text is None:
			return None
		try:
			return json.loads(text)
		except ValueError as error:
			raise UnknownFormat(self.path, f'its metadata entry {name!r} is no JSON') from error

	def within(self, prefix: str) -> dict[str, tuple[int, ...]]:
		"""Shapes of the tensors whose names begin so, by the rest of their names."""
		return {name.removeprefix(prefix): shape for name, shape in self.shapes.items() if name.startswith(prefix)}


def open_source(path: Path) -> TensorSource:
	"""Read the header of a model file. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	from nodes.diffusion.safetensors_file import open_safetensors

	return open_safetensors(path)


def torch_dtype(name: str) -> torch.dtype:
	"""The torch dtype of a `ModelRef`'s precision; `auto` is float32. Raises `ModelError`."""
	known = {
		'auto': torch.float32,
		'float32': torch.float32,
		'float16': torch.float16,
		'bfloat16': torch.bfloat16,
	}
	if name not in known:
		raise ModelError(f'There is no precision {name!r}; there are: {", ".join(known)}.')
	return known[name]
