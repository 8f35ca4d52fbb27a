"""A queue with a supervisor and real worker processes, and every event that was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from engine.events import Event, EventBus, JobFinished, JobQueued, NodeFinished, NodeProgress
from engine.graph import Graph
from engine.jobs import Job, MemoryJobStore, Submission
from engine.office import WorkerSnapshot
from engine.queue import JobQueue
from engine.settings import Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from tests.engine.tools import Nodes, graph

PATIENCE = 120.0
SINKS = ('See', 'Save', 'Who', 'Tell')
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
	"""What a server has of the engine, without the server."""

	def __init__(self, base: Path, pack: str = 'tests.engine.pack', **settings: object) -> None:
		self.settings = Settings.model_validate({'base': base, **settings})
		self.storage = Storage.of(self.settings)
		self.bus = EventBus()
		self.store = MemoryJobStore()
		self.queue = JobQueue(self.store, self.bus)
		self.supervisor = Supervisor(self.settings, self.queue, self.storage, pack=pack)
		self.events: list[Event] = []
		self.lines: list[tuple[str, str]] = []
		self._news = asyncio.Event()
		self.bus.subscribe(self._hear)
		self.supervisor.on_line = lambda name, text: self.lines.append((name, text))

	def _hear(self, event: Event) -> None:
		self.events.append(event)
		self._news.set()

	def submit(self, nodes: Nodes | Graph, *, secrets: Mapping[str, str] | None = None) -> Job:
		"""Queue a job for all its sinks."""
		asked = nodes if isinstance(nodes, Graph) else graph(nodes)
		sinks = tuple(node for node, call in asked.calls.items() if call.kind in SINKS)
		return self.queue.submit(Submission(asked, sinks, secrets=secrets or {}))

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

	async def idle(self) -> None:
		"""Wait until all workers are up and have nothing to do."""
		await poll(lambda: all(worker.state == 'idle' for worker in self.supervisor.workers))

	def of(self, job: Job) -> list[Event]:
		"""What was told of a job."""
		return [event for event in self.events if event.job == job.id]

	def reasons(self, job: Job) -> list[str]:
		"""Why a job was queued, each time."""
		return [event.reason for event in self.of(job) if isinstance(event, JobQueued)]

	def cached(self, job: Job) -> dict[str, bool]:
		"""The nodes that were told to have results, last, and whether these were in the cache."""
		return {event.node: event.cached for event in self.of(job) if isinstance(event, NodeFinished)}

	def end(self, job: Job) -> JobFinished:
		"""What was told of a job's end."""
		[end] = [event for event in self.of(job) if isinstance(event, JobFinished)]
		return end

	@property
	def worker(self) -> WorkerSnapshot:
		"""The one worker."""
		[worker] = self.supervisor.workers
		return worker

	@property
	def pid(self) -> int:
		"""The one worker's process."""
		pid = self.worker.pid
		assert pid is not None
		return pid


@asynccontextmanager
async def opened(base: Path, pack: str = 'tests.engine.pack', **settings: object) -> AsyncIterator[Shop]:
	"""A shop whose worker is up."""
	shop = Shop(base, pack, **settings)
	await shop.supervisor.start()
	try:
		await asyncio.wait_for(shop.supervisor.ready(), PATIENCE)
		yield shop
	finally:
		await shop.supervisor.stop()
