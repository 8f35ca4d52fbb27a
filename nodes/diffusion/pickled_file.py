"""Pickled checkpoints (`.ckpt`, `.pt`, `.pth`, `.bin`), through torch's weights-only loader: it refuses to run code.

Newer ones are zip archives, whose tensors are read where they stand. Older ones are one pickle, which must be read whole.
"""

from __future__ import annotations

import codecs
import pickle
import re
import struct
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.errors import ModelNotFound, UnknownFormat
from engine.modelfile import check_pickled
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.open_file import OpenFile, Stamp, stamp
from nodes.diffusion.safetensors_file import DTYPES

GROUPS = ('image_proj', 'ip_adapter')
WRAPPINGS = ('state_dict', 'model_state_dict', 'params_ema', 'params', 'model', 'module')
"""Names under which programs for training keep the tensors in what they write, beside what else they note."""

NAME_LENGTH = 26
"""Where the header of a zip archive's record tells how long the record's name is, and then what else is before its bytes."""

SPELLINGS = {dtype: name for name, dtype in DTYPES.items()}

LOCK = threading.Lock()
"""What torch allows is one list for the whole process."""


class _Note:
	"""Stands for an object that a trainer left in a checkpoint: it holds data, and does nothing."""


SCALAR = np.float64(0).__reduce__()[0]

# What old checkpoints hold besides tensors: numbers of numpy, and a trainer's record of its best score.
HARMLESS: list[Any] = [
	(_Note, 'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint'),
	(SCALAR, 'numpy.core.multiarray.scalar'),
	(SCALAR, 'numpy._core.multiarray.scalar'),
	np.dtype,
	type(np.dtype(np.float64)),
	codecs.encode,
]


class Place(NamedTuple):
	"""Where an archive has the values of a tensor: `start` is the byte of its first, `strides` count values."""

	start: int
	strides: tuple[int, ...]


@dataclass(frozen=True)
class PickledFile(TensorSource):
	"""A pickled checkpoint.

	`empties` are its tensors without memory, `places` says where they stand, all of them or none: then it must be read
	whole.
	"""

	empties: Mapping[str, Tensor]
	places: Mapping[str, Place]
	stamp: Stamp

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader(TensorReader):
	"""Reads tensors where they stand, or gives those of a file that was read whole (`tensors`)."""

	def __init__(self, source: PickledFile, file: OpenFile, tensors: Mapping[str, Tensor]) -> None:
		self._source = source
		self._file = file
		self._tensors = tensors

	@property
	def source(self) -> TensorSource:
		return self._source

	def empty(self, name: str) -> Tensor:
		try:
			return self._source.empties[name]
		except KeyError:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}') from None

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		empty, place = self.empty(name), self._source.places.get(name)
		if not target.nbytes:
			return
		if place is not None and empty.stride() == place.strides:
			self._file.fill(target, place.start + start)
			return
		tensor = self._tensors[name] if place is None else self._scattered(empty, place)
		values = tensor.contiguous().reshape(-1).view(torch.uint8)
		target.reshape(-1).view(torch.uint8).copy_(values[start : start + target.nbytes])

	def check(self) -> None:
		self._file.check()

	def _scattered(self, empty: Tensor, place: Place) -> Tensor:
		"""A tensor whose values do not follow each other in the file."""
		span = 1 + sum((size - 1) * stride for size, stride in zip(empty.shape, place.strides, strict=True))
		return self._file.tensor(place.start, (span,), empty.dtype).as_strided(empty.shape, place.strides)


def open_pickled(path: Path) -> PickledFile:
	"""Look what a file holds. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	known = stamp(path)
	check_pickled(path)
	tensors = _tensors(path, unpickled(path, 'meta'))
	return PickledFile(
		path,
		shapes={name: tuple(tensor.shape) for name, tensor in tensors.items()},
		dtypes={name: SPELLINGS.get(tensor.dtype, str(tensor.dtype)) for name, tensor in tensors.items()},
		metadata={},
		empties={
			name: torch.empty(tensor.shape, dtype=tensor.dtype, device='meta') for name, tensor in tensors.items()
		},
		places=_places(path, tensors),
		stamp=known,
	)


def _places(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Place]:
	"""Where an archive has its tensors, which are on the meta device; nothing if they cannot all be read there."""
	if not zipfile.is_zipfile(path):
		return {}
	try:
		whole = _records(path)
	except (zipfile.BadZipFile, struct.error):
		return {}
	places = {}
	for name, tensor in tensors.items():
		storage = tensor.untyped_storage()
		# torch notes it for tensors without memory, and says so in its notes on serialization.
		start = getattr(storage, '_checkpoint_offset', None)
		if start is None or (tensor.numel() and whole.get(start, -1) < storage.nbytes()):
			return {}
		places[name] = Place(start + tensor.storage_offset() * tensor.itemsize, tensor.stride())
	return places


def _records(path: Path) -> dict[int, int]:
	"""Where the records of an archive begin that are kept as they are, with their bytes."""
	records = {}
	with path.open('rb') as file, zipfile.ZipFile(file) as archive:
		for entry in archive.infolist():
			if entry.compress_type == zipfile.ZIP_STORED:
				file.seek(entry.header_offset + NAME_LENGTH)
				name, extra = struct.unpack('<HH', file.read(4))
				records[entry.header_offset + NAME_LENGTH + 4 + name + extra] = entry.file_size
	return records


def unpickled(path: Path, device: str = 'cpu') -> object:
	"""What a file holds, its tensors on a device. Raises `UnknownFormat` or `ModelNotFound`."""
	try:
		with path.open('rb') as file, LOCK, torch.serialization.safe_globals(HARMLESS):
			held: object = torch.load(file, map_location=device, weights_only=True)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except pickle.UnpicklingError as error:
		wanted = re.search(r'GLOBAL (\S+)', str(error))
		if wanted is None:
			raise UnknownFormat(path, 'it is a damaged pickle, or one of another kind') from error
		raise UnknownFormat(
			path, f'opening it would run code of its own ({wanted[1]}), which is refused; use a .safetensors file'
		) from error
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	except Exception as error:  # What a damaged pickle raises can be anything.
		raise UnknownFormat(
			path, f'it is damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__})'
		) from error
	return held


def _tensors(path: Path, held: object) -> dict[str, Tensor]:
	"""The tensors by name, however deep they are wrapped."""
	while isinstance(held, Mapping):
		inside = next((held[name] for name in WRAPPINGS if isinstance(held.get(name), Mapping)), None)
		if inside is None:
			return {name: value.detach() for name, value in _named(held) if isinstance(value, Tensor)}
		held = inside
	raise UnknownFormat(path, f'it holds no tensors by name, but a {type(held).__name__}')


def _named(held: Mapping[object, object]) -> Iterator[tuple[str, object]]:
	"""Names and values; those in the groups of an IP-Adapter with the group's name before theirs, as in safetensors."""
	for name, value in held.items():
		if name in GROUPS and isinstance(value, Mapping):
			yield from ((f'{name}.{inner}', tensor) for inner, tensor in value.items())
		else:
			yield str(name), value


@contextmanager
def _opened(source: PickledFile) -> Iterator[TensorReader]:
	with OpenFile.opened(source.path, source.stamp) as file:
		whole = {} if source.places else _tensors(source.path, unpickled(source.path))
		yield _Reader(source, file, whole)
