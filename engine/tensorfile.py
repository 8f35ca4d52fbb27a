"""The header of a safetensors file: what tensors it holds, and whether it is whole. Reads no tensor.

Format: 8 bytes, little endian, the length of a JSON header; the header; then exactly the bytes that its offsets name
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import JsonValue

from engine.errors import ModelNotFound, UnknownFormat

LENGTH = 8
LONGEST_HEADER = 100_000_000
NOT_ONE = 'it is not a safetensors file, or its beginning is damaged'
PICKLED = 'it is a pickled checkpoint, which can run code when opened; use a .safetensors file'
OTHERS = {
	b'PK\x03\x04': PICKLED,
	b'\x80\x02': PICKLED,
	b'\x80\x03': PICKLED,
	b'\x80\x04': PICKLED,
	b'\x80\x05': PICKLED,
	b'GGUF': 'GGUF files are not supported',
}
"""What other files begin with, and what to say of them."""


@dataclass(frozen=True)
class Header:
	"""Names, shapes and metadata of a safetensors file."""

	shapes: Mapping[str, tuple[int, ...]]
	metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
	"""Read a file's header and see that the file is whole.

	Raises `ModelNotFound` if it is not there and `UnknownFormat` with the reason for any other fault.
	"""
	try:
		with path.open('rb') as file:
			header, room = _parsed(path, file)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	try:
		metadata = {str(name): str(text) for name, text in header.pop('__metadata__', {}).items()}
		shapes = {name: tuple(map(int, entry['shape'])) for name, entry in header.items()}
		end = max((int(entry['data_offsets'][1]) for entry in header.values()), default=0)
	except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
		raise UnknownFormat(path, 'its header does not describe tensors as safetensors does') from error
	if end > room:
		raise UnknownFormat(path, f'it is not complete: {end} bytes of tensors are announced, {room} are there')
	if end < room:
		raise UnknownFormat(path, f'it is damaged: {room - end} bytes follow its last tensor')
	return Header(shapes, metadata)


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


def _parsed(path: Path, file: BinaryIO, longest: int = LONGEST_HEADER) -> tuple[dict[str, Any], int]:
	"""The header as JSON, and how many bytes follow it."""
	size = path.stat().st_size
	if size == 0:
		raise UnknownFormat(path, 'it is empty')
	start = file.read(LENGTH)
	length = int.from_bytes(start, 'little')
	if len(start) < LENGTH or not 2 <= length <= min(longest, size - LENGTH):
		raise UnknownFormat(path, next((said for sign, said in OTHERS.items() if start.startswith(sign)), NOT_ONE))
	try:
		header = json.loads(file.read(length))
	except (ValueError, RecursionError):
		header = None
	if not isinstance(header, dict):
		raise UnknownFormat(path, NOT_ONE)
	return header, size - LENGTH - length
