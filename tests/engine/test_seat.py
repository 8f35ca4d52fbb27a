"""What becomes of workers that do what they may not, and of their jobs: with real processes that really die.

The tests of a class share one worker, or what has come in its place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from engine.events import Failure, NodesCached
from engine.jobs import Job, JobState
from engine.output import TOLD_LINES
from tests.engine.shop import WAITING, Shop, opened, poll, quick
from tests.engine.tools import Nodes

pytestmark = pytest.mark.asyncio(loop_scope='module')
DEADLY = 'tests.engine.deadly'


@pytest_asyncio.fixture(scope='module', loop_scope='module')
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
	"""One supervisor for most tests; a job has half a second to obey an interrupt."""
	async with opened(tmp_path_factory.mktemp('shop'), DEADLY, grace_seconds=0.5) as made:
		yield made


def after(kind: str, calls: Path, takes: str = 'value', **inputs: object) -> Nodes:
	"""A node that leaves a note when it is called, then a deadly one that takes its number, then a sink."""
	return {
		'first': ('Note', {'path': str(calls), 'value': 3}),
		'then': (kind, {takes: ('first', 0), **inputs}),
		'see': ('See', {'value': ('then', 0)}),
	}


def failure_of(job: Job) -> Failure:
	"""Why a job has failed."""
	assert job.state is JobState.FAILED
	assert job.failure is not None
	return job.failure


class TestDeath:
	@pytest.mark.parametrize(
		('kind', 'takes', 'told'),
		[
			('Crash', 'value', 'The worker process was killed by signal SIGSEGV.'),
			('KillMe', 'value', 'The worker process was killed by signal SIGKILL. It may have run out of memory.'),
			('Leave', 'code', 'The worker process ended with exit code 3.'),
		],
	)
	async def test_a_job_that_kills_twice_is_parked(
		self, shop: Shop, tmp_path: Path, kind: str, takes: str, told: str
	) -> None:
		"""It is begun anew once, without what it had finished; then it has failed, with the cause and the node."""
		await shop.idle()
		pid = shop.pid
		job, behind = shop.submit(after(kind, tmp_path / 'calls', takes)), shop.submit(quick(60))
		await shop.ended(job)
		failure = failure_of(job)
		await shop.ended(behind)

		assert failure.message == f"{told} It was running node 'then' ({kind})."
		assert (failure.exception_type, failure.node, failure.kind) == ('WorkerLost', 'then', kind)
		assert shop.reasons(job) == ['', failure.message]
		assert (job.attempts, job.losses) == (2, 2)
		assert (tmp_path / 'calls').read_text().split() == ['first']
		assert behind.state is JobState.SUCCEEDED
		assert shop.pid != pid

	async def test_the_last_lines_are_told(self, shop: Shop, tmp_path: Path) -> None:
		"""What the worker wrote before it died, and where Python was."""
		job = await shop.ended(shop.submit(after('Crash', tmp_path / 'calls')))
		told = failure_of(job).log

		assert 'about to crash' in told
		assert any('Segmentation fault' in line for line in told)
		assert any('deadly.py' in line and 'in crash' in line for line in told)
		assert len(told) <= TOLD_LINES

	async def test_a_job_that_kills_once_succeeds(self, shop: Shop, tmp_path: Path) -> None:
		"""The second attempt goes on from the nodes that the first had finished."""
		nodes = after('CrashOnce', tmp_path / 'calls', path=str(tmp_path / 'crashed'))
		job = await shop.ended(shop.submit(nodes))

		assert job.state is JobState.SUCCEEDED
		assert (job.attempts, job.losses) == (2, 1)
		assert (tmp_path / 'calls').read_text().split() == ['first']
		assert [event.nodes for event in job.events if isinstance(event, NodesCached)] == [('first',)]

	async def test_a_kill_from_outside(self, shop: Shop) -> None:
		"""The job is begun anew on a new worker; declarations are served all the while."""
		await shop.idle()
		pid = shop.pid
		job = shop.submit(WAITING)
		await shop.computing(job)
		os.kill(pid, signal.SIGKILL)
		await shop.until(lambda: len(shop.reasons(job)) == 2)
		nodes = await shop.supervisor.nodes()
		state = shop.worker.state
		await shop.until(lambda: job.state is JobState.RUNNING and bool(job.events))
		shop.supervisor.interrupt(job.id)
		await shop.ended(job)

		assert 'Number' in nodes
		assert state == 'starting'
		assert job.state is JobState.CANCELLED
		assert shop.pid != pid

	async def test_while_it_rests(self, shop: Shop) -> None:
		"""No job is lost with a worker that had none."""
		await shop.idle()
		pid, restarts = shop.pid, shop.worker.restarts
		os.kill(pid, signal.SIGKILL)
		job = await shop.ended(shop.submit(quick(61)))

		assert job.state is JobState.SUCCEEDED
		assert job.losses == 0
		assert shop.worker.restarts == restarts + 1

	async def test_what_it_had_started_ends_with_it(self, shop: Shop, tmp_path: Path) -> None:
		"""A child that holds on to connection and output of a dead worker delays nothing, and is ended."""
		path = tmp_path / 'child'
		job = await shop.ended(
			shop.submit({'breed': ('Breed', {'path': str(path)}), 'see': ('See', {'value': ('breed', 0)})})
		)
		child = int(path.read_text())

		assert 'SIGSEGV' in failure_of(job).message
		await poll(lambda: not alive(child))

	async def test_what_it_starts_can_be_asked_to_end(self, shop: Shop) -> None:
		"""Though the worker itself leaves such signals to the server, its children do not."""
		job = await shop.ended(
			shop.submit({'ask': ('AskToEnd', {'value': 1}), 'save': ('Save', {'value': ('ask', 0)})})
		)

		assert job.state is JobState.SUCCEEDED, job.failure
		with Image.open(shop.storage.files.saved(job.outputs['save'].images[0])) as picture:
			assert picture.convert('RGB').getpixel((0, 0)) == (signal.SIGTERM, 0, 0)

	async def test_causes_are_counted(self, shop: Shop) -> None:
		"""Signals and exits apart."""
		assert shop.supervisor.restarts['signalled'] >= 4
		assert shop.supervisor.restarts['exited'] == 2


def alive(pid: int) -> bool:
	"""Whether a process runs: a zombie does not."""
	try:
		return ' Z ' not in Path(f'/proc/{pid}/stat').read_text()
	except (FileNotFoundError, ProcessLookupError):
		return False


class TestPoison:
	async def test_the_worker_is_replaced(self, shop: Shop, tmp_path: Path) -> None:
		"""The failure is the job's own, is not tried again, and the next job runs on a new worker."""
		await shop.idle()
		pid = shop.pid
		job, behind = shop.submit(after('Poison', tmp_path / 'calls')), shop.submit(quick(62))
		await shop.ended(behind)

		assert failure_of(job).exception_type == 'RuntimeError'
		assert 'device-side assert' in failure_of(job).message
		assert (job.attempts, job.losses) == (1, 0)
		assert (behind.state, behind.attempts) == (JobState.SUCCEEDED, 1)
		assert shop.pid != pid
		assert shop.supervisor.restarts['poisoned'] == 1

	async def test_an_ordinary_failure_changes_nothing(self, shop: Shop, tmp_path: Path) -> None:
		"""Only what makes the device unusable costs the worker."""
		await shop.idle()
		pid = shop.pid
		job = await shop.ended(shop.submit(after('Fail', tmp_path / 'calls')))

		assert failure_of(job).log == ()
		assert shop.pid == pid


class TestTimeLimit:
	async def test_of_a_kind(self, shop: Shop, tmp_path: Path) -> None:
		"""A node that takes longer than it has declared is ended with its worker, twice; the limit is the cause."""
		job = await shop.ended(shop.submit(after('Limited', tmp_path / 'calls', seconds=60.0)))
		failure = failure_of(job)

		assert failure.message == (
			'It had taken longer than the limit of 0.5 seconds. The worker process was ended. '
			"It was running node 'then' (Limited)."
		)
		assert (failure.node, failure.kind, failure.exception_type) == ('then', 'Limited', 'WorkerLost')
		assert (tmp_path / 'calls').read_text().split() == ['first']
		assert shop.supervisor.restarts['time_limit'] == 2

	async def test_who_keeps_it_is_left_alone(self, shop: Shop, tmp_path: Path) -> None:
		"""The time of other nodes does not count."""
		await shop.idle()
		pid = shop.pid
		nodes = after('Limited', tmp_path / 'calls', seconds=0.01)
		job = await shop.ended(shop.submit({**nodes, 'first': ('Stubborn', {'seconds': 0.8, 'value': 2})}))

		assert job.state is JobState.SUCCEEDED
		assert shop.pid == pid

	async def test_of_all(self, tmp_path: Path) -> None:
		"""The settings' limit holds for kinds without one of their own, be it while they wait or hang in C code."""
		async with opened(tmp_path, DEADLY, node_seconds=0.4) as shop:
			own = await shop.ended(shop.submit(after('Limited', tmp_path / 'calls', seconds=0.45)))
			path = tmp_path / 'pid'
			job = await shop.ended(
				shop.submit({'c': ('Seize', {'path': str(path)}), 'see': ('See', {'value': ('c', 0)})})
			)

		assert own.state is JobState.SUCCEEDED
		assert 'limit of 0.4 seconds' in failure_of(job).message
		assert failure_of(job).node == 'c'


class TestHeartbeat:
	async def test_a_stopped_process(self, tmp_path: Path) -> None:
		"""A worker that gives no sign of life is ended."""
		async with opened(tmp_path, DEADLY, heartbeat_seconds=2.5) as shop:
			job = await shop.ended(shop.submit(after('Freeze', tmp_path / 'calls')))
			counted = shop.supervisor.restarts['heartbeat']

		assert failure_of(job).message == (
			'The worker process had given no sign of life for 2.5 seconds. The worker process was ended. '
			"It was running node 'then' (Freeze)."
		)
		assert counted == 2

	async def test_a_node_that_tells_nothing(self, tmp_path: Path) -> None:
		"""A worker lives as long as its other threads do, however long a node computes."""
		async with opened(tmp_path, DEADLY, heartbeat_seconds=2.5) as shop:
			job = await shop.ended(shop.submit(after('Stubborn', tmp_path / 'calls', seconds=4.0)))

		assert job.state is JobState.SUCCEEDED
		assert job.losses == 0


class TestInterrupt:
	async def test_a_node_that_does_not_listen(self, shop: Shop, tmp_path: Path) -> None:
		"""After its grace its worker is ended; the job is cancelled, not failed, and not begun anew."""
		await shop.idle()
		pid = shop.pid
		job, behind = shop.submit(after('Stubborn', tmp_path / 'calls', seconds=60.0)), shop.submit(quick(63))
		await shop.computing(job)
		assert shop.supervisor.interrupt(job.id)
		await shop.ended(behind)

		assert (job.state, job.failure, job.attempts) == (JobState.CANCELLED, None, 1)
		assert behind.state is JobState.SUCCEEDED
		assert shop.pid != pid
		assert shop.supervisor.restarts['interrupt'] == 1

	async def test_one_that_ends_in_time(self, shop: Shop, tmp_path: Path) -> None:
		"""What it became in its grace, it is; the worker lives on, past the end of the grace too."""
		await shop.idle()
		pid = shop.pid
		job = shop.submit(after('Stubborn', tmp_path / 'calls', seconds=0.1))
		await shop.computing(job)
		assert shop.supervisor.interrupt(job.id)
		await shop.ended(job)
		behind = await shop.ended(shop.submit(after('Stubborn', tmp_path / 'calls', seconds=1.0)))

		assert job.state is JobState.CANCELLED
		assert behind.state is JobState.SUCCEEDED
		assert shop.pid == pid

	async def test_twice(self, tmp_path: Path) -> None:
		"""A second interrupt neither shortens the grace nor begins it anew."""
		async with opened(tmp_path, DEADLY, grace_seconds=1.5) as shop:
			short = shop.submit(after('Stubborn', tmp_path / 'calls', seconds=0.7))
			await shop.computing(short)
			assert shop.supervisor.interrupt()
			assert shop.supervisor.interrupt(short.id)
			await shop.ended(short)
			untouched = shop.worker.restarts
			long = shop.submit(after('Stubborn', tmp_path / 'calls', seconds=60.0))
			await shop.computing(long)
			await poll(lambda: not shop.supervisor.interrupt(long.id))
			await shop.ended(long)

		assert untouched == 0
		assert (short.state, long.state) == (JobState.CANCELLED, JobState.CANCELLED)

	async def test_of_a_worker_that_is_dead(self, shop: Shop) -> None:
		"""A job that was interrupted is cancelled, even if its worker dies of something else."""
		await shop.idle()
		job = shop.submit(WAITING)
		await shop.computing(job)
		os.kill(shop.pid, signal.SIGSTOP)
		assert shop.supervisor.interrupt(job.id)
		os.kill(shop.pid, signal.SIGKILL)
		await shop.ended(job)

		assert job.state is JobState.CANCELLED
		assert not shop.supervisor.interrupt(job.id)


class TestRecycling:
	async def test_after_so_many_jobs(self, tmp_path: Path) -> None:
		"""A worker does its share of jobs; no job is disturbed, none is lost, and questions are answered."""
		async with opened(tmp_path, DEADLY, recycle_jobs=2) as shop:
			jobs = [shop.submit({'who': ('Who', {'value': value})}) for value in range(5)]
			await shop.ended(jobs[-1])
			counted = shop.supervisor.restarts['recycled']
			worker = shop.worker
		pids = [shown(job) for job in jobs]

		assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 5
		assert [job.attempts for job in jobs] == [1] * 5
		assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
		assert counted == 2
		assert (worker.jobs, worker.restarts) == (1, 2)

	async def test_when_it_has_grown(self, tmp_path: Path) -> None:
		"""A worker that holds too much after a job makes room for a new one."""
		async with opened(tmp_path, DEADLY, recycle_bytes=400 * 2**20) as shop:
			small = await shop.ended(
				shop.submit({'grow': ('Grow', {'mebibytes': 1}), 'who': ('Who', {'value': ('grow', 0)})})
			)
			same = await shop.ended(shop.submit({'who': ('Who', {'value': 1})}))
			large = await shop.ended(
				shop.submit({'grow': ('Grow', {'mebibytes': 400}), 'who': ('Who', {'value': ('grow', 0)})})
			)
			new = await shop.ended(shop.submit({'who': ('Who', {'value': 2})}))

		assert shown(small) == shown(same) == shown(large) != shown(new)


def shown(job: Job) -> object:
	"""The process in which a job ran."""
	assert job.state is JobState.SUCCEEDED, job.failure
	return job.outputs['who'].root['pid'][0]
