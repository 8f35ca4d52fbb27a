"""One value as one run of bytes: JSON where it has no arrays, else a safetensors file with the JSON in its metadata.

Format of the latter: 8 bytes, little endian, the length of a JSON header; the header, which names type, shape and place
of each array; the arrays (https://github.com/huggingface/safetensors#format). Equal values give equal bytes, so the
sha256 of the bytes is the digest of the value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import EngineError

LENGTH = 8
ALIGNMENT = 64
METADATA = 'lumengraph'
ITEM_BYTES = {
	'BOOL': 1,
	'U8': 1,
	'I8': 1,
	'F8_E4M3': 1,
	'F8_E5M2': 1,
	'I16': 2,
	'U16': 2,
	'F16': 2,
	'BF16': 2,
	'I32': 4,
	'U32': 4,
	'F32': 4,
	'I64': 8,
	'U64': 8,
	'F64': 8,
}
"""Array types by their safetensors name, and how many bytes one element has."""


class CannotDecode(EngineError):
	"""Bytes that are no value: damaged, or of a kind that nobody has registered."""


class UnknownCodec(CannotDecode):
	"""The bytes are whole, but hold a dataclass or an object whose name nobody has registered."""


class Array(NamedTuple):
	"""The elements of an array in C order, little endian; `dtype` is one of `ITEM_BYTES`."""

	dtype: str
	shape: tuple[int, ...]
	data: bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Blob:
	"""The bytes of a value, in pieces that follow one another; `name` is their sha256 in hex, `size` their number."""

	name: str
	size: int
	chunks: tuple[bytes | bytearray | memoryview, ...]

	def join(self) -> bytes:
		"""The bytes in one piece."""
		return b''.join(self.chunks)


def blob_of(chunks: tuple[bytes | bytearray | memoryview, ...]) -> Blob:
	"""Name what these pieces make up."""
	hasher = hashlib.sha256()
	size = 0
	for chunk in chunks:
		hasher.update(chunk)
		size += len(chunk)
	return Blob(hasher.hexdigest(), size, chunks)


def pack(text: str, arrays: Sequence[Array]) -> tuple[bytes | bytearray | memoryview, ...]:
	"""The pieces of a value: its JSON, and its arrays, which are named by their index. Copies no array."""
	if not arrays:
		return (text.encode(),)
	header: dict[str, object] = {'__metadata__': {METADATA: text}}
	chunks: list[bytes | bytearray | memoryview] = [b'']
	start = 0
	# Wide elements come first, so that each array begins at a multiple of its element's size.
	for index in sorted(range(len(arrays)), key=lambda index: -ITEM_BYTES[arrays[index].dtype]):
		array = arrays[index]
		chunk = memoryview(array.data).cast('B') if len(array.data) else memoryview(b'')
		end = start + len(chunk)
		header[str(index)] = {'dtype': array.dtype, 'shape': array.shape, 'data_offsets': (start, end)}
		chunks.append(chunk)
		start = end
	head = json.dumps(header, separators=(',', ':')).encode()
	head += b' ' * (-(LENGTH + len(head)) % ALIGNMENT)
	chunks[0] = len(head).to_bytes(LENGTH, 'little') + head
	return tuple(chunks)


def unpack(data: bytes | bytearray | memoryview) -> tuple[str, tuple[Array, ...]]:
	"""The JSON and the arrays, which are views of `data`. Raises `CannotDecode` if this is not what `pack` made."""
	view = memoryview(data).cast('B')
	try:
		# JSON has no zero bytes; the length of a header ends in some.
		if 0 not in bytes(view[:LENGTH]):
			return str(view, 'utf-8'), ()
		end = LENGTH + int.from_bytes(view[:LENGTH], 'little')
		header = json.loads(str(view[LENGTH:end], 'utf-8'))
		text = header.pop('__metadata__')[METADATA]
		arrays = tuple(_array(header[str(index)], view[end:]) for index in range(len(header)))
	except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
		raise CannotDecode(f'These bytes are no value: {type(error).__name__}: {error}') from error
	if not isinstance(text, str):
		raise CannotDecode('These bytes are no value: their metadata is not a text.')
	return text, arrays


def _array(entry: dict[str, Any], room: memoryview) -> Array:
	"""One array as the header describes it. Raises `ValueError` or `KeyError` if it does not fit."""
	shape = tuple(int(side) for side in entry['shape'])
	start, end = entry['data_offsets']
	wanted = ITEM_BYTES[entry['dtype']]
	for side in shape:
		wanted *= side
	if not 0 <= start <= end <= len(room) or end - start != wanted:
		raise ValueError('an array does not fit its shape')
	return Array(entry['dtype'], shape, room[start:end])
