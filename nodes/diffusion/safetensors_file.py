"""Safetensors files, mapped into memory: reading a tensor costs nothing until its values are looked at.

Format: https://github.com/huggingface/safetensors#format. The mapping is our own, because pages that were copied can
then be given back at once: otherwise a whole file stays counted as memory of this process until it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import UnknownFormat
from engine.tensorfile import Entry, read_header
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.mapping import Mapped

DTYPES = {
	'F64': torch.float64,
	'F32': torch.float32,
	'F16': torch.float16,
	'BF16': torch.bfloat16,
	'F8_E4M3': torch.float8_e4m3fn,
	'F8_E5M2': torch.float8_e5m2,
	'I64': torch.int64,
	'I32': torch.int32,
	'I16': torch.int16,
	'I8': torch.int8,
	'U8': torch.uint8,
	'BOOL': torch.bool,
}
"""The format's dtypes that torch has."""


@dataclass(frozen=True)
class SafetensorsFile(TensorSource):
	"""A safetensors file's header; `entries` say where each tensor lies."""

	entries: Mapping[str, Entry]

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader:
	"""Gives views of a mapped file."""

	def __init__(self, source: SafetensorsFile, mapped: Mapped) -> None:
		self._source = source
		self._mapped = mapped

	def read(self, name: str) -> Tensor:
		entry = self._source.entries.get(name)
		if entry is None:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}')
		dtype = DTYPES.get(entry.dtype)
		if dtype is None:
			raise UnknownFormat(
				self._source.path, f'its tensor {name!r} is of type {entry.dtype}, which cannot be read'
			)
		return self._mapped.tensor(entry.start, entry.stop, dtype).reshape(entry.shape)

	def release(self, read: Tensor) -> None:
		self._mapped.release(read)


def open_safetensors(path: Path) -> SafetensorsFile:
	"""Read a file's header. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	header = read_header(path)
	return SafetensorsFile(
		path,
		shapes=header.shapes,
		dtypes={name: entry.dtype for name, entry in header.entries.items()},
		metadata=header.metadata,
		entries=header.entries,
	)


@contextmanager
def _opened(source: SafetensorsFile) -> Iterator[TensorReader]:
	with Mapped.opened(source.path) as mapped:
		yield _Reader(source, mapped)
