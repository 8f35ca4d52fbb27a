"""Keeps worker processes alive and busy: gives them the queue's jobs, and answers for them.

One or several sit at each device that the first worker finds (`engine.seat`). Whatever happens to a worker, the nodes that
were told last are known, and the next worker goes on with the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence

from engine.causes import Cause
from engine.declaration import NodeInfo
from engine.declared import KeptNodes
from engine.errors import WorkerLost
from engine.fit import best_of, models_of
from engine.graph import Graph, NodeId
from engine.jobs import Job
from engine.modelreport import ModelReport
from engine.office import Office, WorkerSnapshot
from engine.output import Echo
from engine.plugins import PackReport
from engine.questions import Questions
from engine.queue import JobQueue
from engine.running import Running, WakingClock
from engine.seat import Seat
from engine.settings import Settings
from engine.spec import ValidationRequest
from engine.storage import Storage
from engine.wire import Described, Forecasted, Free, ModelsTold, Ready

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25
COME_SECONDS = 30.0


class Supervisor:
	"""All workers of a server. All methods belong to the event loop's thread.

	`on_line`, if set, is called with each line that a worker writes: the worker's name, the text. `restarts` counts the
	ends of workers that were replaced, by their cause.
	"""

	def __init__(self, settings: Settings, queue: JobQueue, storage: Storage, *, pack: str = 'nodes') -> None:
		self.on_line: Callable[[str, str], None] | None = None
		self.restarts: Counter[Cause] = Counter()
		self._settings = settings
		self._queue = queue
		self._storage = storage
		self._kept = KeptNodes(settings, pack)
		self._echo = Echo()
		self._nodes: dict[str, NodeInfo] = {}
		self._packs: tuple[PackReport, ...] = ()
		self._seats: list[Seat] = []
		self._known = asyncio.Event()
		self._ready: asyncio.Future[Ready] | None = None
		self._news = asyncio.Event()
		self._closing = False
		self._dispatching = False
		self._watching: asyncio.Task[None] | None = None
		self._aside: set[asyncio.Task[None]] = set()
		self._office = Office(
			settings=settings,
			pack=pack,
			queue=queue,
			clock=WakingClock(),
			limit_of=self._limit_of,
			described=self._described,
			ready=self._is_ready,
			rested=self._dispatch,
			ended=self._ended,
			wrote=self._wrote,
		)
		queue.when_queued(self._dispatch)

	async def start(self) -> None:
		"""Begin; returns at once, the workers come up behind."""
		self._ready = asyncio.get_running_loop().create_future()
		self._do_aside(self._recall())
		self._add_seat('')
		self._watching = asyncio.create_task(self._watch())

	async def stop(self, grace: float = 0.0) -> None:
		"""End the workers. Running jobs may end within `grace` seconds; those that do not wait again."""
		self._closing = True
		if self._watching is None:
			return
		for seat in self._seats:
			seat.leave()
		with contextlib.suppress(TimeoutError):
			async with asyncio.timeout(grace):
				while self.running:
					await self._next_news()
		await asyncio.gather(*(seat.stop() for seat in self._seats))
		self._watching.cancel()
		for task in tuple(self._aside):
			await task
		await asyncio.to_thread(self._echo.close)

	async def nodes(self) -> Mapping[str, NodeInfo]:
		"""Kind → declaration: as the worker told that described itself last, be it one of an earlier server's.

		Waits for the first worker if none is known.
		"""
		await self._known.wait()
		return self._nodes

	@property
	def packs(self) -> tuple[PackReport, ...]:
		"""How the packs in folders of custom nodes were loaded by the worker that described itself last."""
		return self._packs

	async def validate(self, requests: Sequence[ValidationRequest]) -> Mapping[NodeId, str]:
		"""Node id → why it refuses its constants. `WorkerLost` if the worker dies over it, or none comes up.

		A node that takes too long refuses: a graph that was not judged must not run.
		"""
		if not requests:
			return {}
		return await (await self._somebody()).questions.validate(requests)

	async def refresh(self) -> None:
		"""Have the nodes told anew; if no answer comes soon, the old ones stay."""
		seat = self._asked()
		if seat is not None:
			await seat.questions.refresh()

	async def ready(self) -> Ready:
		"""Devices and versions; waits until a worker has imported its libraries."""
		if self._ready is None:
			raise WorkerLost('The supervisor was not started.')
		return await asyncio.shield(self._ready)

	@property
	def running(self) -> Sequence[Running]:
		"""The jobs at the workers now."""
		return [seat.running for seat in self._seats if seat.running is not None]

	@property
	def workers(self) -> Sequence[WorkerSnapshot]:
		"""How each worker is doing."""
		return [seat.snapshot for seat in self._seats]

	def interrupt(self, job: str | None = None) -> bool:
		"""Ask running jobs to stop: all, or this one only. Tells whether one was asked.

		One that goes on for longer than the grace of the settings is cancelled by ending its worker.
		"""
		asked = [seat for seat in self._seats if seat.running is not None and job in (None, seat.running.job.id)]
		for seat in asked:
			seat.interrupt()
		return bool(asked)

	async def forecast(self, graph: Graph, sinks: Sequence[NodeId]) -> Forecasted | None:
		"""What a checked graph will need of memory, and what a run of it would do; None if no worker is there to tell."""
		seat = self._asked()
		try:
			return None if seat is None else await seat.questions.forecast(graph, sinks)
		except WorkerLost:
			return None

	async def models(self) -> Mapping[str, ModelReport]:
		"""Worker → the models that it holds; those that do not answer are left out."""
		return {name: told.models for name, told in (await self._each(Questions.models)).items()}

	async def cancel_load(self, load: str, reason: str) -> bool:
		"""End a load of a model, wherever it runs. Tells whether it was found."""
		return any(told.found for told in (await self._each(lambda ask: ask.cancel_load(load, reason))).values())

	async def unload(self, resident: str = '') -> int:
		"""Have a model dropped, if nobody uses it, or all such; gives the bytes freed."""
		return sum(told.freed for told in (await self._each(lambda ask: ask.unload(resident))).values())

	async def _each(self, ask: Callable[[Questions], Coroutine[object, object, ModelsTold]]) -> dict[str, ModelsTold]:
		"""Ask all workers at once; those that are lost over it are left out."""
		seats = [seat for seat in self._seats if seat.asked]
		answers = await asyncio.gather(*(ask(seat.questions) for seat in seats), return_exceptions=True)
		found: dict[str, ModelsTold] = {}
		for seat, answer in zip(seats, answers, strict=True):
			if isinstance(answer, ModelsTold):
				found[seat.name] = answer
			elif not isinstance(answer, WorkerLost):
				raise answer
		return found

	def free(self, *, models: bool, cache: bool) -> None:
		"""Let each worker drop its models, its cached results, or both, before its next job."""
		for seat in self._seats:
			seat.send(Free(models=models, cache=cache))

	def _add_seat(self, device: str) -> None:
		seat = Seat(f'worker-{len(self._seats) + 1}', device, self._office)
		self._seats.append(seat)
		seat.start()

	def _asked(self) -> Seat | None:
		"""Who is asked questions: an idle worker, else any that lives."""
		asked = [seat for seat in self._seats if seat.asked]
		return next((seat for seat in asked if seat.state == 'idle'), asked[0] if asked else None)

	async def _somebody(self) -> Seat:
		with contextlib.suppress(TimeoutError):
			async with asyncio.timeout(COME_SECONDS):
				while self._watching is not None and not self._closing:
					seat = self._asked()
					if seat is not None:
						return seat
					await self._next_news()
		raise WorkerLost('No worker is up to judge the values of the nodes.')

	async def _next_news(self) -> None:
		"""Wait until something has changed at some worker."""
		self._news.clear()
		await self._news.wait()

	async def _watch(self) -> None:
		while True:
			await asyncio.sleep(WATCH_SECONDS)
			for seat in self._seats:
				try:
					seat.watch()
				except Exception:
					log.exception('%s could not be watched.', seat.name)

	def _dispatch(self) -> None:
		"""Give idle workers the next jobs, as long as there are any."""
		self._news.set()
		if self._dispatching:
			return  # Who hears of a job's beginning may queue another: it is found below.
		self._dispatching = True
		try:
			while not self._closing and (idle := [seat for seat in self._seats if seat.rests]):
				job = self._queue.claim()
				if job is None:
					return
				self._hand_over(job, idle)
		finally:
			self._dispatching = False

	def _hand_over(self, job: Job, idle: Sequence[Seat]) -> None:
		if len(self._seats) == 1:
			idle[0].run(job)
			return
		wanted = models_of(job.submission.graph, self._nodes)
		seat = best_of(idle, wanted)
		seat.loaded = wanted or seat.loaded
		seat.run(job)

	def _limit_of(self, kind: str) -> float | None:
		info = self._nodes.get(kind)
		limit = None if info is None else info.time_limit
		return self._settings.node_seconds if limit is None else limit

	async def _recall(self) -> None:
		"""Serve what was known before this server, unless a worker was quicker."""
		kept = await asyncio.to_thread(self._kept.load)
		if kept is not None and not self._known.is_set():
			self._learn(kept)

	def _described(self, message: Described) -> None:
		self._learn(message)
		self._news.set()
		self._do_aside(asyncio.to_thread(self._kept.save, message))

	def _learn(self, message: Described) -> None:
		self._nodes = {node.kind: node for node in message.nodes}
		self._packs = message.packs
		self._storage.catalogue.marks = list(message.marks)
		for kind, places in message.model_folders.items():
			for place in places:
				self._storage.catalogue.add(kind, place)
		self._known.set()

	def _is_ready(self, message: Ready) -> None:
		if self._ready is not None and not self._ready.done():
			self._ready.set_result(message)
		for device in message.used:
			seated = sum(seat.device == device for seat in self._seats)
			for _ in range(0 if self._closing else self._settings.workers - seated):
				self._add_seat(device)

	def _ended(self, cause: Cause) -> None:
		if cause != 'stopped':
			self.restarts[cause] += 1
		self._news.set()

	def _wrote(self, name: str, lines: list[str]) -> None:
		self._echo.write([f'[{name}] {line}' for line in lines])
		if self.on_line is None:
			return
		try:
			for line in lines:
				self.on_line(name, line)
		except Exception:
			# Not their writer's fault, and no reason to stop reading.
			log.exception('The lines of %s could not be handed on.', name)

	def _do_aside(self, work: Coroutine[object, object, None]) -> None:
		task = asyncio.create_task(work)
		self._aside.add(task)
		task.add_done_callback(self._aside.discard)
