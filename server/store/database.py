"""Opens the database: one SQLite file in write-ahead mode, upgraded to the newest tables, for one server at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import EngineError

HEAD = '0004'
"""The newest migration: at it, nothing needs to be imported to upgrade."""
MIGRATIONS = Path(__file__).parent / 'migrations'
BUSY_SECONDS = 5.0
PRAGMAS = (
	f'busy_timeout={int(BUSY_SECONDS * 1000)}',
	'journal_mode=WAL',
	# A process that is killed loses nothing; a machine that loses power may lose the last moments, never the rest.
	'synchronous=NORMAL',
	'foreign_keys=ON',
)


class DatabaseInUse(EngineError):
	"""Another server has the data folder open."""

	def __init__(self, folder: Path) -> None:
		super().__init__(
			f'Another server uses {folder}. Stop it, or give this one its own folder with --data-directory.'
		)
		self.folder = folder


class DatabaseUnreadable(EngineError):
	"""The file is no database of ours, or one of a newer version."""

	def __init__(self, path: Path, reason: str) -> None:
		super().__init__(f'The database {path} cannot be used: {reason}')
		self.path = path


class Database:
	"""The file. `engine` hands out connections, to any thread, once it is open."""

	def __init__(self, path: Path) -> None:
		self.path = path
		self.engine = connect(path)
		self._lock = FileLock(path.with_suffix('.lock'))

	def open(self) -> None:
		"""Take it, and upgrade its tables. Raises `DatabaseInUse`, `DatabaseUnreadable`."""
		try:
			self.path.parent.mkdir(parents=True, exist_ok=True)
			self._lock.acquire(timeout=0)
		except Timeout:
			raise DatabaseInUse(self.path.parent) from None
		except OSError as error:
			raise DatabaseUnreadable(self.path, f'{error.strerror or error}.') from error
		try:
			upgrade(self.engine, self.path)
		except BaseException:
			self.close()
			raise

	def close(self) -> None:
		"""Let go of it."""
		self.engine.dispose()
		self._lock.release()

	@contextmanager
	def connect(self) -> Iterator[Connection]:
		"""A connection to read with: all that it reads is of one moment. Raises `DatabaseUnreadable`."""
		with readable(self.path), self.engine.connect() as connection:
			yield connection


@contextmanager
def readable(path: Path) -> Iterator[None]:
	"""What is wrong with the file becomes `DatabaseUnreadable`."""
	try:
		yield
	except (DatabaseError, sqlite3.DatabaseError) as error:
		raise DatabaseUnreadable(path, f'{error.__cause__ or error}.') from error


def connect(path: Path) -> Engine:
	"""Connections to the file, with its settings."""
	engine = create_engine(URL.create('sqlite', database=str(path)))

	@event.listens_for(engine, 'connect')
	def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
		# The driver begins no transaction before it reads or changes tables; `begin` below does.
		connection.isolation_level = None
		for pragma in PRAGMAS:
			connection.execute(f'PRAGMA {pragma}').close()

	@event.listens_for(engine, 'begin')
	def begin(connection: Connection) -> None:
		connection.exec_driver_sql('BEGIN')

	return engine


def upgrade(engine: Engine, path: Path, *, revision: str = HEAD) -> None:
	"""Bring the tables up to a revision, or leave them as they are; nothing is done if they are there.

	Raises `DatabaseUnreadable`.
	"""
	with readable(path):
		present = current_revision(engine)
		if present == revision:
			return
		# The tools for upgrading take a tenth of a second to import, and tell of their own parts when they are.
		logging.getLogger('alembic').setLevel(logging.WARNING)
		from alembic import command
		from alembic.config import Config
		from alembic.script import ScriptDirectory
		from alembic.util import CommandError

		config = Config()
		config.set_main_option('script_location', str(MIGRATIONS).replace('%', '%%'))
		known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
		if present is not None and present not in known:
			raise DatabaseUnreadable(path, f'it is of a newer version of the program (its tables are {present}).')
		try:
			with changing_tables(engine) as connection:
				config.attributes['connection'] = connection
				command.upgrade(config, revision)
		except CommandError as error:
			raise DatabaseUnreadable(path, str(error)) from error


@contextmanager
def changing_tables(engine: Engine) -> Iterator[Connection]:
	"""A transaction in which tables may be made anew: what refers to a table stays when it is dropped meanwhile."""
	with engine.connect() as connection:
		# Not within a transaction, where SQLite passes it over.
		driver = connection.connection.driver_connection
		if not isinstance(driver, sqlite3.Connection):
			raise TypeError(f'A connection to SQLite was expected, not {driver!r}.')
		driver.execute('PRAGMA foreign_keys=OFF').close()
		try:
			with connection.begin():
				yield connection
		finally:
			driver.execute('PRAGMA foreign_keys=ON').close()


def current_revision(engine: Engine) -> str | None:
	"""The revision of the tables; None for a new file."""
	with engine.connect() as connection:
		if not inspect(connection).has_table('alembic_version'):
			return None
		found = connection.execute(text('SELECT version_num FROM alembic_version')).scalar()
		return None if found is None else str(found)
