"""Numbers what happens, over all jobs and all lives of the server, and writes it down.

The first subscriber of the bus: what others hear is on its way to the file. Events of one job that follow each other in
one turn of the event loop are one row, so that rows stand in the order of their numbers. Ticks and previews get no number
of their own and are not kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection, func, insert, select

from engine.events import Event, ModelDownload, ModelsChanged, QueueChanged
from engine.jobs import PASSING
from server.store.database import Database
from server.store.rows import event_row, text_of
from server.store.tables import EventRow, SettingRow
from server.store.writer import Writer

log = logging.getLogger(__name__)

GAP = 100_000
"""Left out at each start, for what an earlier process told and could not write."""
LAST = 'last_event'
"""The setting that remembers the highest number, for when the events themselves are forgotten."""
Listener = Callable[[int, Event], None]


class EventLog:
	"""Hears every event in order. `listeners` get each with its number, or that of the last one before it."""

	def __init__(self, writer: Writer) -> None:
		self._writer = writer
		self._last = 0
		self._runs: list[list[tuple[int, Event]]] = []
		self.listeners: set[Listener] = set()
		writer.before_flush(self._hand_over)

	def resume(self, database: Database) -> None:
		"""Go on behind the last number that was given. Raises `DatabaseUnreadable`."""
		with database.connect() as connection:
			last = last_number(connection)
		self._last = last + GAP if last else 0

	@property
	def last(self) -> int:
		"""The number of the last event."""
		return self._last

	def hear(self, event: Event) -> None:
		"""Called by the bus."""
		if not isinstance(event, (*PASSING, QueueChanged, ModelsChanged, ModelDownload)):
			self._last += 1
			if self._runs and self._runs[-1][-1][1].job == event.job:
				self._runs[-1].append((self._last, event))
			else:
				self._runs.append([(self._last, event)])
			self._writer.expect()
		for listener in tuple(self.listeners):
			try:
				listener(self._last, event)
			except Exception:
				log.exception('A listener failed at %s.', type(event).__name__)

	def _hand_over(self) -> None:
		if not self._runs:
			return
		runs, self._runs = self._runs, []
		for run in runs:
			try:
				self._writer.events([event_row(run)])
			except ValueError:
				log.exception('What happened to job %s cannot be written down.', run[0][1].job)


def note_last(connection: Connection, last: int | None = None) -> None:
	"""Remember the last number that was given, or a higher one, though the events themselves go."""
	row = {'name': LAST, 'value_json': text_of(last_number(connection) if last is None else last)}
	connection.execute(insert(SettingRow).prefix_with('OR REPLACE'), row)


def last_number(connection: Connection) -> int:
	"""The last number that was given to an event, as far as the file knows."""
	last = connection.execute(select(func.max(EventRow.last))).scalar() or 0
	noted = connection.execute(select(SettingRow.value_json).where(SettingRow.name == LAST)).scalar()
	return max(last, int(noted) if noted is not None and noted.isdecimal() else 0)
