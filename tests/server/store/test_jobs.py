"""The queue over its file: what is restored, what is known, what is forgotten."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.events import Event, JobFinished, JobQueued, JobStarted
from engine.jobs import IdTaken, IllegalTransition, JobState, KeyTaken
from engine.queue import MOST_ATTEMPTS
from server.store import jobs as module
from server.store import writer
from server.store.archive import JobQuery
from server.store.database import DatabaseUnreadable
from server.store.jobs import DAY, Retention
from server.store.writer import NotStored
from tests.server.store.desk import FILE, Desk, damage, rows, submission

ODD_IDS = [
	'0f6e9c3e-2c7b-4c53-8f0a-1d2f8a3b4c5d',
	"'; DROP TABLE jobs; --",
	'a/b?c=d&e#f %2e%2e',
	'é日本𝄞',
	' ',
	'\t\n',
	'\0',
	'a\0b',
	'x' * 100_000,
	'NULL',
]


async def reopened(desk: Desk, **others: Any) -> Desk:
	"""The server was killed now, and started again in another folder."""
	await desk.store.writer.settled()
	return await Desk(desk.snapshot(desk.folder / 'again'), **others).open()


class TestStored:
	"""Each change is in the file."""

	async def test_from_submission_to_end(self, desk: Desk) -> None:
		"""State, times, attempts; of the end also steps, outputs and events."""
		found: list[Any] = []

		async def look() -> None:
			await desk.store.writer.settled()
			found.extend(rows(desk.folder, 'SELECT state, attempts, started > 0, finished > 0, ended FROM jobs'))

		desk.submit('a')
		await look()
		job = desk.queue.claim()
		await look()
		assert job is not None
		desk.finish(job)
		await look()

		assert found == [
			('queued', 0, None, None, None),
			('running', 1, 1, None, None),
			('succeeded', 1, 1, 1, 0),
		]
		assert rows(desk.folder, 'SELECT node, ui_json FROM outputs') == [('2', '{"text":["done"]}')]
		types = [
			event['type']
			for (body,) in rows(desk.folder, 'SELECT body_json FROM events ORDER BY last')
			for _, event in json.loads(body)
		]
		assert types == ['job_queued', 'job_started', 'node_finished', 'node_finished', 'job_finished']

	@pytest.mark.parametrize('state', ['succeeded', 'failed', 'cancelled'])
	async def test_ends_are_counted(self, desk: Desk, state: str) -> None:
		"""In the order in which they came; a job that never began has none."""
		desk.submit('dropped')
		desk.queue.remove(['dropped'])
		desk.run('a')
		desk.run('b', state=state)
		await desk.store.writer.settled()

		assert rows(desk.folder, 'SELECT id, state, ended FROM jobs ORDER BY ended') == [
			('dropped', 'cancelled', None),
			('a', 'succeeded', 0),
			('b', state, 1),
		]

	async def test_moves_and_numbers(self, desk: Desk) -> None:
		"""The places in the file are those in the queue."""
		desk.submit('a', 'b', 'c')
		desk.queue.move('c', before='b')
		desk.queue.renumber('a', 9)
		await desk.store.writer.settled()

		assert rows(desk.folder, 'SELECT id FROM jobs ORDER BY number, arrival') == [('c',), ('b',), ('a',)]

	@pytest.mark.parametrize('id', ODD_IDS, ids=range(len(ODD_IDS)))
	async def test_odd_ids(self, desk: Desk, id: str) -> None:
		"""Any text is an id: it is found, restored, run, forgotten."""
		desk.submit(id)
		again = await reopened(desk)

		assert again.order == [id]
		assert again.store.jobs.knows(id)
		again.finish(again.queue.claim() or pytest.fail('nothing to claim'))
		assert (await again.store.archive.job(id)).state is JobState.SUCCEEDED
		again.store.jobs.forget([id])
		await again.store.writer.settled()
		assert not again.store.jobs.knows(id)
		again.close()

	async def test_huge_prompt(self, desk: Desk) -> None:
		"""Megabytes of workflow come back as they were."""
		workflow = {'id': 'w', 'text': 'é' * 5_000_000}
		desk.submit('a', extra={'extra_pnginfo': {'workflow': workflow}})
		again = await reopened(desk)

		assert again.queue.get('a').submission.extra_pnginfo == {'workflow': workflow}
		again.close()


class TestTurns:
	"""A kill finds whole turns of the event loop."""

	async def test_end_and_events_are_never_apart(self, desk: Desk) -> None:
		"""While the end of a job is told, the file has nothing of it, however long that takes; then it has all of it."""
		seen: set[str] = set()

		def look(event: Event) -> None:
			if isinstance(event, JobFinished):
				for _ in range(30):
					seen.update(state for (state,) in rows(desk.folder, 'SELECT state FROM jobs'))
					time.sleep(0.001)

		desk.submit('a')
		job = desk.queue.claim()
		assert job is not None
		await desk.store.writer.settled()
		with desk.bus.subscribe(look):
			desk.finish(job)
		await desk.store.writer.settled()
		found = await desk.store.archive.job('a')

		assert seen == {'running'}
		assert found.state is JobState.SUCCEEDED
		assert isinstance(found.events[-1], JobFinished)


class TestRestore:
	"""What an earlier process left is taken over."""

	async def test_order(self, desk: Desk) -> None:
		"""Waiting jobs stand as they stood, whatever moved them there."""
		desk.submit('a', 'b', 'c', 'd')
		desk.queue.submit(submission(), id='front', number=desk.queue.take_number(front=True))
		desk.queue.move('d', before='b')
		desk.queue.renumber('a', 2)
		before = desk.order
		again = await reopened(desk)

		assert before == ['front', 'd', 'b', 'c', 'a']
		assert again.order == before
		again.close()

	async def test_running_one_waits_first_among_equals(self, desk: Desk) -> None:
		"""It is told as waiting again, in the file too."""
		desk.submit('a', 'b')
		desk.queue.submit(submission(), id='c', number=0)
		job = desk.queue.claim()
		assert job is not None
		desk.queue.tell(JobStarted(job=job.id))
		again = await reopened(desk)
		await again.store.writer.settled()
		restored = again.queue.get('a')

		assert again.order == ['a', 'c', 'b']
		assert (restored.state, restored.attempts, restored.started) == (JobState.QUEUED, 1, None)
		assert [event.job for event in again.events if isinstance(event, JobQueued)] == ['a']
		assert rows(again.folder, "SELECT state FROM jobs WHERE id = 'a'") == [('queued',)]
		assert (await again.store.archive.job('a')).events == []
		again.close()

	async def test_numbers_go_on(self, desk: Desk) -> None:
		"""A new job comes behind those that wait, one for the front before them; ends are counted on."""
		desk.run('over')
		desk.submit('a', 'b')
		desk.queue.submit(submission(), id='far', number=1e300)
		desk.queue.submit(submission(), id='low', number=-50)
		again = await reopened(desk)
		again.submit('new')
		again.queue.submit(submission(), id='front', number=again.queue.take_number(front=True))
		again.run('later')
		await again.store.writer.settled()

		assert again.order == ['front', 'low', 'a', 'b', 'new', 'far']
		assert rows(again.folder, 'SELECT id FROM jobs WHERE ended NOT NULL ORDER BY ended') == [('over',), ('later',)]
		again.close()

	@pytest.mark.parametrize('paused', [True, False])
	async def test_paused(self, desk: Desk, paused: bool) -> None:
		"""A paused queue is paused, one that goes on goes on."""
		desk.queue.pause()
		if not paused:
			desk.queue.resume()
		again = await reopened(desk)

		assert again.queue.paused is paused
		again.close()

	async def test_begun_too_often(self, desk: Desk) -> None:
		"""A job over which the server fell each time is parked in the history, with the reason."""
		desk.submit('bad', 'good')
		for _ in range(MOST_ATTEMPTS - 1):
			desk.queue.claim()
			desk.queue.requeue('bad', 'test')
		desk.queue.claim()
		again = await reopened(desk)
		[job] = await again.store.archive.ended()

		assert again.order == ['good']
		assert (job.id, job.state) == ('bad', JobState.FAILED)
		assert job.failure is not None
		assert f'begun {MOST_ATTEMPTS} times' in job.failure.message
		assert isinstance(job.events[-1], JobFinished)
		again.close()

	async def test_a_stop_is_not_held_against_it(self, desk: Desk) -> None:
		"""However often the server is stopped in peace, the job is run in the end."""
		desk.submit('a')
		current = desk
		for count in range(MOST_ATTEMPTS + 2):
			assert current.queue.claim() is not None
			current.queue.retire()
			await current.store.writer.settled()
			following = await Desk(current.snapshot(desk.folder / f'{count}')).open()
			if current is not desk:
				current.close()
			current = following

		assert current.order == ['a']
		assert current.queue.get('a').attempts == 0
		current.close()

	async def test_keys(self, desk: Desk) -> None:
		"""What was submitted with a key is found by it after the restart, whether it waits or is over."""
		desk.submit('a', key='waits')
		desk.queue.submit(submission(key='over'), id='b', number=-1)
		desk.finish(desk.queue.claim() or pytest.fail('nothing to claim'))
		again = await reopened(desk)

		assert again.queue.submit(submission(key='waits')).id == 'a'
		with pytest.raises(KeyTaken, match="'b'"):
			again.queue.submit(submission(key='over'))
		again.close()

	async def test_all_of_a_submission(self, desk: Desk) -> None:
		"""Nothing of it but its secrets is lost."""
		whole = submission(
			client='me', extra={'a': [1, None]}, previews='taesd', key='k', webhook='http://x/', secrets={'t': 'hush'}
		)
		desk.queue.submit(whole, id='a')
		again = await reopened(desk)
		restored = again.queue.get('a').submission

		assert restored == whole
		assert restored.secrets == {}
		assert b'hush' not in (again.folder / FILE).read_bytes()
		again.close()


class TestDamaged:
	"""Somebody has changed the file by hand."""

	@pytest.mark.parametrize('state', ['queued', 'running'])
	@pytest.mark.parametrize('column', ['prompt_json', 'targets_json', 'extra_json'])
	async def test_a_waiting_job_is_parked(
		self, desk: Desk, column: str, state: str, caplog: pytest.LogCaptureFixture
	) -> None:
		"""The server starts, the others run; the damaged job is shown as failed, and stays so."""
		desk.submit('bad', 'good')
		if state == 'running':
			desk.queue.claim()
		await desk.store.writer.settled()
		damage(desk.folder, f"UPDATE submissions SET {column} = '[{{' WHERE job = 'bad'")
		again = await reopened(desk)
		summaries, total = await again.store.archive.page(JobQuery())
		bad = next(job for job in summaries if job.id == 'bad')

		assert again.order == ['good']
		assert "'bad'" in caplog.text
		assert (bad.state, total) == (JobState.FAILED, 2)
		assert bad.failure is not None
		assert 'cannot be read' in bad.failure.message
		assert await again.store.archive.jobs(['bad', 'good']) != {}
		again.close()
		third = await Desk(again.folder).open()
		assert third.order == ['good']
		third.close()

	async def test_an_unknown_state(self, desk: Desk) -> None:
		"""Such a job does not wait; it can be forgotten like others that are over."""
		desk.submit('bad', 'good')
		await desk.store.writer.settled()
		damage(desk.folder, "UPDATE jobs SET state = 'lost' WHERE id = 'bad'")
		again = await reopened(desk)

		assert again.order == ['good']
		assert [job.id for job in (await again.store.archive.page(JobQuery()))[0]] == ['good']
		again.store.jobs.forget()
		await again.store.writer.settled()
		assert rows(again.folder, 'SELECT id FROM jobs') == [('good',)]
		again.close()

	async def test_the_file_as_a_whole(self, desk: Desk) -> None:
		"""The start is refused with a sentence that names the file."""
		desk.submit(*(f'{number}' for number in range(200)))
		await desk.store.writer.settled()
		folder = desk.snapshot(desk.folder / 'again')
		with closing(sqlite3.connect(folder / FILE)) as connection:
			page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs'").fetchone()[0]
		with (folder / FILE).open('r+b') as stream:
			stream.seek((page - 1) * 4096)
			stream.write(b'\xff' * 4096)
		again = Desk(folder)
		with pytest.raises(DatabaseUnreadable, match=FILE):
			await again.open()
		again.store.close()


class TestKnows:
	"""Ids are given once."""

	async def test_before_it_is_written_and_after(self, desk: Desk) -> None:
		"""A job that waits, runs, is over or was dropped keeps its id from others."""
		desk.submit('a')
		with pytest.raises(IdTaken):
			desk.submit('a')
		await desk.store.writer.settled()
		with pytest.raises(IdTaken):
			desk.submit('a')
		desk.queue.remove(['a'])
		with pytest.raises(IdTaken):
			desk.submit('a')
		await desk.store.writer.settled()
		with pytest.raises(IdTaken):
			desk.submit('a')

	async def test_of_earlier_days(self, desk: Desk) -> None:
		"""After a restart too."""
		desk.run('a')
		again = await reopened(desk)
		with pytest.raises(IdTaken):
			again.submit('a')
		again.close()

	async def test_forgotten_ones_are_free(self, desk: Desk) -> None:
		"""Even if the job ended and was forgotten in one turn."""
		desk.run('a')
		desk.store.jobs.forget(['a'])
		await desk.store.writer.settled()
		desk.submit('a')

		assert desk.order == ['a']

	async def test_the_file_cannot_be_read(self, desk: Desk) -> None:
		"""The submission is refused as one that cannot be stored."""
		await desk.store.writer.settled()
		damage(desk.folder, 'ALTER TABLE jobs RENAME TO gone')
		with pytest.raises(NotStored, match='jobs'):
			desk.submit('a')

		assert desk.queue.remaining == 0
		damage(desk.folder, 'ALTER TABLE gone RENAME TO jobs')


class TestForget:
	"""Jobs that are over are dropped."""

	async def left(self, desk: Desk) -> str:
		await desk.store.writer.settled()
		return ''.join(id for (id,) in rows(desk.folder, 'SELECT id FROM jobs ORDER BY id'))

	async def test_some(self, desk: Desk) -> None:
		"""With all that belongs to them; live, unknown and other ones stay."""
		desk.run('a', 'b')
		desk.submit('c')
		desk.store.jobs.forget(['a', 'c', 'nobody'])

		assert await self.left(desk) == 'bc'
		for table in ('outputs', 'events'):
			assert rows(desk.folder, f"SELECT count(*) FROM {table} WHERE job = 'a'") == [(0,)]
			assert rows(desk.folder, f"SELECT count(*) > 0 FROM {table} WHERE job = 'b'") == [(1,)]

	async def test_more_than_a_statement_takes(self, desk: Desk) -> None:
		"""A client may name thousands."""
		desk.run(*(f'{number}' for number in range(30)))
		desk.store.jobs.forget([f'{number}' for number in range(40_000)])

		assert await self.left(desk) == ''

	async def test_all(self, desk: Desk) -> None:
		"""But those that wait or run."""
		desk.run('a')
		desk.submit('b', 'c', 'd')
		desk.queue.claim()
		desk.queue.remove(['d'])
		desk.store.jobs.forget()

		assert await self.left(desk) == 'bc'

	@pytest.mark.parametrize('named', [True, False])
	async def test_what_ends_later_is_not_meant(self, desk: Desk, named: bool) -> None:
		"""A job that ran when all were forgotten is in the history, though both are written together."""
		desk.submit('a')
		job = desk.queue.claim()
		assert job is not None
		await desk.store.writer.settled()
		with closing(sqlite3.connect(desk.folder / FILE, isolation_level=None)) as other:
			other.execute('BEGIN IMMEDIATE')
			desk.store.jobs.forget(['a'] if named else None)
			desk.finish(job)
			desk.store.writer.flush()
			other.execute('ROLLBACK')

		assert await self.left(desk) == 'a'
		assert [job.id for job in await desk.store.archive.ended()] == ['a']

	async def test_whatever_the_clock_said(self, desk: Desk) -> None:
		"""A job that ended while the clock was ahead can be forgotten."""
		desk.run('a')
		await desk.store.writer.settled()
		damage(desk.folder, 'UPDATE jobs SET created = 9e9, finished = 9e9')
		desk.store.jobs.forget()

		assert await self.left(desk) == ''

	async def test_nothing(self, desk: Desk) -> None:
		"""An empty list is none, and not all."""
		desk.run('a')
		desk.store.jobs.forget([])

		assert await self.left(desk) == 'a'


class TestRetention:
	"""Old jobs are forgotten by themselves."""

	async def test_so_many_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The newest ends, with their events; what waits is not counted; a restart looks too."""
		monkeypatch.setattr(module, 'TIDY_EVERY', 10)
		desk = await Desk(tmp_path / 'one', Retention(jobs=5)).open()
		desk.submit('waits')
		for number in range(28):
			desk.run(f'{number}')
			await desk.store.writer.settled()
		during = rows(desk.folder, 'SELECT count(*) FROM jobs WHERE ended NOT NULL')
		desk.close()
		again = await Desk(desk.folder, Retention(jobs=5)).open()
		jobs = await again.store.archive.ended()

		assert during == [(5 + 8,)]
		assert [job.id for job in jobs] == ['23', '24', '25', '26', '27']
		assert again.order == ['waits']
		assert len(rows(again.folder, 'SELECT DISTINCT job FROM events')) == 6
		again.close()

	async def test_the_end_counts(self, tmp_path: Path) -> None:
		"""A job that waited for long and ended just now is new."""
		desk = await Desk(tmp_path / 'one').open()
		desk.submit('old')
		job = desk.queue.claim()
		assert job is not None
		job.created = time.time() - 10 * DAY
		desk.finish(job)
		desk.run('new')
		desk.close()
		again = await Desk(desk.folder, Retention(jobs=2, days=1)).open()

		assert [job.id for job in await again.store.archive.ended()] == ['old', 'new']
		again.close()

	async def test_so_many_days(self, desk: Desk) -> None:
		"""Older ends are forgotten; without a number of days none is for its age."""
		desk.run('old', 'new')
		desk.submit('waits')
		await desk.store.writer.settled()
		damage(desk.folder, "UPDATE jobs SET finished = finished - 200000 WHERE id = 'old'")
		damage(desk.folder, "UPDATE jobs SET created = 0 WHERE id = 'waits'")
		same = await reopened(desk)
		kept = [job.id for job in await same.store.archive.ended()]
		same.close()
		less = await Desk(same.folder, Retention(days=2)).open()

		assert kept == ['old', 'new']
		assert [job.id for job in await less.store.archive.ended()] == ['new']
		assert less.order == ['waits']
		less.close()

	async def test_dropping_a_long_queue_looks_now_and_then(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Not once per job."""
		calls: list[object] = []
		monkeypatch.setattr(desk.store.writer, 'call', calls.append)
		desk.submit(*(f'{number}' for number in range(250)))
		desk.queue.clear()

		assert len(calls) == 2


class TestTrouble:
	"""The disk refuses while the queue goes on."""

	async def test_nothing_is_lost(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Jobs come, run and end in memory; who must know is told; when it can, everything is written."""
		monkeypatch.setattr(writer, 'PATIENCE', 0.2)
		monkeypatch.setattr(writer, 'RETRY_SECONDS', (0.01,))
		desk.submit('a')
		await desk.store.writer.settled()
		with closing(sqlite3.connect(desk.folder / FILE, isolation_level=None)) as other:
			other.execute('BEGIN IMMEDIATE')
			desk.finish(desk.queue.claim() or pytest.fail('nothing to claim'))
			desk.run('b')
			desk.submit('c', 'd')
			desk.queue.move('d', before='c')
			desk.queue.pause()
			with pytest.raises(NotStored):
				await desk.store.archive.ended()
			with pytest.raises(IdTaken):
				desk.submit('b')
			with pytest.raises(IllegalTransition):
				desk.queue.get('c').become(JobState.SUCCEEDED)
			other.execute('ROLLBACK')
		monkeypatch.setattr(writer, 'PATIENCE', 30.0)
		ended = await desk.store.archive.ended()
		again = await reopened(desk)

		assert [job.id for job in ended] == ['a', 'b']
		assert all(isinstance(job.events[-1], JobFinished) for job in ended)
		assert again.order == ['d', 'c']
		assert again.queue.paused
		again.close()
