"""A file mapped into memory, as tensors."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import ModelNotFound, UnknownFormat


class Mapped:
	"""A mapped file. Tensors made from it share its memory, and keep the mapping alive; they are not to be written to."""

	def __init__(self, path: Path, mapping: mmap.mmap) -> None:
		self._path = path
		self._mapping = mapping
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
		if not hasattr(mmap, 'MADV_DONTNEED'):
			return
		first = tensor.data_ptr() - self._bytes.data_ptr()
		start = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
		stop = (first + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
		if 0 <= start < stop <= len(self._bytes):
			self._mapping.madvise(mmap.MADV_DONTNEED, start, stop - start)
