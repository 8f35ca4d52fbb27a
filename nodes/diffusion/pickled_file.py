"""Pickled checkpoints (`.ckpt`, `.pt`, `.pth`, `.bin`), through torch's weights-only loader: it refuses to run code.

Newer ones are zip archives, which are mapped into memory. Older ones are one pickle, which must be read whole.
"""

from __future__ import annotations

import codecs
import pickle
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import ModelNotFound, UnknownFormat
from engine.modelfile import check_pickled
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.mapping import give_back
from nodes.diffusion.safetensors_file import DTYPES

GROUPS = ('image_proj', 'ip_adapter')
WRAPPINGS = ('state_dict', 'model_state_dict', 'params_ema', 'params', 'model', 'module')
"""Names under which programs for training keep the tensors in what they write, beside what else they note."""

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


@dataclass(frozen=True)
class PickledFile(TensorSource):
	"""A pickled checkpoint, of which only names, shapes and dtypes are known."""

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader(TensorReader):
	def __init__(self, source: PickledFile, tensors: dict[str, Tensor], *, mapped: bool) -> None:
		self._source = source
		self._tensors = tensors
		self._mapped = mapped

	@property
	def source(self) -> TensorSource:
		return self._source

	def stored(self, name: str) -> Tensor:
		try:
			return self._tensors[name]
		except KeyError:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}') from None

	def release(self, read: Tensor) -> None:
		if self._mapped:
			give_back(read)


def open_pickled(path: Path) -> PickledFile:
	"""Look what a file holds. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	check_pickled(path)
	tensors = _tensors(path, unpickled(path, 'meta'))
	return PickledFile(
		path,
		shapes={name: tuple(tensor.shape) for name, tensor in tensors.items()},
		dtypes={name: SPELLINGS.get(tensor.dtype, str(tensor.dtype)) for name, tensor in tensors.items()},
		metadata={},
	)


def unpickled(path: Path, device: str = 'cpu') -> object:
	"""What a file holds, its tensors on a device. Raises `UnknownFormat` or `ModelNotFound`."""
	try:
		with path.open('rb') as file, LOCK, torch.serialization.safe_globals(HARMLESS):
			mapped = _can_be_mapped(path)
			held: object = torch.load(path if mapped else file, map_location=device, weights_only=True, mmap=mapped)
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


def _can_be_mapped(path: Path) -> bool:
	"""Whether torch maps the file: it does so with archives, but takes a name in .safetensors at its word."""
	return zipfile.is_zipfile(path) and path.suffix.lower() != '.safetensors'


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
	yield _Reader(source, _tensors(source.path, unpickled(source.path)), mapped=_can_be_mapped(source.path))
