"""Tells clients of log lines, if they have asked for that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from server.comfy.sockets import Hub
from server.logring import LogLine
from server.schemas.logs import LogEntries, LogEntry
from server.schemas.messages import Logs

GATHER_SECONDS = 0.1
MOST_WAITING = 1000
MOST_SUBSCRIBERS = 1000


class LogTeller:
	"""Sends log lines to the sockets that want them, together for what comes within a moment."""

	def __init__(self, hub: Hub) -> None:
		self._hub = hub
		self._wanted: dict[str, None] = {}
		self._waiting: deque[LogLine] = deque(maxlen=MOST_WAITING)
		self._due = False
		self._loop: asyncio.AbstractEventLoop | None = None

	def subscribe(self, sid: str) -> None:
		"""Tell this client of every further line, also when it comes back with a new socket."""
		self._loop = asyncio.get_running_loop()
		if len(self._wanted) >= MOST_SUBSCRIBERS:
			self._wanted = {other: None for other in self._wanted if self._hub.find(other) is not None}
		if len(self._wanted) < MOST_SUBSCRIBERS:
			self._wanted[sid] = None

	def unsubscribe(self, sid: str) -> None:
		"""Tell this client nothing more."""
		self._wanted.pop(sid, None)

	def hear(self, line: LogLine) -> None:
		"""Called by the ring for every line, from any thread."""
		if not self._wanted or self._loop is None or self._loop.is_closed():
			return
		self._waiting.append(line)
		if not self._due:
			self._due = True
			self._loop.call_soon_threadsafe(self._loop.call_later, GATHER_SECONDS, self._tell)

	def _tell(self) -> None:
		self._due = False
		lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
		message = Logs(data=LogEntries(entries=entries(lines)))
		for sid in tuple(self._wanted):
			self._hub.send(sid, message)


def entries(lines: Iterable[LogLine]) -> list[LogEntry]:
	"""Lines as the dialect lists them."""
	return [LogEntry(t=datetime.fromtimestamp(line.at).isoformat(), m=f'{line.human}\n') for line in lines]
