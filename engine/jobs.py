"""Jobs: what was submitted, in what state it is, and the protocol of the store that remembers.

queued → running → succeeded | failed | cancelled, queued → cancelled, and back from running to queued when the worker or
the server that ran it is gone. No other transition is legal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NewType, Protocol

from pydantic import JsonValue
from pydantic_core import to_json

from engine.errors import EngineError, NotFound
from engine.events import (
	Event,
	Failure,
	JobProgress,
	ModelLoading,
	NodeFinished,
	NodeMessage,
	NodePreview,
	NodeProgress,
	NodeText,
	NodeWaits,
	Ui,
)
from engine.formats.prompt import write_prompt
from engine.graph import Graph, NodeId
from engine.previews import PreviewMethod

PASSING = (NodeProgress, ModelLoading, NodePreview, NodeWaits, NodeText, NodeMessage, JobProgress)
"""Events that no history keeps."""

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
	JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
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


class IdTaken(EngineError):
	"""A job was submitted with the id of another."""

	def __init__(self, job: str) -> None:
		super().__init__(f'There is a job {job!r} already.')
		self.job = job


class JobIsLive(EngineError):
	"""A job is to be forgotten that still waits or runs."""

	def __init__(self, job: str) -> None:
		super().__init__(f'Job {job!r} is not over; cancel it first.')
		self.job = job


class KeyTaken(EngineError):
	"""A job was submitted with the key of one that is over: it is that one."""

	def __init__(self, key: str, job: str) -> None:
		super().__init__(f'The key {key!r} belongs to job {job!r}, which is over.')
		self.key = key
		self.job = job


@dataclass(frozen=True)
class Submission:
	"""What a client asked for, checked and in normal form.

	`targets` are the sinks to run. `secrets` are for the nodes alone: nothing lists them, no disk sees them. A second
	submission with the same `key` is the first one, if it has a key. `webhook` is the address that is told of the end.
	"""

	graph: Graph
	targets: tuple[NodeId, ...]
	client: str = ''
	extra: Mapping[str, JsonValue] = field(default_factory=dict)
	previews: PreviewMethod = 'none'
	secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
	key: str = ''
	webhook: str = ''

	@cached_property
	def prompt(self) -> Mapping[str, JsonValue]:
		"""The graph in API form: for the worker, for the history, for the metadata of saved pictures."""
		return write_prompt(self.graph)

	@cached_property
	def prompt_json(self) -> str:
		"""The same as text. `ValueError` if it cannot be written as that."""
		return to_json(self.prompt, inf_nan_mode='constants').decode()

	@property
	def extra_pnginfo(self) -> Mapping[str, JsonValue]:
		"""What is written into saved pictures beside the prompt."""
		info = self.extra.get('extra_pnginfo')
		return info if isinstance(info, dict) else {}


@dataclass(eq=False)
class Job:
	"""One submission on its way. Lower `number` runs first, among equal ones lower `arrival`.

	`attempts` counts how often it was begun, `losses` how many workers died over it.
	"""

	id: JobId
	number: float
	submission: Submission
	arrival: float = 0.0
	created: float = field(default_factory=time.time)
	state: JobState = JobState.QUEUED
	started: float | None = None
	finished: float | None = None
	attempts: int = 0
	losses: int = 0
	failure: Failure | None = None
	outputs: dict[str, Ui] = field(default_factory=dict)
	events: list[Event] = field(default_factory=list)

	@property
	def place(self) -> tuple[float, float]:
		"""Where it stands in the queue."""
		return self.number, self.arrival

	def become(self, state: JobState) -> None:
		"""Go to another state, or raise `IllegalTransition`."""
		if state not in LEGAL[self.state]:
			raise IllegalTransition(self.id, self.state, state)
		self.state = state
		if state is JobState.RUNNING:
			self.started = time.time()
			self.attempts += 1
		elif state is JobState.QUEUED:
			# The next attempt tells everything anew.
			self.started = None
			self.outputs.clear()
			self.events.clear()
		else:
			self.finished = time.time()

	def record(self, event: Event) -> None:
		"""Keep what happened, so that the history can tell it; ticks and previews pass by."""
		if isinstance(event, PASSING):
			return
		if isinstance(event, NodeFinished) and event.ui is not None:
			self.outputs[event.node] = event.ui
		self.events.append(event)


class JobStore(Protocol):
	"""Remembers jobs beyond their time in the queue; what happens to them it hears on the bus.

	Called from the queue's thread, which it never keeps waiting.
	"""

	def knows(self, job: str) -> bool:
		"""Whether there is or was a job of this id."""
		...

	def holder(self, key: str) -> str | None:
		"""The id of the job that was submitted with a key."""
		...

	def add(self, job: Job) -> None:
		"""A job is new. If this raises, there is none."""
		...

	def update(self, job: Job) -> None:
		"""A job's state or place is another."""
		...

	def pause(self, paused: bool) -> None:
		"""The queue was paused, or goes on."""
		...


class MemoryJobStore:
	"""A `JobStore` that forgets with its process: for whoever has no database."""

	def __init__(self) -> None:
		self.jobs: dict[str, Job] = {}
		self.paused = False

	def knows(self, job: str) -> bool:
		return job in self.jobs

	def holder(self, key: str) -> str | None:
		return next((job.id for job in self.jobs.values() if job.submission.key == key), None)

	def add(self, job: Job) -> None:
		self.jobs[job.id] = job

	def update(self, job: Job) -> None:
		self.jobs[job.id] = job

	def pause(self, paused: bool) -> None:
		self.paused = paused
