"""Model files of every format, told apart by their first bytes: what their headers say, without torch."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.errors import ModelNotFound, UnknownFormat
from engine.ggufheader import MAGIC, read_gguf_header
from engine.modelfolder import DENOISERS, component, is_model_folder, weights
from engine.tensorfile import LENGTH, read_header

Format = Literal['safetensors', 'gguf', 'pickle']

ZIP = (b'PK\x03\x04',)
PICKLES = tuple(b'\x80' + bytes([protocol]) for protocol in range(2, 6))


def file_format(path: Path) -> Format:
	"""The format of a model file; what is no other is taken for safetensors, whose reader says what is wrong with it.

	Raises `UnknownFormat` if it cannot be read at all, and `ModelNotFound` if it is not there.
	"""
	try:
		with path.open('rb') as file:
			start = file.read(LENGTH + 1)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	if start.startswith(MAGIC):
		return 'gguf'
	# A safetensors file may begin like a pickle by chance: with the length of its header.
	return 'pickle' if start.startswith(ZIP + PICKLES) and start[LENGTH:] != b'{' else 'safetensors'


def read_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
	"""Names and shapes of a model file's tensors, as far as they can be told without opening the tensors.

	A pickled file tells none: that takes torch's loader, which is for when it is used. A folder in diffusers' layout tells
	those of its denoiser. Raises `ModelNotFound` if it is not there and `UnknownFormat` with the reason if something speaks
	against it.
	"""
	if is_model_folder(path):
		part = component(path, DENOISERS)
		if part is None:
			raise UnknownFormat(path, f'it holds no folder {" or ".join(DENOISERS)}')
		return {name: shape for file in weights(part) for name, shape in read_shapes(file).items()}
	match file_format(path):
		case 'gguf':
			return {name: entry.shape for name, entry in read_gguf_header(path).entries.items()}
		case 'pickle':
			check_pickled(path)
			return {}
		case 'safetensors':
			return read_header(path).shapes


def check_pickled(path: Path) -> None:
	"""See that a pickled file is whole, as far as its directory tells. Raises `UnknownFormat`."""
	try:
		with path.open('rb') as file:
			if file.read(len(ZIP[0])) in ZIP and not zipfile.is_zipfile(file):
				raise UnknownFormat(path, 'it is not complete: the directory at its end is missing')
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
