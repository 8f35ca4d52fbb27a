"""Model files as sources of tensors, whatever their format: what they hold is known at once, and read piece by piece.

A `TensorSource` is only the header; `open_source` finds the format. Its `open` gives a `TensorReader`, which fills memory
that somebody has for them with stretches of the file's tensors, so no model is ever in memory twice.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import ModelError, UnknownFormat
from engine.modelfile import file_format
from nodes.diffusion.codings import Coding


class TensorReader(ABC):
	"""An open source. Several threads may read from it at a time."""

	@abstractmethod
	def empty(self, name: str) -> Tensor:
		"""A tensor as the file keeps it, on the meta device: numbers in its shape, or int8 [rows, bytes] if it is coded.

		Raises `UnknownFormat`.
		"""

	@abstractmethod
	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		"""Fill a contiguous tensor in main memory with the bytes of what is stored, from byte `start` on.

		Raises `UnknownFormat`, and `ModelFileChanged` if the file is no longer as its header says.
		"""

	@abstractmethod
	def check(self) -> None:
		"""Raise `ModelFileChanged` if the file was written to since its header was read."""

	def stored(self, name: str) -> Tensor:
		"""A tensor as the file keeps it, in memory of its own: see `empty` for its form, and `fill` for what it raises."""
		tensor = torch.empty_like(self.empty(name), device='cpu')
		self.fill(name, tensor)
		return tensor

	def coding(self, name: str) -> Coding | None:
		"""How a tensor is coded; None if it is kept as plain numbers. Raises `UnknownFormat`."""
		return None

	def read(self, name: str) -> Tensor:
		"""A tensor as numbers, in its shape; coded ones become float32. Raises `UnknownFormat`."""
		stored, coding = self.stored(name), self.coding(name)
		return stored if coding is None else coding.decode(stored, torch.float32).reshape(self.source.shapes[name])

	@property
	@abstractmethod
	def source(self) -> TensorSource:
		"""What is open."""


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
		"""Open it for reading: it stays open whatever happens to its name.

		Raises `UnknownFormat`, `ModelFileChanged`, also in the end, or `ModelNotFound` if it is gone.
		"""

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
	"""Read the header of a model file of any format, which its first bytes tell, not its name.

	Raises `UnknownFormat`, or `ModelNotFound` if it is not there.
	"""
	match file_format(path):
		case 'gguf':
			from nodes.diffusion.gguf_file import open_gguf

			return open_gguf(path)
		case 'pickle':
			from nodes.diffusion.pickled_file import open_pickled

			return open_pickled(path)
		case _:
			from nodes.diffusion.safetensors_file import open_safetensors

			return open_safetensors(path)


FLOAT8 = {'fp8_e4m3fn': torch.float8_e4m3fn, 'fp8_e4m3fn_fast': torch.float8_e4m3fn, 'fp8_e5m2': torch.float8_e5m2}
"""The precisions in which weights are kept only, and computed with in another."""


def torch_dtype(name: str) -> torch.dtype:
	"""The torch dtype in which a `ModelRef`'s precision computes; `auto` is float32. Raises `ModelError`."""
	known = {
		'auto': torch.float32,
		'float32': torch.float32,
		'float16': torch.float16,
		'bfloat16': torch.bfloat16,
		**dict.fromkeys(FLOAT8, torch.float32),
	}
	if name not in known:
		raise ModelError(f'There is no precision {name!r}; there are: {", ".join(known)}.')
	return known[name]


def storage_dtype(name: str) -> torch.dtype | None:
	"""The float8 type in which a `ModelRef`'s precision keeps the weights of layers; None if as it computes."""
	return FLOAT8.get(name)
