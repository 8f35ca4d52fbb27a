"""The queue: submissions become jobs, wait their turn, begin, end; everybody is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from engine.events import AnyEvent, EventBus, Failure, JobFinished, NodeFinished, QueueChanged
from engine.jobs import Job, JobId, JobState, JobStore, Submission

STATES = {'succeeded': JobState.SUCCEEDED, 'failed': JobState.FAILED, 'cancelled': JobState.CANCELLED}


class JobQueue:
	"""The one way to change a `JobStore`, so that every change is told on the bus. Used from one thread."""

	def __init__(self, store: JobStore, bus: EventBus) -> None:
		self.store = store
		self._bus = bus
		self._on_queued: Callable[[], None] = lambda: None

	def when_queued(self, call: Callable[[], None]) -> None:
		"""Have somebody called after each submission: whoever runs the jobs."""
		self._on_queued = call

	def take_number(self, *, front: bool = False) -> float:
		"""The next number in the order of arrival; negated, and so before all others, with `front`."""
		number = self.store.next_number()
		return -number if front else number

	def submit(self, submission: Submission, *, id: str | None = None, number: float | None = None) -> Job:
		"""Queue a job. `IllegalTransition` if its id is taken."""
		job = Job(
			JobId(id or str(uuid.uuid4())),
			self.take_number() if number is None else number,
			submission,
		)
		self.store.add(job)
		self._changed()
		self._on_queued()
		return job

	def claim(self) -> Job | None:
		"""Take the next job to run it."""
		job = self.store.claim()
		if job is not None:
			self._changed()
		return job

	def tell(self, event: AnyEvent) -> None:
		"""Record an event of a running job and pass it on; the last one ends the job.

		The job's end is in the store before anybody hears of it, so that who asks then finds it.
		"""
		job = self.store.get(event.job)
		job.record(event)
		if isinstance(event, JobFinished):
			self.store.finish(job.id, STATES[event.state], event.failure)
		self._bus.publish(event)
		if isinstance(event, JobFinished):
			self._changed()

	def lose(self, job: JobId, failure: Failure) -> None:
		"""End a running job whose worker is gone; what it had finished is told."""
		executed = tuple(event.node for event in self.store.get(job).events if isinstance(event, NodeFinished))
		self.tell(
			JobFinished(
				job=job, state='failed', failure=failure, node=failure.node, kind=failure.kind, executed=executed
			)
		)

	def remove(self, jobs: Sequence[str]) -> int:
		"""Drop waiting jobs; running and unknown ones are passed over."""
		removed = self.store.remove_queued(jobs)
		if removed:
			self._changed()
		return removed

	def clear(self) -> int:
		"""Drop every waiting job."""
		return self.remove([job.id for job in self.store.queued()])

	@property
	def remaining(self) -> int:
		"""How many jobs wait or run."""
		return len(self.store.queued()) + len(self.store.running())

	def _changed(self) -> None:
		self._bus.publish(QueueChanged(remaining=self.remaining))
