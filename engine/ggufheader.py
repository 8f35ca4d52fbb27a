"""The header of a GGUF file: what tensors it holds, in which of ggml's types. Reads no tensor.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Versions 2 and 3, little endian. Files of diffusion
models keep the names of the original layout; `comfy.gguf.orig_shape.NAME` is the shape of a tensor that was stored in
another one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import ModelNotFound, UnknownFormat
from engine.tensorfile import Entry

MAGIC = b'GGUF'
VERSIONS = (2, 3)
ALIGNMENT = 32
MOST_DIMENSIONS = 4
ORIGINAL_SHAPE = 'comfy.gguf.orig_shape.'

SCALARS = {0: '<B', 1: '<b', 2: '<H', 3: '<h', 4: '<I', 5: '<i', 6: '<f', 7: '<?', 10: '<Q', 11: '<q', 12: '<d'}
STRING, ARRAY = 8, 9

TYPES: Mapping[int, tuple[str, int, int]] = {
	0: ('F32', 1, 4),
	1: ('F16', 1, 2),
	2: ('Q4_0', 32, 18),
	3: ('Q4_1', 32, 20),
	6: ('Q5_0', 32, 22),
	7: ('Q5_1', 32, 24),
	8: ('Q8_0', 32, 34),
	10: ('Q2_K', 256, 84),
	11: ('Q3_K', 256, 110),
	12: ('Q4_K', 256, 144),
	13: ('Q5_K', 256, 176),
	14: ('Q6_K', 256, 210),
	16: ('IQ2_XXS', 256, 66),
	17: ('IQ2_XS', 256, 74),
	18: ('IQ3_XXS', 256, 98),
	19: ('IQ1_S', 256, 50),
	20: ('IQ4_NL', 32, 18),
	21: ('IQ3_S', 256, 110),
	22: ('IQ2_S', 256, 82),
	23: ('IQ4_XS', 256, 136),
	24: ('I8', 1, 1),
	25: ('I16', 1, 2),
	26: ('I32', 1, 4),
	27: ('I64', 1, 8),
	28: ('F64', 1, 8),
	29: ('IQ1_M', 256, 56),
	30: ('BF16', 1, 2),
	34: ('TQ1_0', 256, 54),
	35: ('TQ2_0', 256, 66),
	39: ('MXFP4', 32, 17),
	40: ('NVFP4', 64, 36),
}
"""ggml's type number → name, values in a block, bytes of a block."""

BLOCKS: Mapping[str, tuple[int, int]] = {name: (values, size) for name, values, size in TYPES.values()}
"""ggml's type name → values in a block, bytes of a block."""

Field = str | int | float | bool | list['Field']


@dataclass(frozen=True)
class GgufHeader:
	"""What a GGUF file holds: tensors by name, shapes in torch's order, and the fields of its metadata."""

	entries: Mapping[str, Entry]
	fields: Mapping[str, Field]


class _Cursor:
	"""Reads numbers and texts one after the other, and never past the end of the file."""

	def __init__(self, path: Path, file: BinaryIO) -> None:
		self._path = path
		self._file = file
		self.size = path.stat().st_size
		self.at = 0

	def take(self, count: int) -> bytes:
		if count > self.size - self.at:
			raise UnknownFormat(self._path, 'its header is not complete, or damaged')
		self.at += count
		return self._file.read(count)

	def number(self, form: str) -> int | float | bool:
		value: int | float | bool = struct.unpack(form, self.take(struct.calcsize(form)))[0]
		return value

	def count(self, form: str = '<Q') -> int:
		return int(self.number(form))

	def text(self) -> str:
		return self.take(self.count()).decode('utf-8', 'replace')

	def value(self, kind: int, depth: int = 0) -> Field:
		if kind == STRING:
			return self.text()
		if kind == ARRAY and depth < MOST_DIMENSIONS:
			inner, length = self.count('<I'), self.count()
			form = SCALARS.get(inner)
			if form is not None:
				data = self.take(length * struct.calcsize(form))
				return list(struct.unpack(f'<{length}{form[1]}', data))
			if length > self.size - self.at:
				raise UnknownFormat(self._path, 'its header is not complete, or damaged')
			return [self.value(inner, depth + 1) for _ in range(length)]
		if kind not in SCALARS:
			raise UnknownFormat(self._path, f'its header has a field of a type that is not known ({kind})')
		return self.number(SCALARS[kind])


def read_gguf_header(path: Path) -> GgufHeader:
	"""Read a file's header and see that the file is whole.

	Raises `ModelNotFound` if it is not there and `UnknownFormat` with the reason for any other fault.
	"""
	try:
		with path.open('rb') as file:
			return _read(path, _Cursor(path, file))
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error


def _read(path: Path, cursor: _Cursor) -> GgufHeader:
	if cursor.size == 0:
		raise UnknownFormat(path, 'it is empty')
	if cursor.take(min(len(MAGIC), cursor.size)) != MAGIC:
		raise UnknownFormat(path, 'it is not a GGUF file, or its beginning is damaged')
	version = cursor.count('<I')
	if version not in VERSIONS:
		raise UnknownFormat(path, f'it is a GGUF file of version {version}; versions 2 and 3 can be read')
	tensors, fields = cursor.count(), cursor.count()
	told: dict[str, Field] = {}
	for _ in range(fields):
		name = cursor.text()
		told[name] = cursor.value(cursor.count('<I'))
	described = [_tensor(path, cursor) for _ in range(tensors)]
	alignment = told.get('general.alignment', ALIGNMENT)
	if not isinstance(alignment, int) or alignment <= 0 or alignment % 8:
		raise UnknownFormat(path, f'its header tells an alignment that cannot be ({alignment})')
	begin = -(-cursor.at // alignment) * alignment
	entries = {name: _placed(path, name, entry, begin, told, cursor.size) for name, entry in described}
	if len(entries) < len(described):
		raise UnknownFormat(path, 'its header names a tensor twice')
	return GgufHeader(entries, told)


def _tensor(path: Path, cursor: _Cursor) -> tuple[str, Entry]:
	"""A tensor's description; its start is counted from where the tensors begin."""
	name, dimensions = cursor.text(), cursor.count('<I')
	if dimensions > MOST_DIMENSIONS:
		raise UnknownFormat(path, f'its tensor {name!r} has {dimensions} dimensions; GGUF has four at most')
	shape = tuple(cursor.count() for _ in range(dimensions))[::-1]
	kind, offset = cursor.count('<I'), cursor.count()
	if kind not in TYPES:
		raise UnknownFormat(path, f'its tensor {name!r} is of a type that is not known ({kind})')
	dtype, values, size = TYPES[kind]
	count = math.prod(shape)
	if (shape[-1] if shape else 1) % values:
		raise UnknownFormat(path, f'its tensor {name!r} of shape {list(shape)} does not divide into blocks of {dtype}')
	return name, Entry(dtype, shape, offset, offset + count // values * size)


def _placed(path: Path, name: str, entry: Entry, begin: int, told: Mapping[str, Field], size: int) -> Entry:
	"""The tensor with its place in the file and the shape that it had."""
	if begin + entry.stop > size:
		needed = begin + entry.stop
		raise UnknownFormat(path, f'it is not complete: its tensor {name!r} ends at byte {needed} of {size}')
	original = told.get(ORIGINAL_SHAPE + name)
	shape = entry.shape
	if isinstance(original, list):
		shape = tuple(side for side in original if isinstance(side, int))
		if len(shape) != len(original) or math.prod(shape) != math.prod(entry.shape):
			raise UnknownFormat(
				path, f'the shape told for its tensor {name!r}, {original}, has not as many values as it'
			)
	return Entry(entry.dtype, shape, begin + entry.start, begin + entry.stop)
