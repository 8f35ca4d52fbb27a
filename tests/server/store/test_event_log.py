"""Numbers of what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.events import Event, JobProgress, JobStarted, NodePreview, NodeProgress, NodeStarted, QueueChanged
from server.store.event_log import GAP
from tests.server.store.desk import Desk, damage, rows


class TestNumbers:
	"""One after the other."""

	async def test_over_all_jobs(self, desk: Desk) -> None:
		"""From 1, in the order in which they are told."""
		heard: list[tuple[int, str]] = []
		desk.store.log.listeners.add(lambda number, event: heard.append((number, event.job)))
		desk.submit('a', 'b')

		assert heard == [(1, 'a'), (1, ''), (2, 'b'), (2, '')]
		assert desk.store.log.last == 2

	@pytest.mark.parametrize('forgotten', [False, True])
	async def test_over_restarts(self, desk: Desk, forgotten: bool) -> None:
		"""They go on behind a gap, for what was told and not written; also if all of them were forgotten meanwhile."""
		desk.run('a')
		told = desk.store.log.last
		if forgotten:
			await desk.store.writer.settled()
			desk.store.jobs.forget()
		await desk.store.writer.settled()
		again = await Desk(desk.snapshot(desk.folder / 'again')).open()
		again.submit('b')
		again.close()
		third = await Desk(again.folder).open()

		assert (len(rows(desk.folder, 'SELECT * FROM events')) == 0) is forgotten
		assert again.store.log.last == told + GAP + 1
		assert third.store.log.last == told + 2 * GAP + 1
		third.close()

	async def test_nothing_happened(self, desk: Desk) -> None:
		"""An empty file begins at 1, however often it is opened."""
		again = await Desk(desk.snapshot(desk.folder / 'again')).open()

		assert again.store.log.last == 0
		again.close()

	async def test_a_damaged_note(self, desk: Desk) -> None:
		"""The events themselves tell how far it was."""
		desk.run('a')
		await desk.store.writer.settled()
		damage(desk.folder, "UPDATE settings SET value_json = 'x'")
		again = await Desk(desk.snapshot(desk.folder / 'again')).open()

		assert again.store.log.last == desk.store.log.last + GAP
		again.close()


class TestKept:
	"""What is written."""

	async def test_ticks_are_not(self, desk: Desk) -> None:
		"""Ticks, previews and changes of the queue get no number and no row, but are listened to."""
		heard: list[str] = []
		desk.submit('a')
		desk.queue.claim()
		before = desk.store.log.last
		desk.store.log.listeners.add(lambda number, event: heard.append(f'{number - before} {type(event).__name__}'))
		for event in (
			NodeProgress(job='a', node='n', done=1, total=2),
			NodePreview(job='a', node='n', image=b'x'),
			JobProgress(job='a', fraction=0.5),
			JobStarted(job='a'),
		):
			desk.queue.tell(event)
		desk.bus.publish(QueueChanged(remaining=1))
		kept = [type(event).__name__ for _, event in await desk.store.archive.events(0)]

		assert heard == ['0 NodeProgress', '0 NodePreview', '0 JobProgress', '1 JobStarted', '1 QueueChanged']
		assert kept == ['JobQueued', 'JobStarted']

	async def test_rows_stand_in_order(self, desk: Desk) -> None:
		"""What follows each other in one turn and is of one job is one row, so that no two rows overlap."""
		await desk.store.writer.settled()
		for jobs in ('aab', 'b'):
			for job in jobs:
				desk.store.log.hear(JobStarted(job=job))
			await desk.store.writer.settled()

		assert rows(desk.folder, 'SELECT last, job FROM events ORDER BY last') == [(2, 'a'), (3, 'b'), (4, 'b')]

	async def test_what_cannot_be_written(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
		"""Text that is not Unicode costs its own row, and no other; it is listened to all the same."""
		desk.submit('a')
		await desk.store.writer.settled()
		for node in ('1', '\udc80', '2'):
			desk.store.log.hear(NodeStarted(job=f'job of {node!r}', node=node, kind='K'))
		found = await desk.store.archive.events(0)

		assert [event.job for _, event in found] == ['a', "job of '1'", "job of '2'"]
		assert 'cannot be written' in caplog.text
		assert desk.store.log.last == 4


class TestListeners:
	"""Who replays and goes on."""

	async def test_one_that_fails(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
		"""Is logged, and the others hear."""
		heard: list[Event] = []

		def fail(number: int, event: Event) -> None:
			raise RuntimeError('no')

		desk.store.log.listeners |= {fail, lambda number, event: heard.append(event)}
		desk.submit('a')

		assert len(heard) == 2
		assert 'A listener failed' in caplog.text

	async def test_one_that_leaves_meanwhile(self, desk: Desk) -> None:
		"""While it is told."""
		heard: list[int] = []

		def once(number: int, event: Event) -> None:
			heard.append(number)
			desk.store.log.listeners.discard(once)

		desk.store.log.listeners.add(once)
		desk.submit('a', 'b')

		assert heard == [1]

	async def test_what_is_heard_is_found(self, desk: Desk) -> None:
		"""Who hears a number and asks for what came before it, gets all of it."""
		desk.run('a')
		heard = desk.store.log.last

		assert [number for number, _ in await desk.store.archive.events(0)] == list(range(1, heard + 1))


class TestClose:
	"""The server ends."""

	async def test_the_last_events_are_written(self, tmp_path: Path) -> None:
		"""Though their turn was not over."""
		desk = await Desk(tmp_path / 'one').open()
		desk.submit('a')
		desk.close()

		assert rows(desk.folder, 'SELECT last FROM events') == [(1,)]
