"""The database file: opened, upgraded, refused."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from engine.settings import PROJECT
from server.store import database as module
from server.store.database import HEAD, MIGRATIONS, Database, DatabaseInUse, DatabaseUnreadable, connect, upgrade
from server.store.tables import Base, JobRow, OutputRow


def script_directory(folder: Path = MIGRATIONS) -> ScriptDirectory:
	"""The migrations."""
	config = Config()
	config.set_main_option('script_location', str(folder))
	return ScriptDirectory.from_config(config)


REVISIONS = [script.revision for script in script_directory().walk_revisions()][::-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
	"""Where the file will be."""
	return tmp_path / 'data' / 'lumengraph.db'


@pytest.fixture
def opened(path: Path) -> Iterator[Database]:
	"""An open database."""
	database = Database(path)
	database.open()
	yield database
	database.close()


def job_row(id: str = 'a', **others: object) -> dict[str, object]:
	"""A row of the first tables, of a job that has succeeded."""
	return {
		'id': id,
		'number': 1.0,
		'arrival': 1.0,
		'state': 'succeeded',
		'client': 'me',
		'previews': False,
		'key': None,
		'webhook': '',
		'workflow': None,
		'created': 1.5,
		'started': 2.0,
		'finished': 3.0,
		'attempts': 1,
		'losses': 0,
		'failure_json': None,
		'ended': 0,
		**others,
	}


def fill(path: Path) -> None:
	"""Put a job with an output and an event into tables of any revision, by the columns that all have."""
	with closing(sqlite3.connect(path)) as connection:
		for table, row in (
			('jobs', job_row()),
			('submissions', {'job': 'a', 'prompt_json': '{}', 'targets_json': '[]', 'extra_json': '{}'}),
			('outputs', {'job': 'a', 'position': 0, 'node': 'n', 'ui_json': '{}'}),
			('events', {'last': 7, 'job': 'a', 'body_json': '[]'}),
			('settings', {'name': 'paused', 'value_json': 'true'}),
		):
			marks = ', '.join(f':{name}' for name in row)
			connection.execute(f'INSERT INTO {table} ({", ".join(row)}) VALUES ({marks})', row)
		connection.commit()


TABLES = ('jobs', 'submissions', 'outputs', 'events', 'settings')


def counts(path: Path) -> dict[str, int]:
	"""Table → rows."""
	with closing(sqlite3.connect(path)) as connection:
		return {table: connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0] for table in TABLES}


def make(path: Path, revision: str) -> None:
	"""A database as an older version left it."""
	path.parent.mkdir(parents=True, exist_ok=True)
	engine = connect(path)
	upgrade(engine, path, revision=revision)
	engine.dispose()


class TestOpen:
	"""The file is made, and taken."""

	def test_makes_folder_and_tables(self, opened: Database) -> None:
		"""An empty data folder becomes one with a database of the newest tables."""
		with opened.connect() as connection:
			assert connection.execute(select(JobRow.id)).all() == []
			assert connection.execute(text('SELECT version_num FROM alembic_version')).scalar() == HEAD

	def test_settings_of_connections(self, opened: Database) -> None:
		"""Write-ahead log, foreign keys, patience with other programs."""
		with opened.connect() as connection:
			found = {
				name: connection.execute(text(f'PRAGMA {name}')).scalar()
				for name in ('journal_mode', 'foreign_keys', 'synchronous', 'busy_timeout')
			}

		assert found == {'journal_mode': 'wal', 'foreign_keys': 1, 'synchronous': 1, 'busy_timeout': 5000}

	def test_odd_folder(self, tmp_path: Path) -> None:
		"""Letters that mean something in an address are letters of a name here."""
		folder = tmp_path / 'a?b#c %41 é'
		database = Database(folder / 'lumengraph.db')
		database.open()
		database.close()

		assert (folder / 'lumengraph.db').stat().st_size > 0

	def test_what_is_read_is_of_one_moment(self, opened: Database) -> None:
		"""What is written between two reads of one connection is not seen by the second."""
		with opened.connect() as reading:
			before = reading.execute(select(JobRow.id)).all()
			with opened.engine.begin() as writing:
				writing.execute(insert(JobRow), job_row())
			after = reading.execute(select(JobRow.id)).all()
		with opened.connect() as reading:
			later = reading.execute(select(JobRow.id)).scalars().all()

		assert (before, after, later) == ([], [], ['a'])


class TestInUse:
	"""One server at a time."""

	def test_second_one_is_refused(self, opened: Database) -> None:
		"""With a sentence that names folder and flag; the first one goes on."""
		with pytest.raises(DatabaseInUse, match=re.escape(str(opened.path.parent))) as caught:
			Database(opened.path).open()
		assert '--data-directory' in str(caught.value)

		with opened.connect() as connection:
			assert connection.execute(select(JobRow.id)).all() == []

	def test_another_process_is_refused(self, opened: Database) -> None:
		"""The lock holds between processes."""
		code = f"""
from pathlib import Path
from server.store.database import Database, DatabaseInUse
try:
	Database(Path({str(opened.path)!r})).open()
except DatabaseInUse:
	print('in use')
"""
		done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=False)

		assert done.stdout.strip() == 'in use', done.stderr

	def test_free_again_after_close(self, path: Path) -> None:
		"""And after an opening that failed."""
		path.parent.mkdir()
		path.write_bytes(b'no database' * 1000)
		with pytest.raises(DatabaseUnreadable):
			Database(path).open()
		path.unlink()
		for _ in range(2):
			database = Database(path)
			database.open()
			database.close()

		assert path.is_file()


class TestUnreadable:
	"""What cannot be used is refused with a reason, and left as it is."""

	def test_no_database(self, path: Path) -> None:
		"""A file of something else."""
		path.parent.mkdir()
		path.write_bytes(b'this is no database, but long enough to be looked at' * 100)
		before = path.read_bytes()
		with pytest.raises(DatabaseUnreadable, match='not a database'):
			Database(path).open()

		assert path.read_bytes() == before

	def test_tables_of_somebody_else(self, path: Path) -> None:
		"""A database with a table of one of our names, but not ours: nothing is added to it."""
		path.parent.mkdir()
		with closing(sqlite3.connect(path)) as connection:
			connection.execute('CREATE TABLE outputs (x)')
			connection.commit()
		with pytest.raises(DatabaseUnreadable, match='already exists'):
			Database(path).open()
		with closing(sqlite3.connect(path)) as connection:
			tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()

		assert tables == [('outputs',)]

	def test_newer_version(self, path: Path) -> None:
		"""A database that a later version upgraded is not touched: there is no way down."""
		make(path, HEAD)
		with closing(sqlite3.connect(path)) as connection:
			connection.execute("UPDATE alembic_version SET version_num = '9999'")
			connection.commit()
		with pytest.raises(DatabaseUnreadable, match=r'newer version of the program .*9999'):
			Database(path).open()

		assert counts(path)['jobs'] == 0

	def test_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
		"""A file stands where the data folder should be."""
		(tmp_path / 'data').write_text('in the way')
		with pytest.raises(DatabaseUnreadable, match='data'):
			Database(tmp_path / 'data' / 'lumengraph.db').open()

	def test_damaged_pages(self, path: Path) -> None:
		"""A file that was overwritten in the middle is told to be damaged, not a crash of its own kind."""
		make(path, HEAD)
		fill(path)
		size = path.stat().st_size
		with path.open('r+b') as stream:
			stream.seek(4096)
			stream.write(b'\xff' * (size - 4096))
		database = Database(path)
		with pytest.raises(DatabaseUnreadable):
			database.open()

	def test_locked_by_another_program(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""An old file that somebody writes to cannot be upgraded now."""
		monkeypatch.setattr(module, 'PRAGMAS', ('busy_timeout=20', *module.PRAGMAS[1:]))
		path.parent.mkdir()
		with closing(sqlite3.connect(path, isolation_level=None)) as other:
			other.execute('PRAGMA journal_mode=WAL')
			other.execute('BEGIN IMMEDIATE')
			with pytest.raises(DatabaseUnreadable, match='locked'):
				Database(path).open()
		database = Database(path)
		database.open()
		database.close()


class TestMigrations:
	"""From every older revision to the newest."""

	def test_head_is_the_newest(self) -> None:
		"""The constant says what the scripts say, and there is one newest."""
		assert script_directory().get_heads() == [HEAD]

	def test_newest_is_what_the_tables_say(self, opened: Database) -> None:
		"""The last migration and the declared tables are one."""
		with opened.connect() as connection:
			context = MigrationContext.configure(connection, opts={'compare_type': True})

			assert compare_metadata(context, Base.metadata) == []

	@pytest.mark.parametrize('revision', REVISIONS)
	def test_upgrade_keeps_what_is_there(self, path: Path, revision: str) -> None:
		"""Each older file is upgraded when it is opened, with its rows."""
		make(path, revision)
		fill(path)
		database = Database(path)
		database.open()
		with database.connect() as connection:
			job = connection.execute(select(JobRow.id, JobRow.state, JobRow.created, JobRow.ended)).one()
		database.close()

		assert tuple(job) == ('a', 'succeeded', 1.5, 0)
		assert counts(path) == dict.fromkeys(TABLES, 1)

	def test_older_jobs_show_what_there_is(self, path: Path) -> None:
		"""Before a job could say how, `auto` was the only way."""
		make(path, '0003')
		fill(path)
		database = Database(path)
		database.open()
		with database.connect() as connection:
			method = connection.execute(select(JobRow.preview_method)).scalar()
		database.close()

		assert method == 'auto'

	@pytest.mark.parametrize('revision', ['base', *REVISIONS[:-1]])
	def test_down_and_up_again(self, path: Path, revision: str) -> None:
		"""Each step can be taken back by hand, and taken again."""
		make(path, HEAD)
		engine = connect(path)
		config = Config()
		config.set_main_option('script_location', str(MIGRATIONS))
		with engine.begin() as connection:
			config.attributes['connection'] = connection
			command.downgrade(config, revision)
		upgrade(engine, path)
		with engine.connect() as connection:
			difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
		engine.dispose()

		assert difference == []

	def test_from_the_command_line(self, path: Path) -> None:
		"""Alembic's own command works on the file that the environment names."""
		path.parent.mkdir()
		done = subprocess.run(
			[sys.executable, '-m', 'alembic', 'upgrade', 'head'],
			cwd=PROJECT,
			env={'LUMENGRAPH_DB': str(path), 'PATH': ''},
			capture_output=True,
			text=True,
			check=False,
		)

		assert done.returncode == 0, done.stderr
		assert counts(path)['jobs'] == 0


LATER = """
import sqlalchemy as sa
from alembic import op

revision = 'later'
down_revision = {head!r}


def upgrade():
	op.create_table('first', sa.Column('id', sa.Integer(), primary_key=True))
	with op.batch_alter_table('jobs', recreate='always') as batch:
		batch.add_column(sa.Column('added', sa.String(), nullable=True))
	{end}
"""


class TestFutureMigrations:
	"""What a migration to come may rely on."""

	def later(self, tmp_path: Path, end: str) -> Path:
		"""The migrations with one more."""
		folder = tmp_path / 'migrations'
		shutil.copytree(MIGRATIONS, folder)
		(folder / 'versions' / 'later.py').write_text(LATER.format(head=HEAD, end=end))
		return folder

	def test_table_made_anew_keeps_its_children(
		self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""SQLite changes columns by copying a table and dropping it, which must not drop outputs with it."""
		make(path, HEAD)
		fill(path)
		monkeypatch.setattr(module, 'MIGRATIONS', self.later(tmp_path, 'pass'))
		engine = connect(path)
		upgrade(engine, path, revision='later')
		with engine.begin() as connection:
			output = connection.execute(select(OutputRow.job)).scalar()
			connection.execute(text('DELETE FROM jobs'))
		engine.dispose()

		assert output == 'a'
		assert counts(path) == {**dict.fromkeys(TABLES, 0), 'events': 1, 'settings': 1}

	def test_failed_one_changes_nothing(self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""All of an upgrade happens, or nothing: after a failure in the middle the file is as it was."""
		make(path, HEAD)
		fill(path)
		monkeypatch.setattr(module, 'MIGRATIONS', self.later(tmp_path, "op.execute('SELECT * FROM nowhere')"))
		engine = connect(path)
		with pytest.raises(DatabaseUnreadable, match='nowhere'):
			upgrade(engine, path, revision='later')
		with engine.connect() as connection:
			revision = connection.execute(text('SELECT version_num FROM alembic_version')).scalar()
			with pytest.raises(OperationalError):
				connection.execute(text('SELECT * FROM first'))
		engine.dispose()

		assert revision == HEAD
		assert counts(path)['outputs'] == 1
