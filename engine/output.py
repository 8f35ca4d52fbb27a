"""What worker processes write: cut into lines, kept for a while, and passed on to the server's own output.

A worker may write more than anybody reads. Nothing here waits for a reader, and nothing grows: lines are cut, the kept
ones are the last ones, and what cannot be passed on in time is left out, which is told.
"""

from __future__ import annotations

import codecs
import contextlib
import sys
import threading
from collections.abc import Iterable

LONGEST_LINE = 4096
"""Characters after which a line is cut."""
KEPT_LINES = 200
TOLD_LINES = 40
TOLD_LENGTH = 400
MOST_WAITING = 2**22
"""Characters that may wait to be passed on."""
FLUSH_SECONDS = 1.0


class LineCutter:
	"""Bytes in, lines out. A line that was begun anew, as progress bars do, is its last state."""

	def __init__(self) -> None:
		self._decode = codecs.getincrementaldecoder('utf-8')('replace').decode
		self._begun = ''

	def feed(self, data: bytes) -> list[str]:
		"""The lines that these bytes complete."""
		*whole, begun = (self._begun + self._decode(data)).split('\n')
		# A return at the very end may be half of a line's end.
		begun = begun[begun.rfind('\r', 0, -1) + 1 :]
		*cut, self._begun = _pieces(begun)
		return [piece for line in whole for piece in _pieces(_last_state(line))] + cut

	def rest(self) -> list[str]:
		"""What was begun and never ended."""
		begun, self._begun = self._begun + self._decode(b'', final=True), ''
		return [_last_state(begun)] if begun else []


def _last_state(line: str) -> str:
	line = line.removesuffix('\r')
	return line[line.rfind('\r') + 1 :]


def _pieces(line: str) -> list[str]:
	"""The line, or pieces of it where it is too long."""
	return [line[at : at + LONGEST_LINE] for at in range(0, len(line), LONGEST_LINE)] or ['']


def tail(lines: Iterable[str]) -> tuple[str, ...]:
	"""The last lines, short enough to be told with a failure."""
	return tuple(line if len(line) <= TOLD_LENGTH else f'{line[:TOLD_LENGTH]}…' for line in [*lines][-TOLD_LINES:])


class Echo:
	"""Writes lines to the standard error of this process, from a thread of its own: who reads it may be slow."""

	def __init__(self) -> None:
		self._waiting: list[str] = []
		self._size = 0
		self._left_out = 0
		self._closed = False
		self._changed = threading.Condition()
		self._thread: threading.Thread | None = None

	def write(self, lines: list[str]) -> None:
		"""Have lines written; never waits."""
		with self._changed:
			if self._size >= MOST_WAITING:
				self._left_out += len(lines)
				return
			if self._left_out:
				self._waiting.append(f'({self._left_out} lines of workers are left out here: nobody read so fast)\n')
				self._left_out = 0
			text = ''.join(f'{line}\n' for line in lines)
			self._waiting.append(text)
			self._size += len(text)
			if self._thread is None:
				self._thread = threading.Thread(target=self._carry, name='echo', daemon=True)
				self._thread.start()
			self._changed.notify_all()

	def close(self) -> None:
		"""Wait a moment until all is written, and end."""
		with self._changed:
			self._changed.wait_for(lambda: not self._size, FLUSH_SECONDS)
			self._closed = True
			self._changed.notify_all()

	def _carry(self) -> None:
		while True:
			with self._changed:
				self._changed.wait_for(lambda: self._waiting or self._closed)
				if not self._waiting:
					return
				text, size = ''.join(self._waiting), self._size
				self._waiting.clear()
			# The stream may be closed, or missing.
			with contextlib.suppress(OSError, ValueError, AttributeError):
				_write(text)
			with self._changed:
				self._size -= size
				self._changed.notify_all()


def _write(text: str) -> None:
	stream = sys.stderr
	encoding = stream.encoding or 'utf-8'
	stream.write(text.encode(encoding, 'backslashreplace').decode(encoding))
	stream.flush()
