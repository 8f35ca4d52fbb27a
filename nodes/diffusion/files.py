"""A safetensors file, opened with care: its tensors are read one by one, and what is wrong with it is said in a sentence.

The format: eight bytes of length, little endian, a JSON header, then the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import ModelError, ModelNotFound, UnknownFormat

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
class TensorFile:
	"""The header of a safetensors file: names, shapes and metadata."""

	path: Path
	shapes: Mapping[str, tuple[int, ...]]
	metadata: Mapping[str, str]

	def json(self, name: str) -> Any:
		"""A metadata entry that holds JSON, or None where there is none. Raises `UnknownFormat`."""
		text = self.metadata.get(name)
		if text is None:
			return None
		try:
			return json.loads(text)
		except ValueError as error:
			raise UnknownFormat(self.path, f'its metadata entry {name!r} is no JSON') from error

	def read(
		self,
		wanted: Mapping[str, str],
		shapes: Mapping[str, tuple[int, ...]],
		*,
		dtype: torch.dtype,
		cancel: CancelToken,
	) -> dict[str, Tensor]:
		"""Read tensors by `{key: name in the file}`, in the given dtype and in the shapes given by key.

		The tensors hold their own memory, so the file may be replaced afterwards. Raises `UnknownFormat` or
		`JobCancelled`.
		"""
		tensors = {}
		try:
			with safe_open(self.path, framework='pt', device='cpu') as file:
				for key, name in wanted.items():
					cancel.check()
					tensors[key] = file.get_tensor(name).to(dtype, copy=True).reshape(shapes[key])
		except (SafetensorError, OSError) as error:
			raise UnknownFormat(self.path, str(error)) from error
		return tensors


def open_file(path: Path) -> TensorFile:
	"""Read a file's header. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	try:
		with path.open('rb') as file:
			header, room = _header(path, file)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	try:
		metadata = {str(name): str(text) for name, text in header.pop('__metadata__', {}).items()}
		shapes = {name: tuple(map(int, entry['shape'])) for name, entry in header.items()}
		end = max((int(entry['data_offsets'][1]) for entry in header.values()), default=0)
	except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
		raise UnknownFormat(path, 'its header does not describe tensors as safetensors does') from error
	if end > room:
		raise UnknownFormat(path, f'it ends too early: {end} bytes of tensors are announced, {room} are there')
	return TensorFile(path, shapes, metadata)


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


def _header(path: Path, file: BinaryIO) -> tuple[dict[str, Any], int]:
	"""The header as JSON, and how many bytes follow it."""
	size = path.stat().st_size
	if size == 0:
		raise UnknownFormat(path, 'it is empty')
	start = file.read(LENGTH)
	length = int.from_bytes(start, 'little')
	if len(start) < LENGTH or not 2 <= length <= min(LONGEST_HEADER, size - LENGTH):
		raise UnknownFormat(path, next((said for sign, said in OTHERS.items() if start.startswith(sign)), NOT_ONE))
	try:
		header = json.loads(file.read(length))
	except ValueError:
		header = None
	if not isinstance(header, dict):
		raise UnknownFormat(path, NOT_ONE)
	return header, size - LENGTH - length
