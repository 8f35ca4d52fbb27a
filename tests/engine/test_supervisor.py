"""The supervisor with real worker processes.

A worker takes seconds to come up on a busy machine, so most tests share one. The tests of one class build on each
other's worker, not on each other's jobs.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.errors import WorkerLost
from engine.events import AnyEvent, JobFinished, NodesCached, QueueChanged
from engine.graph import Call, Constant, Graph, NodeId
from engine.jobs import JobState
from engine.seat import RESPAWN_SECONDS
from engine.spec import ValidationRequest
from tests.engine.shop import PATIENCE, WAITING, Shop, opened, poll, quick

pytestmark = pytest.mark.asyncio(loop_scope='module')
ASKED = ValidationRequest(NodeId('n'), 'Number', {'value': 1})


@pytest_asyncio.fixture(scope='module', loop_scope='module')
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
	"""One supervisor for all; its program was started from a folder that has nothing to do with it."""
	base = tmp_path_factory.mktemp('shop')
	(base / 'engine').mkdir()
	(base / 'engine' / '__init__.py').write_text("raise ImportError('this is another engine')")
	with pytest.MonkeyPatch.context() as patch:
		patch.chdir(base)
		async with opened(base) as made:
			yield made


class TestRunning:
	async def test_the_worker_describes_its_nodes(self, shop: Shop) -> None:
		"""The declarations come from the pack that the worker loaded."""
		nodes = await shop.supervisor.nodes()

		assert nodes['Number'].inputs[0].name == 'value'
		assert nodes['Save'].sink
		assert nodes['Save'].origin == 'pack'

	async def test_it_tells_its_devices(self, shop: Shop) -> None:
		"""Once its libraries are imported."""
		ready = await asyncio.wait_for(shop.supervisor.ready(), PATIENCE)

		assert ready.devices
		assert all(device.total > 0 for device in ready.devices)
		assert ready.device == shop.worker.device == 'cpu'
		assert 'torch' in ready.versions

	async def test_a_job_runs(self, shop: Shop) -> None:
		"""The events come in order, the picture is there, and the job's end is in the store."""
		job = shop.submit({'one': ('Number', {'value': 7}), 'save': ('Save', {'value': ('one', 0), 'prefix': 'sub/a'})})
		await shop.ended(job)

		assert job.state is JobState.SUCCEEDED
		assert [event.model_dump(include={'type', 'node'}) for event in shop.of(job)] == [
			{'type': 'job_queued'},
			{'type': 'job_started'},
			{'type': 'nodes_cached'},
			{'type': 'node_started', 'node': 'one'},
			{'type': 'node_finished', 'node': 'one'},
			{'type': 'node_started', 'node': 'save'},
			{'type': 'node_finished', 'node': 'save'},
			{'type': 'job_finished', 'node': None},
		]
		assert job.events == shop.of(job)[1:]
		[image] = job.outputs['save'].images
		assert shop.storage.files.saved(image) == shop.settings.output_folder / 'sub' / 'a_00001_.png'
		assert shop.storage.files.saved(image).is_file()

	async def test_jobs_run_one_after_the_other(self, shop: Shop) -> None:
		"""In the order of the queue, each ended before the next begins."""
		jobs = [shop.submit(quick(number)) for number in (11, 12, 13)]
		await shop.ended(jobs[-1])
		begun = [event for event in shop.events if event.job in {job.id for job in jobs}]
		edges = [(event.job, event.model_dump()['type']) for event in begun]

		assert [edge for edge in edges if edge[1] in ('job_started', 'job_finished')] == [
			(job.id, type) for job in jobs for type in ('job_started', 'job_finished')
		]

	async def test_the_queue_tells_how_many_remain(self, shop: Shop) -> None:
		"""When all is done nothing remains, and nothing runs."""
		await shop.ended(shop.submit(quick(14)))
		await shop.until(lambda: isinstance(shop.events[-1], QueueChanged))

		assert shop.queue.remaining == 0
		assert shop.supervisor.running == []
		assert shop.worker.state == 'idle'

	async def test_results_stay_in_the_worker(self, shop: Shop) -> None:
		"""A second job computes nothing, until the cache is freed."""
		cached = []
		for _ in range(2):
			job = await shop.ended(shop.submit(quick(15)))
			cached += [event.pending for event in shop.of(job) if isinstance(event, NodesCached)]
		shop.supervisor.free(models=True, cache=True)
		job = await shop.ended(shop.submit(quick(15)))
		cached += [event.pending for event in shop.of(job) if isinstance(event, NodesCached)]

		assert cached == [('see',), (), ('see',)]

	async def test_a_failing_node_leaves_the_worker_alive(self, shop: Shop) -> None:
		"""The job has failed with its cause; the same process runs the next."""
		pid = shop.pid
		job = await shop.ended(shop.submit({'bad': ('Fail', {'value': 3}), 'see': ('See', {'value': ('bad', 0)})}))
		after = await shop.ended(shop.submit(quick(16)))

		assert job.state is JobState.FAILED
		assert job.failure is not None
		assert (job.failure.message, job.failure.node) == ('cannot use 3', 'bad')
		assert after.state is JobState.SUCCEEDED
		assert shop.pid == pid

	async def test_a_job_that_cannot_be_sent(self, shop: Shop) -> None:
		"""It has failed with the reason, and the next one runs."""
		nest: Any = 1
		for _ in range(600):
			nest = [nest]
		deep = shop.submit(Graph({NodeId('see'): Call('See', {'value': Constant(1), 'extra': Constant(nest)})}))
		half = shop.submit(Graph({NodeId('see'): Call('See', {'value': Constant(1), 'extra': Constant('\ud800')})}))
		after = await shop.ended(shop.submit(quick(17)))

		for job in (deep, half):
			assert job.state is JobState.FAILED
			assert job.failure is not None
			assert 'cannot be sent to the worker' in job.failure.message
		assert after.state is JobState.SUCCEEDED


class TestInterrupt:
	async def test_a_node_at_work_is_stopped(self, shop: Shop) -> None:
		"""The job is cancelled, naming the node, and the worker lives on."""
		pid = shop.pid
		job = shop.submit(WAITING)
		await shop.computing(job)
		[running] = shop.supervisor.running
		worker = shop.worker
		assert shop.supervisor.interrupt()
		await shop.ended(job)

		assert (running.job, running.node, running.kind) == (job, 'wait', 'Wait')
		assert (worker.state, worker.job, worker.node, worker.kind) == ('busy', job.id, 'wait', 'Wait')
		assert worker.seconds >= 0
		assert job.state is JobState.CANCELLED
		assert (shop.end(job).node, shop.end(job).kind) == ('wait', 'Wait')
		assert job.failure is None
		assert shop.pid == pid

	async def test_another_job_is_left_alone(self, shop: Shop) -> None:
		"""Only the job that is meant is stopped; a waiting one is not running."""
		job, waiting = shop.submit(WAITING), shop.submit(quick(21))
		await shop.computing(job)

		assert not shop.supervisor.interrupt('another')
		assert not shop.supervisor.interrupt(waiting.id)
		assert [running.id for running in shop.queue.running()] == [job.id]
		assert shop.supervisor.interrupt(job.id)
		await shop.ended(waiting)
		assert job.state is JobState.CANCELLED
		assert waiting.state is JobState.SUCCEEDED

	async def test_right_after_it_was_submitted(self, shop: Shop) -> None:
		"""An interrupt that overtakes nothing and waits for nothing still stops the job, and no later one."""
		job = shop.submit(WAITING)
		assert shop.supervisor.interrupt(job.id)
		after = shop.submit(quick(22))
		await shop.ended(after)

		assert job.state is JobState.CANCELLED
		assert after.state is JobState.SUCCEEDED

	async def test_when_nothing_runs(self, shop: Shop) -> None:
		"""Nobody is asked, and the next job is not touched."""
		assert not shop.supervisor.interrupt()
		assert (await shop.ended(shop.submit(quick(23)))).state is JobState.SUCCEEDED


class TestFaults:
	async def test_a_fault_of_the_supervisors_own(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Whatever goes wrong while a worker is listened to, there is a next one, and its job is begun anew."""
		pid = shop.pid
		tell = shop.queue.tell

		def break_once(event: AnyEvent) -> None:
			if isinstance(event, JobFinished):
				monkeypatch.setattr(shop.queue, 'tell', tell)
				raise RuntimeError('the store is full')
			tell(event)

		monkeypatch.setattr(shop.queue, 'tell', break_once)
		job, after = shop.submit(quick(33)), shop.submit(quick(34))
		await shop.ended(after)

		assert job.state is JobState.SUCCEEDED
		assert after.state is JobState.SUCCEEDED
		assert shop.pid != pid


class TestQuestions:
	"""Nodes are asked beside the jobs; the worker here is the one that the tests above left."""

	async def test_nothing_to_ask(self, shop: Shop) -> None:
		"""Without requests nobody is asked."""
		assert await shop.supervisor.validate([]) == {}

	async def test_nodes_that_accept(self, shop: Shop) -> None:
		"""Nobody refuses: the answer is empty; it comes while a node is at work."""
		job = shop.submit(WAITING)
		await shop.computing(job)
		answer = await asyncio.wait_for(shop.supervisor.validate([ASKED]), PATIENCE)
		shop.supervisor.interrupt()
		await shop.ended(job)

		assert answer == {}

	async def test_no_answer_is_a_refusal(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A validator that takes too long must not let its graph run."""
		monkeypatch.setattr('engine.questions.VALIDATE_SECONDS', 0.0)

		assert await shop.supervisor.validate([ASKED]) == {'n': 'The validator did not answer.'}

	async def test_declarations_are_told_anew(self, shop: Shop) -> None:
		"""Several who ask at once are answered together; the worker goes on with its job."""
		job = shop.submit(WAITING)
		await shop.computing(job)
		before = await shop.supervisor.nodes()
		async with asyncio.timeout(PATIENCE):
			await asyncio.gather(shop.supervisor.refresh(), shop.supervisor.refresh())
		after = await shop.supervisor.nodes()
		shop.supervisor.interrupt()
		await shop.ended(job)

		assert after is not before
		assert after == before
		assert job.state is JobState.CANCELLED

	async def test_a_worker_that_dies_over_it(self, shop: Shop) -> None:
		"""Who waits for the answer hears that the worker is lost; who waits for declarations keeps the old ones."""
		pid = shop.pid
		os.kill(pid, signal.SIGSTOP)
		asked = asyncio.create_task(shop.supervisor.validate([ASKED]))
		refreshed = asyncio.create_task(shop.supervisor.refresh())
		await asyncio.sleep(0)
		os.kill(pid, signal.SIGKILL)
		with pytest.raises(WorkerLost, match='SIGKILL'):
			await asyncio.wait_for(asked, PATIENCE)
		await asyncio.wait_for(refreshed, PATIENCE)

		assert 'Number' in await shop.supervisor.nodes()
		assert (await shop.ended(shop.submit(quick(41)))).state is JobState.SUCCEEDED

	async def test_before_the_worker_is_up(self, tmp_path: Path) -> None:
		"""Who asks early waits for it."""
		shop = Shop(tmp_path, 'tests.engine.deadly')
		await shop.supervisor.start()
		try:
			answer = await asyncio.wait_for(shop.supervisor.validate([ASKED]), PATIENCE)
		finally:
			await shop.supervisor.stop()

		assert answer == {}

	async def test_without_a_worker(self, tmp_path: Path) -> None:
		"""Nobody is there to judge; nothing is told anew."""
		shop = Shop(tmp_path)
		await shop.supervisor.refresh()
		with pytest.raises(WorkerLost):
			await shop.supervisor.validate([ASKED])


class TestStop:
	async def test_no_process_stays_behind(self, shop: Shop) -> None:
		"""Even in the middle of a job the worker ends, and the job waits again; a second stop is no error."""
		pid = shop.pid
		job, behind = shop.submit(WAITING), shop.submit(quick(51))
		await shop.computing(job)
		await shop.supervisor.stop()
		await shop.supervisor.stop()

		assert shop.worker.pid is None
		with pytest.raises(ProcessLookupError):
			os.kill(pid, 0)
		assert shop.queue.queued() == [job, behind]
		assert shop.reasons(job) == ['', 'the server was stopped']
		assert job.losses == 0

	async def test_one_that_was_never_started(self, tmp_path: Path) -> None:
		"""There is nothing to stop, and no process was started."""
		shop = Shop(tmp_path)
		await shop.supervisor.stop()

		assert shop.supervisor.workers == []

	async def test_one_that_is_still_starting(self, tmp_path: Path) -> None:
		"""A worker that has not yet connected is ended too."""
		shop = Shop(tmp_path)
		await shop.supervisor.start()
		await poll(lambda: shop.worker.pid is not None)
		pid = shop.pid
		await shop.supervisor.stop()

		assert shop.worker.pid is None
		with pytest.raises(ProcessLookupError):
			os.kill(pid, 0)

	async def test_one_that_is_not_yet_spawned(self, tmp_path: Path) -> None:
		"""A stop right after the start leaves nothing behind."""
		shop = Shop(tmp_path)
		await shop.supervisor.start()
		await shop.supervisor.stop()

		assert shop.worker.pid is None

	async def test_in_the_grace_period(self, tmp_path: Path) -> None:
		"""What runs may end, but nothing more begins."""
		async with opened(tmp_path, 'tests.engine.deadly') as shop:
			job = shop.submit({'last': ('Stubborn', {'seconds': 0.5}), 'see': ('See', {'value': ('last', 0)})})
			behind = shop.submit(quick(1))
			await shop.computing(job)
			await shop.supervisor.stop(grace=PATIENCE)

		assert job.state is JobState.SUCCEEDED
		assert behind.state is JobState.QUEUED

	async def test_a_hanging_node(self, tmp_path: Path) -> None:
		"""A worker that cannot hear that it should end is ended all the same, and with it what it has started."""
		async with opened(tmp_path, 'tests.engine.deadly') as shop:
			pid = shop.pid
			job = shop.submit(
				{'hang': ('Seize', {'path': f'{tmp_path / "pid"}'}), 'see': ('See', {'value': ('hang', 0)})}
			)
			await poll((tmp_path / 'pid').exists)
			await shop.supervisor.stop(grace=0.1)

		assert job.state is JobState.QUEUED
		with pytest.raises(ProcessLookupError):
			os.kill(pid, 0)

	async def test_a_job_that_was_interrupted(self, tmp_path: Path) -> None:
		"""It does not come back with the next server."""
		async with opened(tmp_path, 'tests.engine.deadly') as shop:
			job = shop.submit({'last': ('Stubborn', {'seconds': 60.0}), 'see': ('See', {'value': ('last', 0)})})
			await shop.computing(job)
			shop.supervisor.interrupt(job.id)
			await shop.supervisor.stop()

		assert job.state is JobState.CANCELLED


class TestBrokenPack:
	async def test_it_is_tried_again_with_pauses(
		self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
	) -> None:
		"""A pack that cannot be imported is told by name in the log; the next try comes after a pause."""
		shop = Shop(tmp_path, 'no_such_pack')

		def deaths() -> list[logging.LogRecord]:
			return [record for record in caplog.records if 'exit code 1' in record.getMessage()]

		await shop.supervisor.start()
		job = shop.submit(quick(1))
		await poll(lambda: len(deaths()) >= 2)
		await shop.supervisor.stop()
		first, second = deaths()[:2]

		assert second.created - first.created >= RESPAWN_SECONDS[1]
		assert "Pack 'no_such_pack': it cannot be imported" in capfd.readouterr().err
		assert job.state is JobState.QUEUED
		assert shop.supervisor.restarts['exited'] >= 2
		assert shop.worker.pid is None

	async def test_the_pauses_grow(self) -> None:
		"""The first worker comes at once, later ones ever later."""
		assert RESPAWN_SECONDS[0] == 0
		assert list(RESPAWN_SECONDS) == sorted(set(RESPAWN_SECONDS))
