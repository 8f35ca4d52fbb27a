"""The thread that writes: in whole turns, again and again where the disk refuses, and to the end."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import (
	DatabaseError,
	DataError,
	IntegrityError,
	InterfaceError,
	OperationalError,
	ProgrammingError,
)

from server.store import writer as module
from server.store.batch import CHANGING
from server.store.database import Database
from server.store.writer import NotStored, Writer, is_trouble
from tests.server.client import eventually
from tests.server.store.desk import FILE, rows
from tests.server.store.test_database import job_row

QUICK = 0.3
SLOW = 30.0


class Desk:
	"""A writer over a file of its own, and what it committed."""

	def __init__(self, folder: Path) -> None:
		self.folder = folder
		self.database = Database(folder / FILE)
		self.database.open()
		self.writer = Writer(self.database.engine)
		self.commits = 0
		event.listen(self.database.engine, 'commit', self._count)

	def _count(self, _: Connection) -> None:
		self.commits += 1

	def add(self, id: str, *, prompt: str = '{}', **others: object) -> None:
		"""A new job."""
		submitted = {'job': id, 'prompt_json': prompt, 'targets_json': '[]', 'extra_json': '{}'}
		self.writer.add(job_row(id, **others), submitted)

	def jobs(self) -> dict[str, str]:
		"""Job → state, as the file has it."""
		return dict(rows(self.folder, 'SELECT id, state FROM jobs ORDER BY id'))

	def pragma(self, text: str) -> None:
		"""Change something of the one connection that the writer uses."""
		with self.database.engine.connect() as connection:
			driver = connection.connection.driver_connection
			assert isinstance(driver, sqlite3.Connection)
			driver.execute(f'PRAGMA {text}').close()

	def stand_still_until_written(self, job: str) -> None:
		"""Wait within one turn of the loop."""
		deadline = time.monotonic() + SLOW
		while self.writer.holds(job) and time.monotonic() < deadline:
			time.sleep(0.01)

	async def troubled(self) -> None:
		"""Wait until a try has failed."""

		async def is_troubled() -> bool:
			return bool(self.writer.trouble)

		await eventually(is_troubled, 'a try that fails')


@pytest_asyncio.fixture(loop_scope='session')
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
	"""A writer that writes."""
	desk = Desk(tmp_path)
	desk.writer.start()
	yield desk
	desk.writer.close()
	desk.database.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Nobody waits long."""
	monkeypatch.setattr(module, 'PATIENCE', QUICK)
	monkeypatch.setattr(module, 'CLOSE_SECONDS', QUICK)
	monkeypatch.setattr(module, 'RETRY_SECONDS', (0.01,))


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[sqlite3.Connection]:
	"""Another program's connection to the file; `BEGIN IMMEDIATE` keeps everybody else from writing."""
	with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as connection:
		yield connection


def change(state: str) -> dict[str, object]:
	"""The columns that change."""
	row = job_row(state=state)
	return {name: row[name] for name in CHANGING}


class TestTurns:
	"""What comes in one turn of the loop is written together."""

	async def test_one_transaction(self, desk: Desk) -> None:
		"""Jobs, their ends and events of one turn are in the file at once."""
		desk.add('a')
		desk.add('b')
		desk.writer.end('a', [{'job': 'a', 'position': 0, 'node': 'n', 'ui_json': '{}'}])
		desk.writer.events([{'last': 1, 'job': 'a', 'body_json': '[]'}])
		desk.writer.setting('paused', 'true')
		await desk.writer.settled()

		assert desk.commits == 1
		assert desk.jobs() == {'a': 'succeeded', 'b': 'succeeded'}
		assert rows(desk.folder, 'SELECT node FROM outputs') == [('n',)]
		assert rows(desk.folder, 'SELECT last FROM events') == [(1,)]
		assert rows(desk.folder, 'SELECT name, value_json FROM settings') == [('paused', 'true')]

	async def test_a_turn_is_not_torn(self, desk: Desk) -> None:
		"""The thread takes nothing of a turn that is not over, though it is awake and has other things to write."""
		desk.add('a')
		desk.writer.flush()
		desk.add('b')

		desk.stand_still_until_written('a')

		assert desk.jobs() == {'a': 'succeeded'}
		await desk.writer.settled()
		assert desk.jobs() == {'a': 'succeeded', 'b': 'succeeded'}

	async def test_written_without_being_asked(self, desk: Desk) -> None:
		"""When the turn is over, the thread gets to work."""
		desk.add('a')

		async def is_written() -> bool:
			return not desk.writer.holds('a')

		await eventually(is_written, 'the job to be written')

		assert desk.jobs() == {'a': 'succeeded'}

	async def test_what_is_gathered_comes_along(self, desk: Desk) -> None:
		"""Who gathers during a turn is asked for it at the end."""
		desk.writer.before_flush(lambda: desk.writer.setting('gathered', '1'))
		desk.writer.expect()
		await desk.writer.settled()

		assert rows(desk.folder, 'SELECT name FROM settings') == [('gathered',)]


class TestSettled:
	"""Waiting until all is written."""

	async def test_nothing_to_write(self, desk: Desk) -> None:
		"""There is nothing to wait for, and nothing is written."""
		await desk.writer.settled()

		assert desk.commits == 0

	async def test_turns_that_follow_each_other_are_written_together(
		self, desk: Desk, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""While nobody waits, more is waited for; who waits need not wait for that."""
		monkeypatch.setattr(module, 'GATHER_SECONDS', 60.0)
		for name in 'abc':
			desk.add(name)
			desk.writer.flush()
			await asyncio.sleep(0)
		before = desk.commits
		await desk.writer.settled()

		assert (before, desk.commits) == (0, 1)
		assert desk.jobs().keys() == {'a', 'b', 'c'}

	async def test_everybody_who_waits_is_told(self, desk: Desk) -> None:
		"""However many wait at once."""
		desk.add('a')
		await asyncio.gather(*(desk.writer.settled() for _ in range(20)))

		assert desk.jobs() == {'a': 'succeeded'}

	async def test_who_gives_up_disturbs_nobody(self, desk: Desk) -> None:
		"""A request that is cancelled while it waits."""
		desk.add('a')
		task = asyncio.create_task(desk.writer.settled())
		await asyncio.sleep(0)
		task.cancel()
		await asyncio.gather(task, return_exceptions=True)
		desk.add('b')
		await desk.writer.settled()

		assert set(desk.jobs()) == {'a', 'b'}

	def test_a_loop_that_has_ended(self, tmp_path: Path, lock: sqlite3.Connection) -> None:
		"""Whoever waited in it is not told, and the thread goes on."""
		desk = Desk(tmp_path)
		desk.writer.start()
		lock.execute('BEGIN IMMEDIATE')

		async def give_up() -> None:
			desk.add('a')
			waiting = asyncio.create_task(desk.writer.settled())
			await asyncio.sleep(0.01)
			waiting.cancel()

		asyncio.run(give_up())
		lock.execute('ROLLBACK')
		desk.add('b')
		desk.writer.close()
		desk.database.close()

		assert set(desk.jobs()) == {'a', 'b'}


class TestMerging:
	"""Of a job only the newest state is written."""

	async def test_added_and_changed(self, desk: Desk) -> None:
		"""In one turn, and in the next ones."""
		desk.add('a', state='queued')
		desk.writer.change('a', change('running'))
		await desk.writer.settled()
		first = desk.jobs()
		desk.writer.change('a', change('queued'))
		desk.writer.change('a', change('failed'))
		await desk.writer.settled()

		assert first == {'a': 'running'}
		assert desk.jobs() == {'a': 'failed'}

	async def test_turns_that_had_to_wait(self, desk: Desk, lock: sqlite3.Connection) -> None:
		"""While the disk is busy, turns pile up, and are written as if each had been."""
		lock.execute('BEGIN IMMEDIATE')
		desk.add('a', state='queued')
		desk.writer.flush()
		desk.add('b', state='queued')
		desk.writer.change('a', change('running'))
		desk.writer.flush()
		desk.writer.change('a', change('failed'))
		desk.writer.change('b', change('cancelled'))
		desk.writer.setting('x', '1')
		desk.writer.flush()
		desk.writer.setting('x', '2')
		desk.writer.flush()
		lock.execute('ROLLBACK')
		await desk.writer.settled()

		assert desk.jobs() == {'a': 'failed', 'b': 'cancelled'}
		assert rows(desk.folder, 'SELECT value_json FROM settings') == [('2',)]

	async def test_a_call_sees_nothing_of_what_comes_after_it(self, desk: Desk, lock: sqlite3.Connection) -> None:
		"""Though both are written soon after each other."""
		seen: list[str] = []
		lock.execute('BEGIN IMMEDIATE')
		desk.add('a', state='queued')
		desk.writer.flush()
		desk.writer.call(
			lambda connection: seen.append(connection.execute(text('SELECT state FROM jobs')).scalar_one())
		)
		desk.writer.flush()
		desk.writer.change('a', change('failed'))
		desk.writer.flush()
		lock.execute('ROLLBACK')
		await desk.writer.settled()

		assert seen == ['queued']
		assert desk.jobs() == {'a': 'failed'}

	async def test_ended_twice(self, desk: Desk) -> None:
		"""The newer end counts, whether both are written together or one after the other."""

		def output(text: str) -> list[dict[str, object]]:
			return [{'job': 'a', 'position': 0, 'node': text, 'ui_json': '{}'}]

		desk.add('a')
		desk.writer.end('a', output('first'))
		desk.writer.end('a', output('second'))
		await desk.writer.settled()
		together = rows(desk.folder, 'SELECT node FROM outputs')
		desk.writer.end('a', output('third'))
		await desk.writer.settled()

		assert together == [('second',)]
		assert rows(desk.folder, 'SELECT node FROM outputs') == [('third',)]


class TestHolds:
	"""What is on its way is known."""

	async def test_from_the_first_moment_to_the_file(self, desk: Desk, lock: sqlite3.Connection) -> None:
		"""In the turn, while it waits, while it is written; and no longer than that."""
		lock.execute('BEGIN IMMEDIATE')
		desk.add('a', key='k')
		found = [(desk.writer.holds('a'), desk.writer.holder('k'))]
		desk.writer.flush()
		found.append((desk.writer.holds('a'), desk.writer.holder('k')))
		desk.writer.change('b', change('running'))
		found.append((desk.writer.holds('b'), desk.writer.holder('l')))
		lock.execute('ROLLBACK')
		await desk.writer.settled()

		assert found == [(True, 'a'), (True, 'a'), (True, None)]
		assert (desk.writer.holds('a'), desk.writer.holder('k')) == (False, None)


class TestBadRows:
	"""Something cannot be written as it is."""

	async def test_the_rest_is_written(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
		"""The bad parts are left out and logged; what stands before and behind them is written, in one transaction."""

		def bad(_: Connection) -> None:
			raise RuntimeError('a bad call')

		done: list[str] = []
		desk.add('a')
		desk.add('bad', created=None)
		desk.add('huge', attempts=2**80)
		desk.add('z')
		desk.writer.end('nobody', [{'job': 'nobody', 'position': 0, 'node': 'n', 'ui_json': '{}'}])
		desk.writer.end('z', [{'job': 'z', 'position': 0, 'node': 'n', 'ui_json': '{}'}])
		desk.writer.events([{'last': 1, 'job': None, 'body_json': ''}, {'last': 2, 'job': 'a', 'body_json': ''}])
		desk.writer.call(bad)
		desk.writer.call(lambda _: done.append('good'))
		await desk.writer.settled()

		assert set(desk.jobs()) == {'a', 'z'}
		assert rows(desk.folder, 'SELECT job FROM outputs') == [('z',)]
		assert rows(desk.folder, 'SELECT last FROM events') == [(2,)]
		assert done[-1] == 'good'
		assert desk.commits == 1
		assert len([record for record in caplog.records if 'left out' in record.message]) == 5
		assert desk.writer.trouble == ''

	async def test_what_comes_later_is_written(self, desk: Desk) -> None:
		"""The thread survives."""
		desk.add('bad', created=None)
		await desk.writer.settled()
		desk.add('a')
		await desk.writer.settled()

		assert set(desk.jobs()) == {'a'}


@pytest.mark.usefixtures('hasty')
class TestTrouble:
	"""The disk refuses."""

	async def recovers(self, desk: Desk) -> None:
		"""What could not be written is written in the end, and nothing came twice."""
		await desk.writer.settled()

		assert desk.jobs() == {'a': 'failed', 'b': 'succeeded'}
		assert desk.writer.trouble == ''

	async def in_trouble(self, desk: Desk, reason: str) -> None:
		"""Who waits is told why it does not go on; what comes meanwhile is kept."""
		desk.add('a', state='queued')
		with pytest.raises(NotStored, match=reason):
			await desk.writer.settled()
		desk.writer.change('a', change('failed'))
		desk.add('b')
		desk.writer.flush()

		assert desk.writer.holds('a')
		assert desk.writer.holds('b')

	async def test_locked(self, desk: Desk, lock: sqlite3.Connection, caplog: pytest.LogCaptureFixture) -> None:
		"""Another program writes to the file; the log says so once, and when it is over."""
		caplog.set_level(logging.INFO)
		desk.pragma('busy_timeout=10')
		lock.execute('BEGIN IMMEDIATE')
		await self.in_trouble(desk, 'locked')
		assert desk.jobs() == {}
		lock.execute('ROLLBACK')
		await self.recovers(desk)

		assert [record.message for record in caplog.records if record.name == module.__name__] == [
			'The database cannot be written, which is tried again: database is locked',
			'The database can be written again.',
		]

	async def test_full(self, desk: Desk) -> None:
		"""No room for another page."""
		desk.pragma('max_page_count=1')
		desk.add('big', prompt='x' * 1_000_000)
		desk.writer.call(lambda connection: connection.exec_driver_sql("DELETE FROM jobs WHERE id = 'big'").close())
		await self.in_trouble(desk, 'full')
		desk.pragma('max_page_count=1000000')
		await self.recovers(desk)

	async def test_read_only(self, desk: Desk) -> None:
		"""As on a disk that was mounted anew after an error."""
		desk.pragma('query_only=1')
		await self.in_trouble(desk, 'readonly')
		desk.pragma('query_only=0')
		await self.recovers(desk)

	@pytest.mark.parametrize(
		('kind', 'is_it'),
		[
			(OperationalError, True),
			(DatabaseError, True),
			(IntegrityError, False),
			(DataError, False),
			(ProgrammingError, False),
			(InterfaceError, False),
		],
	)
	def test_what_counts_as_such(self, kind: type[DatabaseError], is_it: bool) -> None:
		"""A damaged file (a bare `DatabaseError`) does, a bad row does not: what was taken on is not thrown away."""
		assert is_trouble(kind('…', None, sqlite3.Error('why'))) is is_it
		assert not is_trouble(OverflowError())


@pytest.mark.usefixtures('hasty')
class TestClose:
	"""The server ends."""

	async def test_what_is_left_is_written(self, tmp_path: Path) -> None:
		"""Also of the turn that is not over."""
		desk = Desk(tmp_path)
		desk.writer.start()
		for number in range(50):
			desk.add(f'{number}')
			if number % 7 == 0:
				desk.writer.flush()
		desk.writer.close()
		desk.database.close()

		assert len(desk.jobs()) == 50

	async def test_the_disk_gets_a_last_chance(self, tmp_path: Path, lock: sqlite3.Connection) -> None:
		"""Whoever holds the file may let go just in time."""
		desk = Desk(tmp_path)
		desk.pragma('busy_timeout=10')
		desk.writer.start()
		lock.execute('BEGIN IMMEDIATE')
		desk.add('a')
		desk.writer.flush()
		await desk.troubled()
		closing_thread = threading.Thread(target=desk.writer.close)
		closing_thread.start()
		lock.execute('ROLLBACK')
		closing_thread.join(SLOW)
		desk.database.close()

		assert desk.jobs() == {'a': 'succeeded'}

	async def test_not_for_ever(
		self, tmp_path: Path, lock: sqlite3.Connection, caplog: pytest.LogCaptureFixture
	) -> None:
		"""If it does not, the server ends all the same, and says what that means."""
		desk = Desk(tmp_path)
		desk.pragma('busy_timeout=10')
		desk.writer.start()
		lock.execute('BEGIN IMMEDIATE')
		desk.add('a')
		desk.writer.close()
		desk.database.close()

		assert 'is lost' in caplog.records[-1].message
		assert desk.jobs() == {}

	def test_without_a_loop(self, tmp_path: Path) -> None:
		"""Who has no event loop flushes himself, or closes."""
		desk = Desk(tmp_path)
		desk.writer.start()
		desk.add('a')
		desk.writer.close()
		desk.database.close()

		assert desk.jobs() == {'a': 'succeeded'}

	def test_never_started(self, tmp_path: Path) -> None:
		"""There is nothing to end."""
		desk = Desk(tmp_path)
		desk.writer.close()
		desk.database.close()

		assert desk.jobs() == {}
