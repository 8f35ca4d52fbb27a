"""The supervisor with real worker processes.

A worker takes seconds to come up on a busy machine, so most tests share one. The tests of one class build on each
other's worker, not on each other's jobs.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.errors import WorkerLost
from engine.events import (
	AnyEvent,
	Event,
	EventBus,
	Failure,
	JobFinished,
	NodeFinished,
	NodeProgress,
	NodesCached,
	QueueChanged,
)
from engine.graph import Call, Constant, Graph, NodeId
from engine.jobs import Job, JobState, MemoryJobStore, Submission
from engine.queue import JobQueue
from engine.settings import Settings
from engine.spec import ValidationRequest
from engine.storage import Storage
from engine.supervisor import RESPAWN_SECONDS, Supervisor
from tests.engine.tools import Nodes, graph

pytestmark = pytest.mark.asyncio(loop_scope='module')
PATIENCE = 120.0
ASKED = ValidationRequest(NodeId('n'), 'Number', {'value': 1})
WAITING: Nodes = {'wait': ('Wait', {'value': 1}), 'see': ('See', {'value': ('wait', 0)})}


def quick(value: int) -> Nodes:
	"""A job of one step that is in no cache yet."""
	return {'see': ('See', {'value': value})}


async def poll(condition: Callable[[], bool]) -> None:
	"""Wait for what no event tells: a new process, a line in the log."""
	async with asyncio.timeout(PATIENCE):
		while not condition():  # noqa: ASYNC110 - see above
			await asyncio.sleep(0.01)


class Shop:
	"""A queue, its supervisor, and every event that was told."""

	def __init__(self, base: Path, pack: str = 'tests.engine.pack') -> None:
		self.settings = Settings(base=base)
		self.storage = Storage.of(self.settings)
		self.bus = EventBus()
		self.queue = JobQueue(MemoryJobStore(), self.bus)
		self.supervisor = Supervisor(self.settings, self.queue, self.storage, pack=pack)
		self.events: list[Event] = []
		self._news = asyncio.Event()
		self.bus.subscribe(self._hear)

	def _hear(self, event: Event) -> None:
		self.events.append(event)
		self._news.set()

	def submit(self, nodes: Nodes | Graph) -> Job:
		"""Queue a job for all its sinks."""
		asked = nodes if isinstance(nodes, Graph) else graph(nodes)
		sinks = tuple(node for node, call in asked.calls.items() if call.kind in ('See', 'Save'))
		return self.queue.submit(Submission(asked, sinks))

	async def until(self, condition: Callable[[], bool]) -> None:
		"""Wait for events until it is so."""
		async with asyncio.timeout(PATIENCE):
			while not condition():
				self._news.clear()
				await self._news.wait()

	async def ended(self, job: Job) -> Job:
		"""Wait for a job's end."""
		await self.until(lambda: job.state.over)
		return job

	async def computing(self, job: Job) -> None:
		"""Wait until a job's node is at work."""
		await self.until(lambda: any(isinstance(event, NodeProgress) and event.job == job.id for event in self.events))

	def of(self, job: Job) -> list[Event]:
		"""What was told of a job."""
		return [event for event in self.events if event.job == job.id]


@pytest_asyncio.fixture(scope='module', loop_scope='module')
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
	"""One supervisor for all; its program was started from a folder that has nothing to do with it."""
	base = tmp_path_factory.mktemp('shop')
	(base / 'engine').mkdir()
	(base / 'engine' / '__init__.py').write_text("raise ImportError('this is another engine')")
	made = Shop(base)
	with pytest.MonkeyPatch.context() as patch:
		patch.chdir(base)
		await made.supervisor.start()
		await asyncio.wait_for(made.supervisor.nodes(), PATIENCE)
	yield made
	await made.supervisor.stop()


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
		assert 'torch' in ready.versions

	async def test_a_job_runs(self, shop: Shop) -> None:
		"""The events come in order, the picture is there, and the job's end is in the store."""
		job = shop.submit({'one': ('Number', {'value': 7}), 'save': ('Save', {'value': ('one', 0), 'prefix': 'sub/a'})})
		await shop.ended(job)

		assert job.state is JobState.SUCCEEDED
		assert [event.model_dump(include={'type', 'node'}) for event in shop.of(job)] == [
			{'type': 'job_started'},
			{'type': 'nodes_cached'},
			{'type': 'node_started', 'node': 'one'},
			{'type': 'node_finished', 'node': 'one'},
			{'type': 'node_started', 'node': 'save'},
			{'type': 'node_finished', 'node': 'save'},
			{'type': 'job_finished', 'node': None},
		]
		assert job.events == shop.of(job)
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
		assert shop.supervisor.current is None

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
		pid = shop.supervisor.worker_pid
		job = await shop.ended(shop.submit({'bad': ('Fail', {'value': 3}), 'see': ('See', {'value': ('bad', 0)})}))
		after = await shop.ended(shop.submit(quick(16)))

		assert job.state is JobState.FAILED
		assert job.failure is not None
		assert (job.failure.message, job.failure.node) == ('cannot use 3', 'bad')
		assert after.state is JobState.SUCCEEDED
		assert shop.supervisor.worker_pid == pid

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
		pid = shop.supervisor.worker_pid
		job = shop.submit(WAITING)
		await shop.computing(job)
		current = shop.supervisor.current
		assert current is not None
		assert (current.job, current.node, current.kind) == (job, 'wait', 'Wait')
		assert shop.supervisor.interrupt()
		await shop.ended(job)
		[end] = [event for event in shop.of(job) if isinstance(event, JobFinished)]

		assert job.state is JobState.CANCELLED
		assert (end.node, end.kind) == ('wait', 'Wait')
		assert job.failure is None
		assert shop.supervisor.worker_pid == pid

	async def test_another_job_is_left_alone(self, shop: Shop) -> None:
		"""Only the job that is meant is stopped; a waiting one is not running."""
		job, waiting = shop.submit(WAITING), shop.submit(quick(21))
		await shop.computing(job)

		assert not shop.supervisor.interrupt('another')
		assert not shop.supervisor.interrupt(waiting.id)
		assert [running.id for running in shop.queue.store.running()] == [job.id]
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


class TestLostWorkers:
	async def test_a_killed_worker(self, shop: Shop) -> None:
		"""Its job has failed, naming the signal and the node; the next runs on a new worker."""
		pid = shop.supervisor.worker_pid
		assert pid is not None
		job, after = shop.submit(WAITING), shop.submit(quick(31))
		await shop.computing(job)
		os.kill(pid, signal.SIGKILL)
		await shop.ended(job)

		assert job.state is JobState.FAILED
		assert job.failure == Failure(
			message='The worker process was killed by signal SIGKILL. It may have run out of memory. '
			"It was running node 'wait' (Wait).",
			exception_type='WorkerLost',
			node='wait',
			kind='Wait',
		)
		assert isinstance(shop.of(job)[-1], JobFinished)
		await shop.ended(after)
		assert after.state is JobState.SUCCEEDED
		assert shop.supervisor.worker_pid not in (None, pid)

	async def test_a_node_that_ends_the_process(self, shop: Shop) -> None:
		"""A crash in native code is told with the exit code; declarations are served all the while."""
		pid = shop.supervisor.worker_pid
		job = shop.submit({'end': ('Leave', {'code': 3}), 'see': ('See', {'value': ('end', 0)})})
		await shop.ended(job)

		assert job.state is JobState.FAILED
		assert job.failure is not None
		assert job.failure.message == ("The worker process ended with exit code 3. It was running node 'end' (Leave).")
		assert 'Number' in await shop.supervisor.nodes()
		after = await shop.ended(shop.submit(quick(32)))
		assert after.state is JobState.SUCCEEDED
		assert shop.supervisor.worker_pid not in (None, pid)

	async def test_a_fault_of_the_supervisors_own(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Whatever goes wrong while a worker is listened to, its job has an end and there is a next worker."""
		pid = shop.supervisor.worker_pid
		tell = shop.queue.tell

		def break_once(event: AnyEvent) -> None:
			monkeypatch.setattr(shop.queue, 'tell', tell)
			raise RuntimeError('the store is full')

		monkeypatch.setattr(shop.queue, 'tell', break_once)
		job, after = shop.submit(quick(33)), shop.submit(quick(34))
		await shop.ended(after)

		assert job.state is JobState.FAILED
		assert after.state is JobState.SUCCEEDED
		assert shop.supervisor.worker_pid not in (None, pid)

	async def test_a_new_worker_goes_on_from_what_is_on_disk(self, shop: Shop) -> None:
		"""What the old one had finished is not computed again."""
		job = await shop.ended(shop.submit(quick(31)))

		assert [event.cached for event in shop.of(job) if isinstance(event, NodeFinished)] == [True]


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
		monkeypatch.setattr('engine.supervisor.VALIDATE_SECONDS', 0.0)

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
		pid = shop.supervisor.worker_pid
		assert pid is not None
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

	async def test_without_a_worker(self, tmp_path: Path) -> None:
		"""Nobody is there to judge; nothing is told anew."""
		shop = Shop(tmp_path)
		await shop.supervisor.refresh()
		with pytest.raises(WorkerLost):
			await shop.supervisor.validate([ASKED])


class TestStop:
	async def test_no_process_stays_behind(self, shop: Shop) -> None:
		"""Even in the middle of a job the worker ends; a second stop is no error."""
		pid = shop.supervisor.worker_pid
		assert pid is not None
		job = shop.submit(WAITING)
		await shop.computing(job)
		await shop.supervisor.stop()
		await shop.supervisor.stop()

		assert shop.supervisor.worker_pid is None
		with pytest.raises(ProcessLookupError):
			os.kill(pid, 0)

	async def test_one_that_was_never_started(self, tmp_path: Path) -> None:
		"""There is nothing to stop, and no process was started."""
		shop = Shop(tmp_path)
		await shop.supervisor.stop()

		assert shop.supervisor.worker_pid is None

	async def test_one_that_is_still_starting(self, tmp_path: Path) -> None:
		"""A worker that has not yet connected is ended too."""
		shop = Shop(tmp_path)
		await shop.supervisor.start()
		await poll(lambda: shop.supervisor.worker_pid is not None)
		pid = shop.supervisor.worker_pid
		assert pid is not None
		await shop.supervisor.stop()

		assert shop.supervisor.worker_pid is None
		with pytest.raises(ProcessLookupError):
			os.kill(pid, 0)


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
		assert shop.supervisor.worker_pid is None

	async def test_the_pauses_grow(self) -> None:
		"""The first worker comes at once, later ones ever later."""
		assert RESPAWN_SECONDS[0] == 0
		assert list(RESPAWN_SECONDS) == sorted(set(RESPAWN_SECONDS))
