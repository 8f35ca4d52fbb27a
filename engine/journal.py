"""Lines in files that several processes append to and read at once, each in a file of its own.

A process appends to its own segment, a line by one write, so that what was appended outlives the process, however that
ends; everybody reads all segments. Each line bears a checksum; lines that are torn or damaged are passed over. While a
process lives, it holds a lock on its segment; what the dead have left can be written anew and removed (`replace`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

SUFFIX = '.log'
YOUNG_SECONDS = 10.0
"""So long a segment may be there before its process has locked it."""
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, 'O_BINARY', 0)

if sys.platform == 'win32':
	import msvcrt

	def try_lock(descriptor: int) -> bool:
		"""Lock a file until it is closed; False if it is locked already."""
		os.lseek(descriptor, 2**30, os.SEEK_SET)  # where nobody reads: this lock would forbid it
		try:
			msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
		except OSError:
			return False
		return True
else:
	import fcntl

	def try_lock(descriptor: int) -> bool:
		"""Lock a file until it is closed; False if it is locked already."""
		try:
			fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except OSError:
			return False
		return True


@contextmanager
def alone(path: Path) -> Iterator[bool]:
	"""Whether this is the only one, of all processes and threads, within such a block over the same file."""
	descriptor = os.open(path, FLAGS, 0o644)
	try:
		yield try_lock(descriptor)
	finally:
		os.close(descriptor)


class Line(NamedTuple):
	"""What was appended, and the name of the segment in which it is."""

	segment: str
	body: bytes


@dataclass(slots=True)
class _Own:
	"""The segment that this process writes."""

	name: str
	descriptor: int
	size: int = 0
	torn: bool = False


class Journal:
	"""The segments in a folder. The caller sees to it that one thread uses it at a time."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder
		self._own: _Own | None = None
		self._read: dict[str, int] = {}
		self._warned: set[str] = set()

	@property
	def nbytes(self) -> int:
		"""Bytes of all segments, as far as they were read or written here."""
		return sum(self._read.values()) + (self._own.size if self._own else 0)

	def append(self, body: bytes) -> str:
		"""Append a line, which must hold no newline; gives the segment's name. Raises `OSError`."""
		own = self._own or self._opened()
		line = b'%s%s %s\n' % (b'\n' if own.torn else b'', checksum(body), body)
		own.torn = True
		written = os.write(own.descriptor, line)
		own.size += written
		if written != len(line):
			raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
		own.torn = False
		return own.name

	def read(self) -> Iterator[Line]:
		"""What others have appended since the last call, segment by segment. Raises nothing."""
		names = self.segments()
		for gone in self._read.keys() - names:
			del self._read[gone]
		for name in sorted(names):
			if self._own is None or name != self._own.name:
				yield from self._news(name)

	def segments(self) -> set[str]:
		"""The names of all segments that are there."""
		try:
			with os.scandir(self._folder) as files:
				return {file.name for file in files if file.name.endswith(SUFFIX)}
		except OSError:
			return set()

	def dead(self) -> set[str]:
		"""The segments whose processes live no longer."""
		return {name for name in self.segments() if (not self._own or name != self._own.name) and self._is_dead(name)}

	def rotate(self) -> None:
		"""Leave the own segment behind; the next line begins another."""
		own, self._own = self._own, None
		if own is not None:
			self._read[own.name] = own.size
			os.close(own.descriptor)

	def replace(self, dead: Collection[str], bodies: Iterable[bytes]) -> str:
		"""Write these lines in place of segments whose processes are dead; gives the new segment's name.

		Raises `OSError`; then all is as it was.
		"""
		name = _new_name()
		data = b''.join(b'%s %s\n' % (checksum(body), body) for body in bodies)
		if data:
			part = self._folder / f'{name}.part'
			try:
				part.write_bytes(data)
				part.rename(self._folder / name)
			except OSError:
				part.unlink(missing_ok=True)
				raise
			self._read[name] = len(data)
		for old in dead:
			self._read.pop(old, None)
			(self._folder / old).unlink(missing_ok=True)
		return name

	def _opened(self) -> _Own:
		name = _new_name()
		own = self._own = _Own(name, os.open(self._folder / name, FLAGS, 0o644))
		try_lock(own.descriptor)
		return own

	def _news(self, name: str) -> Iterator[Line]:
		start = self._read.get(name, 0)
		try:
			with (self._folder / name).open('rb') as file:
				if os.fstat(file.fileno()).st_size <= start:
					return
				file.seek(start)
				data = file.read()
		except OSError:
			return  # replaced meanwhile
		whole = data.rfind(b'\n') + 1
		self._read[name] = start + whole
		for line in data[:whole].split(b'\n'):
			given, _, body = line.partition(b' ')
			if line and given != checksum(body):
				self.warn(name)
			elif line:
				yield Line(name, body)

	def warn(self, name: str) -> None:
		"""Say, once for each segment, that lines of it are damaged."""
		if name not in self._warned:
			self._warned.add(name)
			log.warning('Some lines of %s are damaged; they are passed over.', self._folder / name)

	def _is_dead(self, name: str) -> bool:
		path = self._folder / name
		try:
			if time.time() - path.stat().st_mtime < YOUNG_SECONDS:
				return False
			descriptor = os.open(path, FLAGS & ~os.O_CREAT)
		except OSError:
			return False
		try:
			return try_lock(descriptor)
		finally:
			os.close(descriptor)


def started(segment: str) -> float:
	"""When a segment was begun, seconds since the epoch; 0 if its name does not tell."""
	text = segment.partition('-')[0]
	return int(text) / 1e6 if text.isdigit() else 0.0


def checksum(body: bytes) -> bytes:
	"""16 hex digits."""
	return hashlib.blake2b(body, digest_size=8).hexdigest().encode()


def _new_name() -> str:
	return f'{time.time_ns() // 1000:020}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}'
