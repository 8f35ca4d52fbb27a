"""Blobs as files, each named for the sha256 of its bytes: `ab/abcd…`."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Container, Iterator
from pathlib import Path

from engine.blob import Blob, CannotDecode

TEMPORARY = '.part'
LARGEST_WRITE = 2**30
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0)


class BlobFolder:
	"""Blobs in a folder that several processes share.

	A blob that was touched within the last `spare` seconds is not removed, since somebody may be about to refer to it.
	"""

	def __init__(self, folder: Path, *, spare: float) -> None:
		self._folder = str(folder)
		self._spare = spare

	def has(self, name: str, size: int) -> bool:
		"""Whether a blob is there in its full size."""
		try:
			return os.stat(self._path(name)).st_size == size  # noqa: PTH116 (asked of every step of a plan)
		except OSError:
			return False

	def write(self, blob: Blob, *, known: bool = False) -> None:
		"""Keep a blob; one that is `known`, and there, is only touched. Raises `OSError`; nothing is left half-written."""
		path = Path(self._path(blob.name))
		if known and self.has(blob.name, blob.size):
			os.utime(path)
			return
		path.parent.mkdir(exist_ok=True)
		part = path.with_name(f'{blob.name}-{secrets.token_hex(4)}{TEMPORARY}')
		try:
			descriptor = os.open(part, FLAGS, 0o644)
			try:
				for chunk in blob.chunks:
					_write_all(descriptor, memoryview(chunk))
			finally:
				os.close(descriptor)
			part.replace(path)
		except OSError:
			part.unlink(missing_ok=True)
			raise

	def read(self, name: str, size: int) -> bytearray:
		"""A blob's bytes. Raises `OSError`, or `CannotDecode` if they are not those that its name tells."""
		with open(self._path(name), 'rb', buffering=0) as file:  # noqa: PTH123
			if os.fstat(file.fileno()).st_size != size:
				raise CannotDecode('Its size is another.')
			data = bytearray(size)
			view = memoryview(data)
			while view:
				count = file.readinto(view)
				if not count:
					raise CannotDecode('It ends too early.')
				view = view[count:]
		if hashlib.sha256(data).hexdigest() != name:
			raise CannotDecode('Its bytes are not those that were written.')
		return data

	def remove(self, name: str) -> None:
		"""Remove a blob at once, if it is there."""
		Path(self._path(name)).unlink(missing_ok=True)

	def remove_old(self, name: str) -> bool:
		"""Remove a blob unless it is too young; whether it is gone."""
		path = Path(self._path(name))
		try:
			if time.time() - path.stat().st_mtime < self._spare:
				return False
			path.unlink(missing_ok=True)
		except OSError:
			return not path.exists()
		return True

	def sweep(self, wanted: Container[str]) -> None:
		"""Remove what is not wanted, and what killed writers have left half-written; not what is too young."""
		for file in self._files():
			try:
				if file.name not in wanted and time.time() - file.stat().st_mtime >= self._spare:
					Path(file.path).unlink(missing_ok=True)
			except OSError:
				continue

	def _files(self) -> Iterator[os.DirEntry[str]]:
		with os.scandir(self._folder) as folders:
			for folder in folders:
				if folder.is_dir():
					with os.scandir(folder) as files:
						yield from files

	def _path(self, name: str) -> str:
		return f'{self._folder}/{name[:2]}/{name}'


def _write_all(descriptor: int, view: memoryview) -> None:
	view = view.cast('B')
	while view:
		count = os.write(descriptor, view[:LARGEST_WRITE])
		if not count:
			raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
		view = view[count:]
