"""What was, read from the file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from engine.events import JobFinished, NodeFinished, Ui
from engine.jobs import JobNotFound, JobState
from server.store.archive import JobQuery, Sort
from server.store.database import DatabaseUnreadable
from tests.server.store.desk import Desk, damage, ids, submission

EDGE = 2**63 - 1


class TestJob:
	"""One job."""

	async def test_with_all_that_happened(self, desk: Desk) -> None:
		"""It is as it was in memory when it ended."""
		desk.submit('a')
		job = desk.queue.claim()
		assert job is not None
		desk.finish(job)
		found = await desk.store.archive.job('a')

		assert vars(found) == vars(job) | {'submission': found.submission}
		assert found.submission == job.submission

	@pytest.mark.parametrize('state', ['queued', 'running', 'cancelled'])
	async def test_in_other_states(self, desk: Desk, state: str) -> None:
		"""Jobs that wait, run or were dropped are found too."""
		desk.submit('a')
		if state == 'running':
			desk.queue.claim()
		elif state == 'cancelled':
			desk.queue.remove(['a'])
		found = await desk.store.archive.job('a')

		assert (found.state, found.events, found.outputs) == (state, [], {})

	async def test_of_its_last_attempt(self, desk: Desk) -> None:
		"""What an attempt told that came to nothing is not part of the job."""
		desk.submit('a')
		desk.queue.claim()
		desk.queue.tell(NodeFinished(job='a', node='1', kind='Shade', seconds=1))
		desk.queue.requeue('a', 'test')
		desk.finish(desk.queue.claim() or pytest.fail('nothing to claim'))
		found = await desk.store.archive.job('a')

		assert len([event for event in found.events if isinstance(event, NodeFinished) and event.node == '1']) == 1
		assert found.attempts == 2

	async def test_unknown(self, desk: Desk) -> None:
		"""Nobody."""
		with pytest.raises(JobNotFound):
			await desk.store.archive.job('nobody')

	async def test_damaged(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
		"""A job whose graph cannot be read is not found; outputs and events that cannot be are left out."""
		desk.run('a', 'b', 'c')
		await desk.store.writer.settled()
		damage(desk.folder, "UPDATE submissions SET prompt_json = 'x' WHERE job = 'a'")
		damage(desk.folder, "UPDATE outputs SET ui_json = 'x' WHERE job = 'b'")
		damage(desk.folder, "UPDATE events SET body_json = 'x' WHERE job = 'b'")
		with pytest.raises(JobNotFound):
			await desk.store.archive.job('a')
		found = await desk.store.archive.job('b')

		assert (found.state, found.outputs, found.events) == (JobState.SUCCEEDED, {}, [])
		assert ids(await desk.store.archive.ended()) == 'bc'
		assert "'a'" in caplog.text


class TestJobs:
	"""Several jobs."""

	async def test_by_id(self, desk: Desk) -> None:
		"""Unknown ones are left out; thousands may be named."""
		desk.run(*(f'{number}' for number in range(20)))
		found = await desk.store.archive.jobs([*(f'{number}' for number in range(3_000)), 'nobody'])

		assert sorted(found, key=int) == [f'{number}' for number in range(20)]
		assert all(isinstance(job.events[-1], JobFinished) for job in found.values())
		assert await desk.store.archive.jobs([]) == {}

	async def test_of_key(self, desk: Desk) -> None:
		"""The job that a key belongs to, whatever its state."""
		desk.submit('a', key='k')
		found = await desk.store.archive.of_key('k')

		assert found is not None
		assert found.id == 'a'
		assert await desk.store.archive.of_key('other') is None

	@pytest.mark.parametrize(
		('most', 'offset', 'expected'),
		[
			(None, None, 'abcde'),
			(2, None, 'de'),
			(0, None, ''),
			(9, None, 'abcde'),
			(None, 2, 'cde'),
			(2, 0, 'ab'),
			(2, 1, 'bc'),
			(3, 4, 'e'),
			(1, 5, ''),
			(EDGE, EDGE, ''),
			(EDGE, 1, 'bcde'),
			(2**80, None, 'abcde'),
			(2**80, 1, 'bcde'),
			(1, 2**80, ''),
		],
	)
	async def test_ended(self, desk: Desk, most: int | None, offset: int | None, expected: str) -> None:
		"""In the order of their ends: a window, or the last ones; those that never began are none of them."""
		desk.submit('x', 'y')
		desk.queue.remove(['x'])
		desk.run(*'abcde')

		assert ids(await desk.store.archive.ended(most, offset)) == expected


class TestPage:
	"""Lists of jobs."""

	async def fill(self, desk: Desk, times: Sequence[float] = (1, 2, 3, 3, 3, 4)) -> None:
		"""Jobs a to f, made at these times, each in a state of its own."""
		desk.submit(*'ab', client='me')
		desk.run('c', ui={'text': ['hello']})
		desk.run('d', state='failed')
		desk.run('e', state='cancelled')
		desk.submit('f', extra={'extra_pnginfo': {'workflow': {'id': 'w'}}})
		desk.queue.claim()
		desk.queue.remove(['f'])
		await desk.store.writer.settled()
		for id, time in zip('abcdef', times, strict=True):
			damage(desk.folder, 'UPDATE jobs SET created = ? WHERE id = ?', time, id)

	async def page(self, desk: Desk, **query: Any) -> str:
		return ids((await desk.store.archive.page(JobQuery(**query)))[0])

	async def test_fields(self, desk: Desk) -> None:
		"""What lists show, without the graph."""
		await self.fill(desk)
		summaries, total = await desk.store.archive.page(JobQuery(descending=False))
		by_id = {str(job.id): job for job in summaries}
		failed = by_id['d'].failure

		assert total == 6
		assert [job.state for job in summaries] == [
			'running',
			'queued',
			'succeeded',
			'failed',
			'cancelled',
			'cancelled',
		]
		assert (by_id['a'].client, by_id['a'].attempts, by_id['a'].finished) == ('me', 1, None)
		assert by_id['c'].outputs == {'2': Ui({'text': ['hello']})}
		assert failed is not None
		assert failed.message == 'broken'
		assert by_id['f'].workflow == 'w'
		assert str(by_id['b'].number) == '1'

	async def test_equal_times(self, desk: Desk) -> None:
		"""Jobs made at once stand in an order that every page keeps to."""
		await self.fill(desk)

		assert await self.page(desk) == 'fedcba'
		assert await self.page(desk, descending=False) == 'abcdef'
		assert [await self.page(desk, limit=2, offset=offset) for offset in (0, 2, 4)] == ['fe', 'dc', 'ba']

	@pytest.mark.parametrize('descending', [True, False])
	@pytest.mark.parametrize('size', [1, 2, 3, 6, 7])
	async def test_cursor(self, desk: Desk, descending: bool, size: int) -> None:
		"""Page after page, each job comes once, though several were made at once; the total is of all."""
		await self.fill(desk)
		found, after = '', None
		while True:
			page, total = await desk.store.archive.page(JobQuery(limit=size, after=after, descending=descending))
			assert total == 6
			if not page:
				break
			found += ids(page)
			after = (page[-1].created, page[-1].id)

		assert found == ('fedcba' if descending else 'abcdef')

	async def test_cursor_while_jobs_come_and_go(self, desk: Desk) -> None:
		"""A page goes on where the last one ended, though its last job is gone and newer ones are there."""
		await self.fill(desk)
		page, _ = await desk.store.archive.page(JobQuery(limit=3))
		desk.store.jobs.forget(['d', 'c'])
		desk.submit('z')
		last = page[-1]

		assert ids(page) == 'fed'
		assert await self.page(desk, after=(last.created, last.id)) == 'ba'

	@pytest.mark.parametrize(
		('states', 'expected'),
		[
			(('running',), 'a'),
			(('queued', 'running'), 'ba'),
			(('succeeded', 'failed', 'cancelled'), 'fedc'),
			(('cancelled', 'running'), 'fea'),
			(tuple(JobState), 'fedcba'),
			((), ''),
			(None, 'fedcba'),
		],
	)
	async def test_states(self, desk: Desk, states: tuple[str, ...] | None, expected: str) -> None:
		"""Only those; the total counts them."""
		await self.fill(desk)
		query = JobQuery(states=None if states is None else [JobState(state) for state in states], limit=1)
		_, total = await desk.store.archive.page(query)

		assert await self.page(desk, states=query.states) == expected
		assert total == len(expected)

	async def test_client_and_workflow(self, desk: Desk) -> None:
		"""Of one client, of one workflow, of both."""
		await self.fill(desk)

		assert await self.page(desk, client='me') == 'ba'
		assert await self.page(desk, workflow='w') == 'f'
		assert await self.page(desk, client='me', workflow='w') == ''

	@pytest.mark.parametrize(
		('sort', 'descending', 'expected'),
		[('duration', False, 'abfced'), ('duration', True, 'decfba'), ('ended', True, 'edcfba')],
	)
	async def test_sorts(self, desk: Desk, sort: Sort, descending: bool, expected: str) -> None:
		"""By how long they took (what has no end or beginning took no time), by when they ended."""
		await self.fill(desk)
		for id, seconds in (('c', 1), ('d', 3), ('e', 2)):
			damage(desk.folder, 'UPDATE jobs SET finished = started + ? WHERE id = ?', seconds, id)

		assert await self.page(desk, sort=sort, descending=descending) == expected
		assert await self.page(desk, sort=sort, descending=descending, states=list(JobState)) == expected

	@pytest.mark.parametrize(
		('limit', 'offset', 'expected'),
		[(0, 0, ''), (2, 5, 'a'), (2, 6, ''), (None, 4, 'ba'), (EDGE, 0, 'fedcba'), (EDGE, EDGE, ''), (1, EDGE, '')],
	)
	async def test_windows(self, desk: Desk, limit: int | None, offset: int, expected: str) -> None:
		"""However large the numbers."""
		await self.fill(desk)
		page, total = await desk.store.archive.page(JobQuery(limit=limit, offset=offset))

		assert (ids(page), total) == (expected, 6)

	async def test_damaged_rows(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
		"""A job in no known state is left out, a failure or output that cannot be read is none; the rest is listed."""
		await self.fill(desk)
		damage(desk.folder, "UPDATE jobs SET state = 'lost' WHERE id = 'b'")
		damage(desk.folder, "UPDATE jobs SET failure_json = '{' WHERE id = 'd'")
		damage(desk.folder, "UPDATE outputs SET ui_json = '{' WHERE job = 'c'")
		page, _ = await desk.store.archive.page(JobQuery())
		by_id = {str(job.id): job for job in page}

		assert ids(page) == 'fedca'
		assert (by_id['d'].failure, by_id['c'].outputs) == (None, {})
		assert all(f"'{id}'" in caplog.text for id in 'bcd')


class TestSteps:
	"""What became of a job's nodes."""

	async def test_in_order(self, desk: Desk) -> None:
		"""With reasons and times, and the error of the one that failed."""
		desk.run('a', state='failed')
		[first, second] = await desk.store.archive.steps('a')

		assert (first.node, first.kind, first.ran, first.seconds, first.error) == ('1', 'Shade', True, 0.5, None)
		assert first.why is not None
		assert first.why.code == 'first_time'
		assert (second.node, second.error, second.why) == ('2', 'broken', None)

	async def test_none_and_nobody(self, desk: Desk) -> None:
		"""A job that waits has no steps; an unknown one is not found."""
		desk.submit('a')

		assert await desk.store.archive.steps('a') == []
		with pytest.raises(JobNotFound):
			await desk.store.archive.steps('nobody')


class TestEvents:
	"""What happened, by number."""

	async def test_after_a_number(self, desk: Desk) -> None:
		"""Each number brings what came later, also in the middle of what came together."""
		desk.run('a', 'b')
		whole = await desk.store.archive.events(0)
		numbers = [number for number, _ in whole]

		assert numbers == list(range(1, desk.store.log.last + 1))
		for number in (0, 1, 4, 5, numbers[-1], 10**15):
			later = await desk.store.archive.events(number)
			assert later == [pair for pair in whole if pair[0] > number]

	async def test_of_one_job(self, desk: Desk) -> None:
		"""The others are left out."""
		desk.run('a', 'b')
		found = await desk.store.archive.events(0, job='b')

		assert {event.job for _, event in found} == {'b'}
		assert await desk.store.archive.events(0, job='nobody') == []

	async def test_jobs_that_run_at_once(self, desk: Desk) -> None:
		"""Their events are told in the order of their numbers, in pages that leave none out."""
		desk.submit('a', 'b')
		jobs = [desk.queue.claim(), desk.queue.claim()]
		for node in range(20):
			for job in jobs[: 1 + node % 2]:
				assert job is not None
				desk.queue.tell(NodeFinished(job=job.id, node=f'{node}', kind='K', seconds=0))
		found: list[int] = []
		while page := await desk.store.archive.events(found[-1] if found else 0, most=3):
			found += [number for number, _ in page]

		assert found == list(range(1, desk.store.log.last + 1))


class TestReading:
	"""In a thread beside the loop."""

	async def test_many_at_once(self, desk: Desk) -> None:
		"""Reads and writes do not get in each other's way, and each read finds what was told before it."""

		async def look(id: str) -> bool:
			desk.run(id)
			return (await desk.store.archive.job(id)).state is JobState.SUCCEEDED

		assert all(await asyncio.gather(*(look(f'{number}') for number in range(100))))

	async def test_the_file_cannot_be_read(self, desk: Desk) -> None:
		"""A sentence that names it, for the answer to the request."""
		await desk.store.writer.settled()
		damage(desk.folder, 'ALTER TABLE jobs RENAME TO gone')
		with pytest.raises(DatabaseUnreadable, match='jobs'):
			await desk.store.archive.page(JobQuery())
		damage(desk.folder, 'ALTER TABLE gone RENAME TO jobs')

		assert (await desk.store.archive.page(JobQuery()))[1] == 0

	async def test_secrets(self, desk: Desk) -> None:
		"""Nothing that is read has them."""
		desk.queue.submit(submission(secrets={'token': 'hush'}), id='a')

		assert (await desk.store.archive.job('a')).submission.secrets == {}
