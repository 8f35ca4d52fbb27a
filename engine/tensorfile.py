"""The header of a safetensors file: what tensors it holds, and whether it is whole. Reads no tensor.

Format: 8 bytes, little endian, the length of a JSON header; the header; then exactly the bytes that its offsets name
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import JsonValue

from engine.errors import ModelNotFound, UnknownFormat

LENGTH = 8
LONGEST_HEADER = 100_000_000
REMEMBERED = 4
"""So many headers: a few megabytes, which take longer to read than a small part of a model."""
NOT_ONE = 'it is not a safetensors file, or its beginning is damaged'
BITS = {
	**dict.fromkeys(('F64', 'I64', 'U64', 'C64'), 64),
	**dict.fromkeys(('F32', 'I32', 'U32'), 32),
	**dict.fromkeys(('F16', 'BF16', 'I16', 'U16'), 16),
	**dict.fromkeys(('F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'I8', 'U8', 'BOOL'), 8),
	'F4': 4,
}
"""How many bits a value takes, by dtype."""


@dataclass(frozen=True, slots=True)
class Entry:
	"""A tensor: its dtype as the format spells it, its shape, and where in the file its bytes start and stop."""

	dtype: str
	shape: tuple[int, ...]
	start: int
	stop: int


@dataclass(frozen=True)
class Header:
	"""What tensors a safetensors file holds, and its metadata."""

	entries: Mapping[str, Entry]
	metadata: Mapping[str, str]

	@property
	def shapes(self) -> dict[str, tuple[int, ...]]:
		"""The tensors' shapes by name."""
		return {name: entry.shape for name, entry in self.entries.items()}


def read_header(path: Path) -> Header:
	"""Read a file's header and see that the file is whole.

	The last ones are remembered for as long as their files stay as they are: a model is asked for part by part.
	Raises `ModelNotFound` if it is not there and `UnknownFormat` with the reason for any other fault.
	"""
	try:
		state = path.stat()
		return _read_header(path, (state.st_size, state.st_mtime_ns, state.st_ino))
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error


@lru_cache(maxsize=REMEMBERED)
def _read_header(path: Path, state: tuple[int, ...]) -> Header:
	"""The header of a file in that state: size, time and number."""
	with path.open('rb') as file:
		header, room = _parsed(path, file)
	try:
		metadata = {str(name): str(text) for name, text in header.pop('__metadata__', {}).items()}
		entries = {name: _entry(entry) for name, entry in header.items()}
	except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
		raise UnknownFormat(path, 'its header does not describe tensors as safetensors does') from error
	_check(path, entries, room)
	begin = path.stat().st_size - room
	return Header(
		{name: replace(entry, start=begin + entry.start, stop=begin + entry.stop) for name, entry in entries.items()},
		metadata,
	)


def read_metadata(path: Path, longest: int = LONGEST_HEADER) -> Mapping[str, JsonValue]:
	"""What a file says of itself (`__metadata__`); nothing if it says nothing.

	Raises `ModelNotFound` if it is not there, and `UnknownFormat` if it is no such file or its header is longer than
	`longest` bytes. Whether its tensors are whole is not looked at.
	"""
	try:
		with path.open('rb') as file:
			header, _ = _parsed(path, file, longest)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	metadata = header.get('__metadata__')
	return metadata if isinstance(metadata, dict) else {}


def _entry(described: Mapping[str, Any]) -> Entry:
	start, stop = map(int, described['data_offsets'])
	return Entry(str(described['dtype']), tuple(map(int, described['shape'])), start, stop)


def _check(path: Path, entries: Mapping[str, Entry], room: int) -> None:
	"""See that tensors follow each other without a hole, each of the length that its shape asks for, up to the end."""
	end = 0
	for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
		bits = BITS.get(entry.dtype)
		if entry.start != end or entry.stop < entry.start or min(entry.shape, default=0) < 0:
			raise UnknownFormat(path, f'its header gives its tensor {name!r} a place that cannot be')
		if bits is not None and math.prod(entry.shape) * bits != (entry.stop - entry.start) * 8:
			raise UnknownFormat(path, f'its header gives its tensor {name!r} a length that its shape does not have')
		end = entry.stop
	if end > room:
		raise UnknownFormat(path, f'it is not complete: {end} bytes of tensors are announced, {room} are there')
	if end < room:
		raise UnknownFormat(path, f'it is damaged: {room - end} bytes follow its last tensor')


def _parsed(path: Path, file: BinaryIO, longest: int = LONGEST_HEADER) -> tuple[dict[str, Any], int]:
	"""The header as JSON, and how many bytes follow it."""
	size = path.stat().st_size
	if size == 0:
		raise UnknownFormat(path, 'it is empty')
	start = file.read(LENGTH)
	length = int.from_bytes(start, 'little')
	if len(start) < LENGTH or not 2 <= length <= min(longest, size - LENGTH):
		raise UnknownFormat(path, NOT_ONE)
	try:
		header = json.loads(file.read(length))
	except (ValueError, RecursionError):
		header = None
	if not isinstance(header, dict):
		raise UnknownFormat(path, NOT_ONE)
	return header, size - LENGTH - length
