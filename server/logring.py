"""The last log lines, kept in memory for whoever looks: the server's own, and what workers print."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime

from engine.declaration import Model
from server.redact import redact

KEPT_LINES = 1000
LONGEST_TEXT = 16_384
# What would move the cursor of a terminal, or begin a line that nobody logged.
CONTROL = {code: '�' for code in (*range(32), 127, *range(128, 160)) if chr(code) not in '\t\n'}


class LogLine(Model):
	"""One line: `at` is seconds since the epoch; request, job and node are what it is about, empty if nothing."""

	at: float
	level: str
	source: str
	text: str
	request: str = ''
	job: str = ''
	node: str = ''

	@property
	def human(self) -> str:
		"""As people read it. Further lines of the text are indented, so that none can pass for a line of its own."""
		when = datetime.fromtimestamp(self.at).strftime('%Y-%m-%d %H:%M:%S')
		named = (('request', self.request), ('job', self.job), ('node', self.node))
		about = ' '.join(f'{name}={value}' for name, value in named if value)
		text = self.text.replace('\n', '\n    ')
		return f'{when} {self.level:<7} {self.source}: {text}{f"  [{about}]" if about else ""}'


Listener = Callable[[LogLine], None]


class LogRing:
	"""Keeps lines and hands each to every listener. May be used from any thread."""

	def __init__(self, *, kept: int = KEPT_LINES) -> None:
		self._lock = threading.Lock()
		self._lines: deque[LogLine] = deque(maxlen=kept)
		self._listeners: tuple[Listener, ...] = ()
		self._count = 0

	def add(self, at: float, source: str, text: str, *, level: str = 'INFO', job: str = '', node: str = '') -> None:
		"""Keep a line that was not logged in this process, such as one that a worker printed."""
		self.keep(LogLine(at=at, level=level, source=source, text=clean(text), job=job, node=node))

	def keep(self, line: LogLine) -> None:
		"""Keep a line as it is. Its text must be `clean`."""
		with self._lock:
			self._lines.append(line)
			self._count += 1
		for listener in self._listeners:
			listener(line)

	@property
	def lines(self) -> tuple[LogLine, ...]:
		"""The last lines, oldest first."""
		with self._lock:
			return tuple(self._lines)

	@property
	def last(self) -> int:
		"""The number of the last line; 0 before the first."""
		return self._count

	def since(self, number: int) -> tuple[tuple[int, LogLine], ...]:
		"""The kept lines behind that number, oldest first, each with its own: lines are numbered from 1 on as they come.

		A number that was not given yet is one of an earlier process: then all that is kept is new.
		"""
		with self._lock:
			first = self._count - len(self._lines) + 1
			after = number if number <= self._count else 0
			return tuple(item for item in enumerate(self._lines, first) if item[0] > after)

	def listen(self, listener: Listener) -> AbstractContextManager[object]:
		"""Have somebody called for every further line, in the thread that has it, until the returned context ends.

		A listener must not wait, raise or log.
		"""
		with self._lock:
			self._listeners = (*self._listeners, listener)
		stack = ExitStack()
		stack.callback(self._forget, listener)
		return stack

	def _forget(self, listener: Listener) -> None:
		with self._lock:
			self._listeners = tuple(item for item in self._listeners if item != listener)


def clean(text: str) -> str:
	"""A text that may be shown: without secrets, without control characters, not endless."""
	cut = text if len(text) <= LONGEST_TEXT else f'{text[:LONGEST_TEXT]} …'
	return redact(cut.rstrip('\n')).translate(CONTROL)
