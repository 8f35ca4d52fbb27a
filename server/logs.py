"""Log lines of this process: to the terminal, as people read them or as JSON, and into the ring."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from engine.logcontext import JOB, NODE, REQUEST
from server.logring import LogLine, LogRing, clean

Format = Callable[[LogLine], str]


class LogHandler(logging.Handler):
	"""Writes every record to a stream, and keeps it."""

	def __init__(self, ring: LogRing, stream: TextIO, format: Format) -> None:
		super().__init__()
		self._ring = ring
		self._stream = stream
		self._format = format

	def emit(self, record: logging.LogRecord) -> None:
		"""Called by `logging`, one record at a time."""
		try:
			line = line_of(record)
			self._stream.write(f'{self._format(line)}\n')
			self._stream.flush()
			self._ring.keep(line)
		except Exception:
			self.handleError(record)


def line_of(record: logging.LogRecord) -> LogLine:
	"""A record with what it is about, as far as the context that logs it knows."""
	text = record.getMessage()
	if record.exc_info:
		text = f'{text}\n{logging.Formatter().formatException(record.exc_info)}'
	return LogLine(
		at=record.created,
		level=record.levelname,
		source=record.name,
		text=clean(text),
		request=REQUEST.get(),
		job=JOB.get(),
		node=NODE.get(),
	)


def human(line: LogLine) -> str:
	"""A line for people."""
	return line.human


def as_json(line: LogLine) -> str:
	"""A line for programs: one JSON object; what it is not about is left out."""
	return line.model_dump_json(exclude_defaults=True)


FORMATS: dict[str, Format] = {'human': human, 'json': as_json}


@contextmanager
def logging_to(ring: LogRing, *, level: str, format: str, stream: TextIO | None = None) -> Iterator[None]:
	"""Have the whole process log so, until the context ends."""
	root, handler = logging.getLogger(), LogHandler(ring, stream or sys.stderr, FORMATS[format])
	handlers, before = tuple(root.handlers), root.level
	root.handlers[:] = [handler]
	root.setLevel(level)
	logging.captureWarnings(True)
	try:
		yield
	finally:
		logging.captureWarnings(False)
		root.setLevel(before)
		root.handlers[:] = handlers
