"""Spawns the worker process, watches it, replaces it when it dies, and hands it the queue's jobs one at a time.

The two talk over a loopback socket: a line of JSON is a message (`engine.wire`). The worker proves itself with a token
that it gets on its standard input. When the connection ends, so does the worker; when the worker ends, the job that it
ran is marked as failed with the cause, and a new worker is started.

Nodes are asked beside the running job: to judge their constants (`validate`), to tell anew what they list (`refresh`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import to_json

from engine.declaration import NodeInfo
from engine.errors import WorkerLost
from engine.events import AnyEvent, Failure, JobFinished, NodeFinished, NodeStarted
from engine.execute import qualified_name
from engine.graph import NodeId
from engine.jobs import Job
from engine.notes import Notes, describe_exit
from engine.plugins import PackReport
from engine.queue import JobQueue
from engine.settings import PROJECT, Settings
from engine.spec import ValidationRequest
from engine.storage import Storage
from engine.wire import (
	Describe,
	Described,
	Free,
	Happened,
	Interrupt,
	Message,
	Question,
	Ready,
	RunJob,
	Stop,
	Validate,
	Validated,
	from_worker,
)

log = logging.getLogger(__name__)

LINE_LIMIT = 2**28
CONNECT_SECONDS = 120.0
STOP_SECONDS = 5.0
VALIDATE_SECONDS = 30.0
REFRESH_SECONDS = 1.0
RESPAWN_SECONDS = (0.0, 0.5, 2.0, 10.0)


@dataclass
class Running:
	"""The job at the worker, and where it has come to."""

	job: Job
	node: str | None = None
	kind: str = ''


class Supervisor:
	"""Keeps one worker process alive and busy. All methods belong to the event loop's thread."""

	def __init__(self, settings: Settings, queue: JobQueue, storage: Storage, *, pack: str = 'nodes') -> None:
		self._settings = settings
		self._queue = queue
		self._storage = storage
		self._pack = pack
		self._token = secrets.token_hex(16)
		self._nodes: dict[str, NodeInfo] = {}
		self._packs: tuple[PackReport, ...] = ()
		self._notes: Notes | None = None
		self._new = False
		self._ids = itertools.count()
		self._validations: dict[int, asyncio.Future[dict[NodeId, str]]] = {}
		self._refresh: asyncio.Future[None] | None = None
		self._described = asyncio.Event()
		self._ready: asyncio.Future[Ready] | None = None
		self._writer: asyncio.StreamWriter | None = None
		self._process: asyncio.subprocess.Process | None = None
		self._running: Running | None = None
		self._idle = False
		self._deaths = 0
		self._task: asyncio.Task[None] | None = None
		queue.when_queued(self._dispatch)

	async def start(self) -> None:
		"""Begin; returns at once, the worker comes up behind."""
		self._ready = asyncio.get_running_loop().create_future()
		self._task = asyncio.create_task(self._keep_alive())

	async def stop(self) -> None:
		"""End the worker, kindly first."""
		if self._task is None:
			return
		self._send(Stop())
		self._task.cancel()
		try:
			with contextlib.suppress(asyncio.CancelledError):
				await self._task
		finally:
			await self._end_process()

	async def nodes(self) -> Mapping[str, NodeInfo]:
		"""Kind → declaration; waits for the first worker to tell. A dead worker's are served until a new one tells."""
		await self._described.wait()
		return self._nodes

	@property
	def packs(self) -> tuple[PackReport, ...]:
		"""How the packs in folders of custom nodes were loaded by the last worker."""
		return self._packs

	async def validate(self, requests: Sequence[ValidationRequest]) -> Mapping[NodeId, str]:
		"""Node id → why it refuses its constants. `WorkerLost` if the worker dies over it.

		A node that takes too long refuses: a graph that was not judged must not run.
		"""
		if not requests:
			return {}
		if self._writer is None:
			raise WorkerLost('No worker is up to judge the values of the nodes.')
		asked = Validate(
			id=next(self._ids),
			questions=tuple(
				Question(node=item.node, kind=item.kind, constants=dict(item.constants), links=dict(item.links))
				for item in requests
			),
		)
		answer: asyncio.Future[dict[NodeId, str]] = asyncio.get_running_loop().create_future()
		self._validations[asked.id] = answer
		self._send(asked)
		try:
			async with asyncio.timeout(VALIDATE_SECONDS):
				refusals = await answer
		except TimeoutError:
			return {item.node: 'The validator did not answer.' for item in requests}
		finally:
			del self._validations[asked.id]
		return refusals

	async def refresh(self) -> None:
		"""Have the nodes told anew. Whoever asks meanwhile waits for the same answer; if none comes, the old ones stay."""
		if self._writer is None:
			return
		if self._refresh is None:
			self._refresh = asyncio.get_running_loop().create_future()
			self._send(Describe())
		with contextlib.suppress(TimeoutError):
			async with asyncio.timeout(REFRESH_SECONDS):
				await asyncio.shield(self._refresh)

	async def ready(self) -> Ready:
		"""Devices and versions; waits until a worker has imported its libraries."""
		if self._ready is None:
			raise WorkerLost('The supervisor was not started.')
		return await asyncio.shield(self._ready)

	@property
	def current(self) -> Running | None:
		"""The job at the worker now."""
		return self._running

	@property
	def worker_pid(self) -> int | None:
		"""The worker's process id, if one runs."""
		return self._process.pid if self._process is not None and self._process.returncode is None else None

	def interrupt(self, job: str | None = None) -> bool:
		"""Ask the running job to stop: any, or this one only. Tells whether one was asked."""
		if self._running is None or (job is not None and job != self._running.job.id):
			return False
		self._send(Interrupt(job=self._running.job.id))
		return True

	def free(self, *, models: bool, cache: bool) -> None:
		"""Let the worker drop its models, its cached results, or both, before its next job."""
		self._send(Free(models=models, cache=cache))

	async def _keep_alive(self) -> None:
		while True:
			try:
				await self._one_worker()
			except Exception:
				# Whatever went wrong with this worker, there must be a next one.
				log.exception('The worker could not be kept.')
				await self._end_process()
			self._lost()
			await asyncio.sleep(RESPAWN_SECONDS[min(self._deaths, len(RESPAWN_SECONDS) - 1)])

	async def _one_worker(self) -> None:
		"""From the start of a worker process to its end."""
		connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
		connected = asyncio.get_running_loop().create_future()

		async def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
			line = await reader.readline()
			if connected.done() or not secrets.compare_digest(line.strip(), self._token.encode()):
				writer.close()
				return
			connected.set_result((reader, writer))

		server = await asyncio.start_server(arrive, '127.0.0.1', 0, limit=LINE_LIMIT)
		folder = tempfile.TemporaryDirectory(prefix='lumengraph-', ignore_cleanup_errors=True)
		try:
			port: int = server.sockets[0].getsockname()[1]
			self._notes = Notes(Path(folder.name) / 'notes')
			self._new = True
			self._process = await self._spawn(port, Path(folder.name) / 'notes')
			died = asyncio.create_task(self._process.wait())
			died.add_done_callback(lambda _: connected.cancel())
			await asyncio.wait({connected}, timeout=CONNECT_SECONDS)
			if connected.done() and not connected.cancelled():
				reader, self._writer = connected.result()
				await self._listen(reader)
				self._idle = False  # Whoever queues a job now waits for the next worker.
				# The connection may end a moment before the process does; its exit code tells why.
				await asyncio.wait({died}, timeout=STOP_SECONDS)
			await self._end_process()
			await died
		finally:
			server.close()
			folder.cleanup()

	async def _spawn(self, port: int, notes: Path) -> asyncio.subprocess.Process:
		# The same engine as here, whatever folder the program was started from.
		search = (str(PROJECT), os.environ.get('PYTHONPATH', ''))
		process = await asyncio.create_subprocess_exec(
			sys.executable,
			'-P',
			'-m',
			'engine.worker',
			'--port',
			str(port),
			'--pack',
			self._pack,
			'--notes',
			str(notes),
			stdin=asyncio.subprocess.PIPE,
			env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in search if path)},
		)
		if process.stdin is not None:
			process.stdin.write(f'{self._token}\n{self._settings.model_dump_json()}\n'.encode())
			await process.stdin.drain()
		return process

	async def _listen(self, reader: asyncio.StreamReader) -> None:
		while True:
			try:
				line = await reader.readline()
			except (ConnectionError, ValueError) as error:
				log.error('The connection to the worker broke: %s', error)
				return
			if not line:
				return
			try:
				message = from_worker.validate_json(line)
			except ValidationError:
				log.exception('The worker sent something that is no message.')
				return
			self._hear(message)

	def _hear(self, message: Described | Ready | Validated | Happened) -> None:
		match message:
			case Happened():
				for event in message.events:
					self._happened(event)
			case Validated():
				answer = self._validations.get(message.id)
				if answer is not None and not answer.done():
					answer.set_result({NodeId(node): reason for node, reason in message.refusals.items()})
			case Ready():
				if self._ready is not None and not self._ready.done():
					self._ready.set_result(message)
			case Described():
				self._learn(message)

	def _learn(self, message: Described) -> None:
		self._nodes = {node.kind: node for node in message.nodes}
		self._packs = message.packs
		self._storage.catalogue.marks = list(message.marks)
		for kind, places in message.model_folders.items():
			for place in places:
				self._storage.catalogue.add(kind, place)
		self._described.set()
		if self._refresh is not None:
			self._refresh.set_result(None)
			self._refresh = None
		if self._new:
			self._new = False
			self._idle = True
			self._dispatch()

	def _happened(self, event: AnyEvent) -> None:
		running = self._running
		if running is None or event.job != running.job.id:
			log.warning('The worker told of job %s, which is not at it.', event.job)
			return
		if isinstance(event, NodeStarted):
			running.node, running.kind = event.node, event.kind
		elif isinstance(event, NodeFinished) and event.node == running.node:
			running.node, running.kind = None, ''
		if isinstance(event, JobFinished):
			self._running = None
			self._idle = True
			self._deaths = 0
		self._queue.tell(event)
		if self._idle:
			self._dispatch()

	def _dispatch(self) -> None:
		"""Give the worker the next job, if it is idle and there is one."""
		while self._idle and self._writer is not None:
			job = self._queue.claim()
			if job is None:
				return
			self._idle = False
			self._running = Running(job)
			try:
				self._send(run_job(job))
			except ValueError as error:  # Nested too deeply for a message, or text that is not Unicode.
				log.exception('Job %s cannot be sent to the worker.', job.id)
				self._running = None
				self._idle = True
				reason = f'The job cannot be sent to the worker: {error}'
				self._queue.lose(job.id, Failure(message=reason, exception_type=qualified_name(type(error))))

	def _send(self, message: Message) -> None:
		if self._writer is not None and not self._writer.is_closing():
			self._writer.write(message.model_dump_json().encode() + b'\n')

	def _lost(self) -> None:
		"""The worker is gone: its job has failed, and its successor starts with nothing."""
		cause = WorkerLost(describe_exit(self._process.returncode if self._process else None))
		log.error('%s', cause)
		self._writer = None
		self._idle = False
		self._deaths += 1
		for answer in self._validations.values():
			if not answer.done():
				answer.set_exception(cause)
		if self._refresh is not None:
			self._refresh.set_result(None)
			self._refresh = None
		# The last events died with the worker; its notes did not.
		last = None if self._notes is None else self._notes.read()
		if self._running is not None:
			running, self._running = self._running, None
			node, kind = (last[1], last[2]) if last is not None and last[0] == running.job.id else (None, '')
			where = f' It was running node {node!r} ({kind}).' if node else ''
			self._queue.lose(
				running.job.id,
				Failure(message=f'{cause.reason}{where}', exception_type='WorkerLost', node=node, kind=kind),
			)

	async def _end_process(self) -> None:
		if self._writer is not None:
			self._writer.close()
		process = self._process
		if process is None or process.returncode is not None:
			return
		if self._writer is None:
			process.kill()  # It never came so far as to hear that it should end.
		try:
			await asyncio.wait_for(process.wait(), STOP_SECONDS)
		except TimeoutError:
			process.kill()
			await process.wait()


def run_job(job: Job) -> RunJob:
	"""The message that gives a job to a worker. `ValueError` if it cannot be written."""
	submission = job.submission
	return RunJob(
		job=job.id,
		prompt=to_json(submission.prompt).decode(),
		targets=submission.targets,
		extra_pnginfo=to_json(submission.extra_pnginfo).decode(),
		previews=submission.previews,
	)
