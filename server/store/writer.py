"""Writes to the database in a thread of its own: what comes while it writes goes into the next transaction, together.

What comes in one turn of the event loop is never torn apart: a job's end is in the file with all that was told of it, or
not at all. Who must know that something is written awaits `settled`. If the disk refuses (it is full, say, or locked by
another program), what is to be written is kept and tried again, and `trouble` says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError

from engine.errors import EngineError
from server.store.batch import Batch, New, Row

log = logging.getLogger(__name__)

PATIENCE = 20.0
CLOSE_SECONDS = 10.0
GATHER_SECONDS = 0.02
"""So long it is waited for more to write with what has come, unless somebody waits for that."""
RETRY_SECONDS = (0.1, 0.5, 2.0, 5.0)


class NotStored(EngineError):
	"""The database cannot be written at present."""


class Writer:
	"""Takes rows from the thread of the event loop, and writes them in its own."""

	def __init__(self, engine: Engine) -> None:
		self._engine = engine
		self._coming = Batch()
		self._due: asyncio.Handle | None = None
		self._before_flush: Callable[[], None] = lambda: None
		# From here on: shared by the two threads.
		self._lock = threading.Lock()
		self._filled = threading.Event()
		self._wanted = threading.Event()
		self._closing = threading.Event()
		self._last_try = 0.0
		self._waiting: list[Batch] = []
		self._writing: list[Batch] = []
		self._told: list[Callable[[], None]] = []
		self.trouble = ''
		self._thread = threading.Thread(target=self._work, name='store', daemon=True)

	def start(self) -> None:
		"""Begin to write."""
		self._thread.start()

	def before_flush(self, call: Callable[[], None]) -> None:
		"""Have somebody hand over first what he has gathered in this turn."""
		self._before_flush = call

	def holds(self, job: str) -> bool:
		"""Whether something of a job waits to be written."""
		with self._lock:
			return any(job in batch.added or job in batch.changed for batch in self._batches)

	def holder(self, key: str) -> str | None:
		"""The id of the job of this key that waits to be written as a new one."""
		with self._lock:
			added = [new.row for batch in self._batches for new in batch.added.values()]
		return next((str(row['id']) for row in added if row['key'] == key), None)

	def add(self, row: dict[str, object], submission: Row) -> None:
		"""A new job, and what was submitted as it."""
		self._coming.added[str(row['id'])] = New(row, submission)
		self.expect()

	def change(self, job: str, row: dict[str, object]) -> None:
		"""What has changed of a job: the columns of `CHANGING`."""
		self._coming.change(job, row)
		self.expect()

	def end(self, job: str, outputs: Sequence[Row]) -> None:
		"""The outputs of a job that is over."""
		self._coming.ended[job] = outputs
		self.expect()

	def events(self, rows: Sequence[Row]) -> None:
		"""Events that were told."""
		self._coming.events += rows
		self.expect()

	def setting(self, name: str, value: str) -> None:
		"""Something to remember."""
		self._coming.settings[name] = value
		self.expect()

	def call(self, call: Callable[[Connection], None]) -> None:
		"""Anything else, done once all that came before is written."""
		self._coming.calls.append(call)
		self.expect()

	def expect(self) -> None:
		"""Something has come, or will in this turn: hand it over when the turn is over."""
		if self._due is None:
			with contextlib.suppress(RuntimeError):  # No loop runs: whoever works so flushes himself.
				self._due = asyncio.get_running_loop().call_soon(self.flush)

	def flush(self) -> None:
		"""Hand over what has come; it is written soon."""
		self._before_flush()
		if self._due is not None:
			self._due.cancel()
			self._due = None
		if self._coming.empty:
			return
		coming, self._coming = self._coming, Batch()
		with self._lock:
			# What came after a call is not to be seen by it.
			if not self._waiting or self._waiting[-1].calls:
				self._waiting.append(coming)
			else:
				self._waiting[-1].append(coming)
		self._filled.set()

	async def settled(self) -> None:
		"""Wait until all that came so far is written. Raises `NotStored` if that takes too long."""
		self.flush()
		loop = asyncio.get_running_loop()
		written = asyncio.Event()

		def tell() -> None:
			with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile: nobody waits.
				loop.call_soon_threadsafe(written.set)

		with self._lock:
			if not self._waiting and not self._writing:
				return
			self._told.append(tell)
		self._filled.set()
		self._wanted.set()
		try:
			async with asyncio.timeout(PATIENCE):
				await written.wait()
		except TimeoutError:
			raise NotStored(f'The database cannot be written: {self.trouble or "it does not answer"}.') from None

	def close(self) -> None:
		"""Write what is left, and end. What the disk refuses for `CLOSE_SECONDS` is lost, which is logged."""
		self.flush()
		self._last_try = time.monotonic() + CLOSE_SECONDS
		self._closing.set()
		self._filled.set()
		self._wanted.set()
		if self._thread.is_alive():
			self._thread.join()

	@property
	def _batches(self) -> tuple[Batch, ...]:
		return self._coming, *self._waiting, *self._writing

	def _work(self) -> None:
		while True:
			self._filled.wait()
			self._wanted.wait(GATHER_SECONDS)
			self._filled.clear()
			self._wanted.clear()
			with self._lock:
				self._writing, self._waiting = self._waiting, []
				told, self._told = self._told, []
			for batch in self._writing:
				if not self._keep_writing(batch):
					return
			with self._lock:
				self._writing = []
			for tell in told:
				tell()
			if self._closing.is_set() and not self._filled.is_set():
				return

	def _keep_writing(self, batch: Batch) -> bool:
		"""Write it, however often that must be tried; false if it had to be given up at the end."""
		failures = 0
		while not self._written(batch):
			if self._closing.is_set() and time.monotonic() >= self._last_try:
				log.error('The server ends, and what could not be written is lost.')
				return False
			pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
			if self._closing.wait(pause):
				time.sleep(RETRY_SECONDS[0])
			failures += 1
		return True

	def _written(self, batch: Batch) -> bool:
		"""Write it in one transaction; false if the disk refuses."""
		if batch.empty:
			return True
		try:
			try:
				with self._engine.begin() as connection:
					batch.write(connection)
			except Exception as error:
				if is_trouble(error):
					raise
				log.exception('Something cannot be written as it is.')
				with self._engine.begin() as connection:
					write_pieces(batch, connection)
		except Exception as error:
			said = str(error.orig if isinstance(error, DatabaseError) and error.orig else error)
			if said != self.trouble:
				log.error('The database cannot be written, which is tried again: %s', said)
			self.trouble = said
			return False
		if self.trouble:
			log.info('The database can be written again.')
			self.trouble = ''
		return True


def write_pieces(batch: Batch, connection: Connection) -> None:
	"""Write what can be written of a batch of which something is bad, so that the rest is not lost with it."""
	for piece in batch.pieces():
		try:
			with connection.begin_nested():
				piece.write(connection)
		except Exception as error:
			if is_trouble(error):
				raise
			log.exception('This part of it is left out.')


def is_trouble(error: Exception) -> bool:
	"""Whether it is the disk or the file that refuses, and not what is to be written."""
	return isinstance(error, DatabaseError) and not isinstance(error, DataError | IntegrityError | ProgrammingError)
