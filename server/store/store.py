"""All of the store: file, writer, reader, and the log of events."""

from __future__ import annotations

from pathlib import Path

from engine.settings import Settings
from server.store.archive import Archive
from server.store.database import Database
from server.store.deliveries import Deliveries
from server.store.event_log import EventLog
from server.store.jobs import Retention, SqlJobStore
from server.store.writer import Writer

FILE = 'lumengraph.db'


class Store:
	"""Made at once, opened when the server starts."""

	def __init__(self, path: Path, retention: Retention) -> None:
		self.database = Database(path)
		self.writer = Writer(self.database.engine)
		self.jobs = SqlJobStore(self.database, self.writer, retention)
		self.archive = Archive(self.database, self.writer)
		self.log = EventLog(self.writer)
		self.deliveries = Deliveries(self.writer, self.archive)

	@classmethod
	def of(cls, settings: Settings) -> Store:
		"""The store in the data folder."""
		return cls(settings.data_folder / FILE, Retention(settings.keep_jobs, settings.keep_days))

	def open(self) -> None:
		"""Open the file and begin to write. Raises `DatabaseInUse`, `DatabaseUnreadable`."""
		self.database.open()
		try:
			self.log.resume(self.database)
		except BaseException:
			self.database.close()
			raise
		self.writer.start()

	def close(self) -> None:
		"""Write what is left, and let go of the file."""
		self.writer.close()
		self.archive.close()
		self.database.close()
