"""A seat for a worker: one process after the other works in it, each replaced when it has ended.

	starting → idle ⇄ busy → stopping, and then starting again

The seat knows what its worker does, and what it may not do: compute longer than allowed, fall silent, go on with a job
that was interrupted. A worker that does is killed. What became of its job is told to the queue here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator

from pydantic_core import to_json

from engine.causes import PLANNED, Cause, is_poisoned
from engine.errors import WorkerLost
from engine.events import AnyEvent, Failure, JobFinished
from engine.execute import qualified_name
from engine.fit import Models
from engine.jobs import Job, JobNotFound
from engine.kernel import resident_bytes
from engine.office import Office, State, WorkerSnapshot
from engine.output import tail
from engine.process import WorkerProcess
from engine.questions import Questions
from engine.redact import redacted, redacted_event
from engine.running import NodeAtWork, Running
from engine.wire import (
	Beat,
	Described,
	Forecasted,
	Happened,
	Heard,
	Interrupt,
	Message,
	ModelsTold,
	Ready,
	RunJob,
	Validated,
)

log = logging.getLogger(__name__)

RESPAWN_SECONDS = (0.0, 0.5, 2.0, 10.0)
"""Pauses before the next worker, after so many in a row that have ended without a job."""
REMEMBERED_SECRETS = 16
STOPPED = 'the server was stopped'


class Seat:
	"""`loaded` is what the last job had loaded that loaded models; `rests_since` counts up from rest to rest, over all seats.

	All methods belong to the event loop's thread.
	"""

	def __init__(self, name: str, device: str, office: Office) -> None:
		self.name = name
		self.device = device
		self.state: State = 'starting'
		self.running: Running | None = None
		self.loaded: Models = frozenset()
		self.rests_since = 0
		self.knows_nodes = False
		self.questions = Questions(self.send)
		self._office = office
		self._process: WorkerProcess | None = None
		self._noted: tuple[str, str, str] | None = None
		self._heard_at = 0.0
		self._jobs = 0
		self._restarts = -1
		self._deaths = 0
		self._secrets: deque[str] = deque(maxlen=REMEMBERED_SECRETS)
		self._leaving = asyncio.Event()
		self._keeping: asyncio.Task[None] | None = None
		self._retiring: asyncio.Task[None] | None = None

	def start(self) -> None:
		"""Begin; returns at once, the worker comes up behind."""
		self._keeping = asyncio.create_task(self._keep())

	def leave(self) -> None:
		"""Have no further worker after this one."""
		self._leaving.set()

	async def stop(self) -> None:
		"""End the worker, kindly first. Its job waits again."""
		self.leave()
		if self.running is not None:
			running, self.running = self.running, None
			self._give_back(running, STOPPED, counted=False)
		if self._keeping is not None:
			if self._process is not None:
				self.state = 'stopping'
				await self._process.end('stopped', 'The worker process was stopped with the server.')
			await self._keeping

	@property
	def rests(self) -> bool:
		"""Whether it can be given a job: the worker waits, and was not seen to die."""
		return self.state == 'idle' and self._process is not None and self._process.connected

	@property
	def asked(self) -> bool:
		"""Whether it can be asked questions."""
		return self.knows_nodes and self.state != 'stopping'

	@property
	def snapshot(self) -> WorkerSnapshot:
		"""How the worker is doing."""
		running = self.running
		at_work = None if running is None else running.last
		return WorkerSnapshot(
			name=self.name,
			device=self.device,
			state=self.state,
			pid=None if self._process is None else self._process.pid,
			job=None if running is None else running.job.id,
			node=None if at_work is None else at_work.node,
			kind='' if at_work is None else at_work.kind,
			seconds=0.0 if at_work is None else round(self._office.clock.now() - at_work.since, 3),
			jobs=self._jobs,
			restarts=max(self._restarts, 0),
		)

	def send(self, message: Message) -> None:
		"""Send a message, if a worker is there to hear it."""
		if self._process is not None:
			self._process.send(message)

	def run(self, job: Job) -> None:
		"""Hand a job to the worker, which must be idle."""
		self._secrets.extend(job.submission.secrets.values())
		self.running = Running(job)
		self.state = 'busy'
		try:
			self.send(run_job(job))
		except Exception as error:
			# It is nested too deeply for a message, has text that is not Unicode, or whatever comes: it must have an end.
			log.error('Job %s cannot be sent to the worker.', job.id)
			self.running = None
			self._rest()
			reason = f'The job cannot be sent to the worker: {error}'
			failure = Failure(message=reason, exception_type=qualified_name(type(error)))
			self._office.queue.lose(job.id, failure, retry=False)

	def interrupt(self) -> None:
		"""Ask the running job to stop. The first time counts from which it has its grace."""
		if self.running is not None:
			if self.running.interrupted is None:
				self.running.interrupted = self._office.clock.now()
			self.send(Interrupt(job=self.running.job.id))

	def watch(self) -> None:
		"""See whether the worker does what it may not do. To be called often."""
		now, settings, process = self._office.clock.now(), self._office.settings, self._process
		if process is None or process.cause is not None:
			return
		if not process.connected:
			self._heard_at = now
		self._look_at_notes(process, now)
		running = self.running
		if running is not None and running.interrupted is not None:
			if now - running.interrupted > settings.grace_seconds:
				self._kill(
					'interrupt', f'The job had not stopped {settings.grace_seconds:g} seconds after its interrupt.'
				)
				return
		elif running is not None and (found := running.overdue(now, self._office.limit_of)) is not None:
			running.blamed, limit = found
			self._kill('time_limit', f'It had taken longer than the limit of {limit:g} seconds.')
			return
		silence = settings.heartbeat_seconds
		if silence and now - self._heard_at > silence:
			self._kill('heartbeat', f'The worker process had given no sign of life for {silence:g} seconds.')

	def _look_at_notes(self, process: WorkerProcess, now: float) -> None:
		"""See which node is at work: one that hangs in native code may have kept even its beginning from being told."""
		# A note may be read while it is written; but not twice the same.
		before, self._noted = self._noted, process.last_node()
		if self.running is not None and self._noted is not None and self._noted == before:
			job, node, kind = self._noted
			if node and job == self.running.job.id:
				self.running.seen(node, kind, now)

	def _kill(self, cause: Cause, reason: str) -> None:
		self.state = 'stopping'
		if self._process is not None:
			self._process.kill(cause, f'{reason} The worker process was ended.')

	async def _keep(self) -> None:
		while not self._leaving.is_set():
			self._restarts += 1
			self._jobs = 0
			self._heard_at = self._office.clock.now()
			process = self._process = WorkerProcess(
				self._office.settings, self._office.pack, self.device, heard=self._hear, wrote=self._wrote
			)
			try:
				try:
					await process.run()
				finally:
					self._lost(process)
			except Exception:
				# Whatever went wrong with this worker, there must be a next one.
				log.exception('%s could not be kept.', self.name)
			pause = RESPAWN_SECONDS[min(self._deaths, len(RESPAWN_SECONDS) - 1)]
			with contextlib.suppress(TimeoutError):
				await asyncio.wait_for(self._leaving.wait(), pause)

	def _hear(self, message: Heard) -> None:
		self._heard_at = self._office.clock.now()
		match message:
			case Happened():
				for event in message.events:
					self._happened(event)
			case Validated():
				self.questions.validated(message)
			case ModelsTold():
				self.questions.told_models(message)
			case Forecasted():
				self.questions.told_forecast(message)
			case Described():
				self.knows_nodes = True
				self._office.described(message)
				self.questions.described()
			case Ready():
				self.device = message.device
				self._rest()
				self._office.ready(message)
				self._office.rested()
			case Beat():
				pass

	def _happened(self, event: AnyEvent) -> None:
		running = self.running
		if running is None or event.job != running.job.id:
			log.debug('%s told of job %s, which is not at it.', self.name, event.job)
			return
		event = redacted_event(event, self._secrets)
		running.note(event, self._office.clock.now())
		with _gone(running.job):
			self._office.queue.tell(event)
		if isinstance(event, JobFinished):
			self.running = None
			self._jobs += 1
			self._deaths = 0
			self._after(event)
			self._office.rested()

	def _after(self, end: JobFinished) -> None:
		"""Let the worker rest after a job, or let it go."""
		settings, process = self._office.settings, self._process
		if self.state == 'stopping' or process is None:
			return
		held = resident_bytes(process.pid) if settings.recycle_bytes and process.pid is not None else 0
		if is_poisoned(end.failure):
			self._retire(process, 'poisoned', 'A node has left the worker process without a usable device.')
		elif settings.recycle_jobs and self._jobs >= settings.recycle_jobs:
			self._retire(process, 'recycled', f'The worker process has done {self._jobs} jobs.')
		elif held > settings.recycle_bytes:
			self._retire(process, 'recycled', f'The worker process holds {held / 2**20:.0f} MiB.')
		else:
			self._rest()

	def _rest(self) -> None:
		self.state = 'idle'
		self.rests_since = next(self._office.rests)

	def _retire(self, process: WorkerProcess, cause: Cause, reason: str) -> None:
		"""Let a worker go between two jobs, once it has answered what it was asked."""
		self.state = 'stopping'

		async def retire() -> None:
			await self.questions.settled()
			await process.end(cause, reason)

		self._retiring = asyncio.create_task(retire())

	def _lost(self, process: WorkerProcess) -> None:
		"""The worker is gone: its successor starts with nothing."""
		cause = process.cause or 'unreachable'
		planned = cause in PLANNED
		log.log(logging.INFO if planned else logging.ERROR, '%s: %s', self.name, process.reason)
		self.state = 'starting'
		self.knows_nodes = False
		self.loaded = frozenset()
		self.questions.fail(WorkerLost(process.reason))
		running, self.running = self.running, None
		# The last events died with the worker; its notes did not.
		last = process.last_node()
		begun = running is not None and last is not None and last[0] == running.job.id
		self._deaths = 0 if begun or planned else self._deaths + 1
		if running is None:
			pass
		elif running.interrupted is None and begun:
			at_work = None if last is None or not last[1] else NodeAtWork(last[1], last[2], 0.0)
			self._bury(running.job, process, running.blamed or at_work)
		else:
			self._give_back(running, process.reason)
		self._office.ended(cause)

	def _bury(self, job: Job, process: WorkerProcess, at_work: NodeAtWork | None) -> None:
		"""Tell the queue what a dead worker's job died of."""
		where = '' if at_work is None else f' It was running node {at_work.node!r} ({at_work.kind}).'
		failure = Failure(
			message=f'{process.reason}{where}',
			exception_type=WorkerLost.__name__,
			node=None if at_work is None else at_work.node,
			kind='' if at_work is None else at_work.kind,
			log=tail(redacted(line, self._secrets) for line in process.log),
		)
		with _gone(job):
			self._office.queue.lose(job.id, failure)

	def _give_back(self, running: Running, reason: str, *, counted: bool = True) -> None:
		"""Let a job wait again that is not to blame; one that was interrupted is cancelled."""
		with _gone(running.job):
			if running.interrupted is not None:
				self._office.queue.end(running.job.id, None)
			else:
				self._office.queue.requeue(running.job.id, reason, counted=counted)

	def _wrote(self, lines: list[str]) -> None:
		self._office.wrote(self.name, [redacted(line, self._secrets) for line in lines] if self._secrets else lines)


@contextlib.contextmanager
def _gone(job: Job) -> Iterator[None]:
	"""Somebody else has ended the job: there is nobody to tell."""
	try:
		yield
	except JobNotFound:
		log.info('Job %s is over already.', job.id)


def run_job(job: Job) -> RunJob:
	"""The message that gives a job to a worker. `ValueError` if it cannot be written."""
	submission = job.submission
	return RunJob(
		job=job.id,
		prompt=submission.prompt_json,
		targets=submission.targets,
		extra_pnginfo=to_json(submission.extra_pnginfo).decode(),
		previews=submission.previews,
		secrets=dict(submission.secrets),
	)
