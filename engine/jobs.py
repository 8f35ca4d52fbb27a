"""Jobs: what was submitted, in what state it is, and the store that remembers.

queued → running → succeeded | failed | cancelled, and queued → cancelled. No other transition is legal.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NewType, Protocol

from pydantic import JsonValue

from engine.errors import EngineError, NotFound
from engine.events import Event, Failure, JobProgress, NodeFinished, NodePreview, NodeProgress, Ui
from engine.formats.prompt import write_prompt
from engine.graph import Graph, NodeId

JobId = NewType('JobId', str)


class JobState(StrEnum):
	"""Where a job stands."""

	QUEUED = 'queued'
	RUNNING = 'running'
	SUCCEEDED = 'succeeded'
	FAILED = 'failed'
	CANCELLED = 'cancelled'

	@property
	def over(self) -> bool:
		"""Whether nothing more will happen."""
		return not LEGAL[self]


LEGAL: Mapping[JobState, frozenset[JobState]] = {
	JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
	JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
	JobState.SUCCEEDED: frozenset(),
	JobState.FAILED: frozenset(),
	JobState.CANCELLED: frozenset(),
}


class JobNotFound(NotFound):
	"""No job has this id."""

	def __init__(self, job: str) -> None:
		super().__init__(f'There is no job {job!r}.')
		self.job = job


class IllegalTransition(EngineError):
	"""A job was asked to go where it cannot go from its state."""

	def __init__(self, job: str, state: JobState, wanted: JobState) -> None:
		super().__init__(f'Job {job!r} is {state} and cannot become {wanted}.')


@dataclass(frozen=True)
class Submission:
	"""What a client asked for, checked and in normal form.

	`targets` are the sinks to run.
	"""

	graph: Graph
	targets: tuple[NodeId, ...]
	client: str = ''
	extra: Mapping[str, JsonValue] = field(default_factory=dict)
	previews: bool = False

	@cached_property
	def prompt(self) -> Mapping[str, JsonValue]:
		"""The graph in API form: for the worker, for the history, for the metadata of saved pictures."""
		return write_prompt(self.graph)

	@property
	def extra_pnginfo(self) -> Mapping[str, JsonValue]:
		"""What is written into saved pictures beside the prompt."""
		info = self.extra.get('extra_pnginfo')
		return info if isinstance(info, dict) else {}


@dataclass
class Job:
	"""One submission on its way. Lower `number` runs first; equal numbers keep their order of arrival."""

	id: JobId
	number: float
	submission: Submission
	created: float = field(default_factory=time.time)
	state: JobState = JobState.QUEUED
	started: float | None = None
	finished: float | None = None
	failure: Failure | None = None
	outputs: dict[str, Ui] = field(default_factory=dict)
	events: list[Event] = field(default_factory=list)

	def become(self, state: JobState) -> None:
		"""Go to another state, or raise `IllegalTransition`."""
		if state not in LEGAL[self.state]:
			raise IllegalTransition(self.id, self.state, state)
		self.state = state
		if state is JobState.RUNNING:
			self.started = time.time()
		elif state.over:
			self.finished = time.time()

	def record(self, event: Event) -> None:
		"""Keep what happened, so that the history can tell it; ticks and previews pass by."""
		if isinstance(event, NodeProgress | NodePreview | JobProgress):
			return
		if isinstance(event, NodeFinished) and event.ui is not None:
			self.outputs[event.node] = event.ui
		self.events.append(event)


class JobStore(Protocol):
	"""Remembers jobs. All calls come from one thread."""

	def next_number(self) -> int:
		"""A count that goes up by one at each call, from 0."""
		...

	def add(self, job: Job) -> None:
		"""Put a queued job behind its equals; `IllegalTransition` if its id is taken."""
		...

	def claim(self) -> Job | None:
		"""Take the first queued job and make it running."""
		...

	def get(self, job: str) -> Job:
		"""The job of this id, or `JobNotFound`."""
		...

	def queued(self) -> Sequence[Job]:
		"""Waiting jobs in the order in which they will run."""
		...

	def running(self) -> Sequence[Job]: ...

	def ended(self) -> Sequence[Job]:
		"""Jobs that ran, in the order in which they ended. Jobs cancelled while queued are not among them."""
		...

	def finish(self, job: JobId, state: JobState, failure: Failure | None = None) -> None:
		"""End a running job."""
		...

	def remove_queued(self, jobs: Sequence[str]) -> int:
		"""Drop waiting jobs; unknown ids are passed over. Gives how many went."""
		...

	def forget(self, jobs: Sequence[str] | None = None) -> None:
		"""Drop ended jobs: these, or all."""
		...


class MemoryJobStore:
	"""A `JobStore` in memory: for the command line and for tests, and the server's until it has a database."""

	def __init__(self, *, keep: int = 10_000) -> None:
		self._keep = keep
		self._numbers = itertools.count()
		self._arrivals = itertools.count()
		self._jobs: dict[str, Job] = {}
		self._queued: list[tuple[float, int, Job]] = []
		self._ended: dict[str, Job] = {}

	def next_number(self) -> int:
		return next(self._numbers)

	def add(self, job: Job) -> None:
		if job.id in self._jobs:
			raise IllegalTransition(job.id, self._jobs[job.id].state, JobState.QUEUED)
		self._jobs[job.id] = job
		self._queued.append((job.number, next(self._arrivals), job))
		self._queued.sort(key=lambda item: item[:2])

	def claim(self) -> Job | None:
		if not self._queued:
			return None
		job = self._queued.pop(0)[2]
		job.become(JobState.RUNNING)
		return job

	def get(self, job: str) -> Job:
		try:
			return self._jobs[job]
		except KeyError:
			raise JobNotFound(job) from None

	def queued(self) -> Sequence[Job]:
		return [job for _, _, job in self._queued]

	def running(self) -> Sequence[Job]:
		return [job for job in self._jobs.values() if job.state is JobState.RUNNING]

	def ended(self) -> Sequence[Job]:
		return list(self._ended.values())

	def finish(self, job: JobId, state: JobState, failure: Failure | None = None) -> None:
		found = self.get(job)
		found.become(state)
		found.failure = failure
		self._ended[job] = found
		while len(self._ended) > self._keep:
			del self._jobs[oldest := next(iter(self._ended))]
			del self._ended[oldest]

	def remove_queued(self, jobs: Sequence[str]) -> int:
		wanted = set(jobs)
		gone = [job for _, _, job in self._queued if job.id in wanted]
		self._queued = [item for item in self._queued if item[2].id not in wanted]
		for job in gone:
			job.become(JobState.CANCELLED)
			del self._jobs[job.id]
		return len(gone)

	def forget(self, jobs: Sequence[str] | None = None) -> None:
		for job in list(self._ended) if jobs is None else jobs:
			if self._ended.pop(job, None) is not None:
				del self._jobs[job]
