"""A file mapped into memory, as tensors."""

from __future__ import annotations

import ctypes
import mmap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from engine.errors import ModelNotFound, UnknownFormat


class Mapped:
	"""A mapped file. Tensors made from it share its memory, and keep the mapping alive; they are not to be written to."""

	def __init__(self, path: Path, mapping: mmap.mmap) -> None:
		self._path = path
		with warnings.catch_warnings():
			# torch warns of memory that cannot be written to; nobody writes to it.
			warnings.simplefilter('ignore', UserWarning)
			self._bytes = torch.frombuffer(mapping, dtype=torch.uint8)

	@classmethod
	@contextmanager
	def opened(cls, path: Path) -> Iterator[Mapped]:
		"""Map a file. Raises `UnknownFormat`, or `ModelNotFound` if it is gone."""
		try:
			with path.open('rb') as file:
				mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
		except FileNotFoundError:
			raise ModelNotFound(path.name, str(path.parent)) from None
		except (OSError, ValueError) as error:  # ValueError: it is empty
			raise UnknownFormat(path, getattr(error, 'strerror', None) or str(error)) from error
		yield cls(path, mapping)

	def tensor(self, start: int, stop: int, dtype: torch.dtype) -> Tensor:
		"""The bytes from `start` to `stop` as a flat tensor. Raises `UnknownFormat` if the file has become shorter."""
		if stop > len(self._bytes):
			raise UnknownFormat(self._path, 'it has become shorter since its header was read')
		if start == stop:
			return torch.empty(0, dtype=dtype)
		piece = self._bytes[start:stop]
		# Formats align their tensors; a file that does not costs a copy of each.
		return piece.view(dtype) if start % dtype.itemsize == 0 else piece.clone().view(dtype)

	def release(self, tensor: Tensor) -> None:
		"""Give back the memory pages that lie wholly within a tensor of this file, which must be contiguous."""
		first = tensor.data_ptr() - self._bytes.data_ptr()
		if 0 <= first < len(self._bytes):
			give_back(tensor)


def give_back(mapped: Tensor) -> None:
	"""Give back the memory pages that lie wholly within a contiguous tensor of a mapped file.

	Only for files: memory of other kinds would lose its values. Does nothing where the system has no such call.
	"""
	if not hasattr(mmap, 'MADV_DONTNEED') or not mapped.is_contiguous():
		return
	start = -(-mapped.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
	stop = (mapped.data_ptr() + mapped.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
	if start < stop:
		_madvise()(start, stop - start, mmap.MADV_DONTNEED)


@cache
def _madvise() -> Callable[[int, int, int], int]:
	"""The system's call, by address: Python's own knows only mappings that Python made."""
	call = ctypes.CDLL(None).madvise
	call.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
	return cast(Callable[[int, int, int], int], call)
