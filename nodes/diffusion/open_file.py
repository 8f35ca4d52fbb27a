"""A model file that is read by position, straight into the memory of tensors.

It is not mapped into memory: touching what a mapped file has lost ends the whole process, where reading gives an error.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from engine.errors import ModelFileChanged, ModelNotFound, UnknownFormat


class Stamp(NamedTuple):
	"""What changes when a file is replaced or written to: its bytes, and when they were written, in nanoseconds."""

	size: int
	written: int


def stamp(path: Path) -> Stamp:
	"""That of a file as it is now. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	with _told(path):
		return _stamp(path.stat())


def _stamp(state: os.stat_result) -> Stamp:
	return Stamp(state.st_size, state.st_mtime_ns)


class OpenFile:
	"""An open file. It stays the same one whatever happens to its name; several threads may read it at a time."""

	def __init__(self, path: Path, file: FileIO, known: Stamp) -> None:
		self._path = path
		self._file = file
		self._known = known
		self._lock = threading.Lock()

	@classmethod
	@contextmanager
	def opened(cls, path: Path, known: Stamp) -> Iterator[OpenFile]:
		"""Open a file whose header was read when it had that stamp.

		Raises `ModelFileChanged` if it has another by now, or another in the end; `UnknownFormat`, or `ModelNotFound` if it is
		gone.
		"""
		with _told(path):
			file = FileIO(path)
		with file:
			opened = cls(path, file, known)
			opened.check()
			yield opened
			opened.check()

	def check(self) -> None:
		"""Raise `ModelFileChanged` if the file was written to since its header was read."""
		with _told(self._path):
			now = _stamp(os.fstat(self._file.fileno()))
		if now.size < self._known.size:
			raise ModelFileChanged(self._path, f'only {now.size} of its {self._known.size} bytes are left')
		if now != self._known:
			raise ModelFileChanged(self._path, 'it was written to or replaced')

	def fill(self, target: Tensor, start: int) -> None:
		"""Fill a contiguous tensor in main memory with the bytes from `start` on.

		Raises `ModelFileChanged` if the file ends before, and `UnknownFormat` if it cannot be read.
		"""
		if not target.nbytes:
			return
		memory = target.reshape(-1).view(torch.uint8).numpy().data
		done = 0
		while done < len(memory):
			with _told(self._path):
				count = self._read(memory[done:], start + done)
			if not count:
				self.check()
				raise UnknownFormat(self._path, f'it ends at byte {start + done}, within a tensor')
			done += count

	def tensor(self, start: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
		"""What stands from `start` on, in memory of its own. Raises as `fill` does."""
		target = torch.empty(shape, dtype=dtype)
		self.fill(target, start)
		return target

	def _read(self, memory: memoryview, start: int) -> int:
		"""Read at most so much; gives how many bytes there were."""
		if hasattr(os, 'preadv'):
			return os.preadv(self._file.fileno(), [memory], start)
		# Windows has no such call: there threads take turns.
		with self._lock:
			self._file.seek(start)
			return self._file.readinto(memory) or 0


@contextmanager
def _told(path: Path) -> Iterator[None]:
	"""Tell what the system says against reading a file."""
	try:
		yield
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
