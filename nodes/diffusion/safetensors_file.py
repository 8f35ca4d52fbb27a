"""Safetensors files. Format: https://github.com/huggingface/safetensors#format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, int8

from engine.errors import UnknownFormat
from engine.tensorfile import Entry, read_header
from nodes.diffusion.codings import Coding, EightBits
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.open_file import OpenFile, Stamp, stamp

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

EIGHT_BITS = ('F8_E4M3', 'F8_E5M2')
SCALES = ('scale_weight', 'weight_scale')
"""What the scale of a layer's `weight` is called; writers differ."""

HINTS = ('.scale_input', '.input_scale', '.comfy_quant', 'scaled_fp8')
"""Ends of names of tensors that tell programs how to compute with scaled weights; the weights are whole without them."""


@dataclass(frozen=True)
class SafetensorsFile(TensorSource):
	"""A safetensors file's header.

	`entries` say where each tensor lies; `scales` name, for a weight of eight bits, the tensor that scales it.
	"""

	entries: Mapping[str, Entry]
	scales: Mapping[str, str]
	stamp: Stamp

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader(TensorReader):
	def __init__(self, source: SafetensorsFile, file: OpenFile) -> None:
		self._source = source
		self._file = file

	@property
	def source(self) -> TensorSource:
		return self._source

	def empty(self, name: str) -> Tensor:
		entry, dtype = self._entry(name)
		tensor = torch.empty(entry.shape, dtype=dtype, device='meta')
		return tensor.view(int8).reshape(len(tensor), -1) if name in self._source.scales else tensor

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		self._file.fill(target, self._source.entries[name].start + start)

	def check(self) -> None:
		self._file.check()

	def coding(self, name: str) -> Coding | None:
		there = self._source.scales.get(name)
		if there is None:
			return None
		entry, dtype = self._entry(there)
		if math.prod(entry.shape) > 1:
			raise UnknownFormat(
				self._source.path,
				f'its tensor {there!r} holds {math.prod(entry.shape)} scales; only one for a whole weight can be read',
			)
		scale = self._file.tensor(entry.start, entry.shape, dtype)
		return EightBits(DTYPES[self._source.dtypes[name]], float(scale.float()))

	def _entry(self, name: str) -> tuple[Entry, torch.dtype]:
		entry = self._source.entries.get(name)
		if entry is None:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}')
		dtype = DTYPES.get(entry.dtype)
		if dtype is None:
			raise UnknownFormat(
				self._source.path, f'its tensor {name!r} is of type {entry.dtype}, which cannot be read'
			)
		return entry, dtype


def open_safetensors(path: Path) -> SafetensorsFile:
	"""Read a file's header. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	known = stamp(path)
	header = read_header(path)
	scales = _scales(path, header.entries)
	entries = {name: entry for name, entry in header.entries.items() if not name.endswith(HINTS)}
	shown = {name: entry for name, entry in entries.items() if name not in scales.values()}
	return SafetensorsFile(
		path,
		shapes={name: entry.shape for name, entry in shown.items()},
		dtypes={name: entry.dtype for name, entry in shown.items()},
		metadata=header.metadata,
		entries=entries,
		scales=scales,
		stamp=known,
	)


def _scales(path: Path, entries: Mapping[str, Entry]) -> dict[str, str]:
	"""Weights of eight bits, with the names of their scales. An empty scale is none."""
	scales = {}
	for name, entry in entries.items():
		stem, _, leaf = name.rpartition('.')
		weight = f'{stem}.weight'
		if leaf not in SCALES or weight not in entries:
			continue
		if entries[weight].dtype not in EIGHT_BITS:
			raise UnknownFormat(
				path,
				f'its tensor {weight!r} is quantised as {entries[weight].dtype} with a scale, which cannot be read',
			)
		if math.prod(entry.shape):
			scales[weight] = name
	return scales


@contextmanager
def _opened(source: SafetensorsFile) -> Iterator[TensorReader]:
	with OpenFile.opened(source.path, source.stamp) as file:
		yield _Reader(source, file)
