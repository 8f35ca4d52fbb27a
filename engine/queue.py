"""The queue: submissions become jobs, wait their turn, begin, end; everybody is told."""

from __future__ import annotations

import itertools
import uuid
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from engine.errors import WorkerLost
from engine.events import AnyEvent, EventBus, Failure, JobDropped, JobFinished, JobQueued, NodeFinished, QueueChanged
from engine.jobs import (
	IdTaken,
	IllegalTransition,
	Job,
	JobId,
	JobNotFound,
	JobState,
	JobStore,
	KeyTaken,
	Submission,
)

STATES = {'succeeded': JobState.SUCCEEDED, 'failed': JobState.FAILED, 'cancelled': JobState.CANCELLED}
RETRIES = 1
"""How often a job is begun anew after the death of its worker."""
MOST_ATTEMPTS = 5
"""How often a job is begun at all: one that takes the whole server down must not do so for ever."""


class JobQueue:
	"""The jobs that wait or run, and the one way to change them: each change is stored, then told on the bus.

	Used from one thread. Jobs that are over are known to the store alone.
	"""

	def __init__(self, store: JobStore, bus: EventBus, *, retries: int = RETRIES) -> None:
		self._store = store
		self._bus = bus
		self._retries = retries
		self._numbers = itertools.count()
		self._arrivals = itertools.count()
		self._live: dict[str, Job] = {}
		self._queued: list[Job] = []
		self._keys: dict[str, Job] = {}
		self._paused = False
		self._retired = False
		self._on_queued: Callable[[], None] = lambda: None

	def restore(self, jobs: Iterable[Job], *, number: int = 0, arrival: int = 0, paused: bool = False) -> None:
		"""Take over what an earlier process left: those that were running wait again, before their equals.

		`number` and `arrival` are the next ones. A job that was begun too often is parked as failed.
		"""
		self._numbers, self._arrivals, self._paused = itertools.count(number), itertools.count(arrival), paused
		for job in jobs:
			self._enter(job)
			if job.state is JobState.QUEUED:
				insort(self._queued, job, key=attrgetter('place'))
		for job in self.running():
			self.requeue(job.id, 'the server that ran it has ended')

	def when_queued(self, call: Callable[[], None]) -> None:
		"""Have somebody called whenever there may be a job to claim: whoever runs the jobs."""
		self._on_queued = call

	@property
	def remaining(self) -> int:
		"""How many jobs wait or run."""
		return len(self._live)

	@property
	def paused(self) -> bool:
		"""Whether no further jobs begin."""
		return self._paused

	def get(self, job: str) -> Job:
		"""The waiting or running job of this id, or `JobNotFound`."""
		try:
			return self._live[job]
		except KeyError:
			raise JobNotFound(job) from None

	def of_key(self, key: str) -> Job | None:
		"""The waiting or running job that was submitted with this key."""
		return self._keys.get(key)

	def queued(self) -> Sequence[Job]:
		"""Waiting jobs in the order in which they will run."""
		return list(self._queued)

	def running(self) -> Sequence[Job]:
		"""Jobs that have begun, longest ago first."""
		return [job for job in self._live.values() if job.state is JobState.RUNNING]

	def take_number(self, *, front: bool = False) -> float:
		"""The next number in the order of arrival; with `front` it is negated, and lower than those of all that wait."""
		number = next(self._numbers)
		if not front:
			return number
		return min(-number, self._queued[0].number - 1) if self._queued else -number

	def submit(self, submission: Submission, *, id: str | None = None, number: float | None = None) -> Job:
		"""Queue a job. If one that waits or runs was submitted with the same key, it is that one, and no other is made.

		`IdTaken` if another has its id, `KeyTaken` if one that is over has its key, be it of earlier days.
		"""
		if submission.key:
			same = self._keys.get(submission.key)
			if same is not None:
				return same
			holder = self._store.holder(submission.key)
			if holder is not None:
				raise KeyTaken(submission.key, holder)
		if id is not None and (id in self._live or self._store.knows(id)):
			raise IdTaken(id)
		job = Job(
			JobId(id or str(uuid.uuid4())),
			self.take_number() if number is None else number,
			submission,
			next(self._arrivals),
		)
		# First, so that a job that cannot be stored is not run either.
		self._store.add(job)
		self._enter(job)
		insort(self._queued, job, key=attrgetter('place'))
		self._bus.publish(JobQueued(job=job.id, number=job.number))
		self._changed()
		self._on_queued()
		return job

	def claim(self) -> Job | None:
		"""Take the next job to run it; none while the queue is paused, or once it is retired."""
		if self._paused or self._retired or not self._queued:
			return None
		job = self._queued.pop(0)
		job.become(JobState.RUNNING)
		self._store.update(job)
		self._changed()
		return job

	def tell(self, event: AnyEvent) -> None:
		"""Record an event of a running job and pass it on; the last one ends the job. `IllegalTransition` if it waits.

		The job's end is stored before anybody hears of it, so that who asks then finds it.
		"""
		job = self.get(event.job)
		if job.state is not JobState.RUNNING:
			raise IllegalTransition(job.id, job.state, JobState.RUNNING)
		job.record(event)
		if not isinstance(event, JobFinished):
			self._bus.publish(event)
			return
		job.failure = event.failure
		job.become(STATES[event.state])
		self._store.update(job)
		self._bus.publish(event)
		self._leave(job)
		self._changed()

	def lose(self, job: str, failure: Failure, *, retry: bool = True) -> None:
		"""A running job's worker is gone: it is begun anew, or ends as failed if that has happened too often."""
		lost = self.get(job)
		lost.losses += 1
		if retry and lost.losses <= self._retries:
			self.requeue(job, failure.message)
			return
		self.end(job, failure)

	def end(self, job: str, failure: Failure | None) -> None:
		"""End a running job from outside: as failed, or without a failure as cancelled. What it had finished is told."""
		executed = tuple(event.node for event in self.get(job).events if isinstance(event, NodeFinished))
		self.tell(
			JobFinished(
				job=job,
				state='cancelled' if failure is None else 'failed',
				failure=failure,
				node=None if failure is None else failure.node,
				kind='' if failure is None else failure.kind,
				executed=executed,
			)
		)

	def requeue(self, job: str, reason: str, *, counted: bool = True) -> None:
		"""Let a running job wait again, before its equals; it goes on from what it had finished.

		An attempt that is not `counted` was ended in peace, and is not held against it.
		"""
		found = self.get(job)
		if not counted:
			found.attempts -= 1
		if found.attempts >= MOST_ATTEMPTS:
			message = f'It was begun {found.attempts} times and never came to an end; the last time {reason}'
			self.end(job, Failure(message=message, exception_type=WorkerLost.__name__))
			return
		found.become(JobState.QUEUED)
		insort(self._queued, found, key=attrgetter('place'))
		self._store.update(found)
		self._bus.publish(JobQueued(job=found.id, number=found.number, reason=reason))
		self._changed()
		self._on_queued()

	def retire(self) -> None:
		"""The server ends: nothing more begins, and what runs waits again, which is not held against it."""
		self._retired = True
		for job in self.running():
			self.requeue(job.id, 'the server was stopped', counted=False)

	def remove(self, jobs: Iterable[str]) -> int:
		"""Cancel waiting jobs; running and unknown ones are passed over. Gives how many went."""
		wanted = set(jobs)
		gone = [job for job in self._queued if job.id in wanted]
		if not gone:
			return 0
		self._queued = [job for job in self._queued if job.id not in wanted]
		for job in gone:
			job.become(JobState.CANCELLED)
			self._store.update(job)
			self._bus.publish(JobDropped(job=job.id))
			self._leave(job)
		self._changed()
		return len(gone)

	def clear(self) -> int:
		"""Cancel every waiting job."""
		return self.remove([job.id for job in self._queued])

	def renumber(self, job: str, number: float) -> None:
		"""Give a waiting job another number, behind those that have it. `IllegalTransition` if it runs already."""
		found = self._waiting(job)
		self._queued.remove(found)
		found.number, found.arrival = number, next(self._arrivals)
		insort(self._queued, found, key=attrgetter('place'))
		self._store.update(found)
		self._changed()

	def move(self, job: str, *, before: str) -> None:
		"""Let a waiting job run right before another. `IllegalTransition` if one of them runs already."""
		found, other = self._waiting(job), self._waiting(before)
		if found is other:
			return
		self._queued.remove(found)
		index = self._queued.index(other)
		previous = self._queued[index - 1] if index else None
		found.number, found.arrival = _between(previous, other, found)
		self._queued.insert(index, found)
		changed = [found]
		if found.place >= other.place or (previous is not None and previous.place >= found.place):
			# No number is left in between: all of them get new ones.
			changed = self._queued
			for number, one in enumerate(changed):
				one.number = number - len(changed)
		for one in changed:
			self._store.update(one)
		self._changed()

	def pause(self) -> None:
		"""Begin no further jobs; those that run go on. It stays so over a restart."""
		self._pause(True)

	def resume(self) -> None:
		"""Begin jobs again."""
		self._pause(False)
		self._on_queued()

	def _pause(self, paused: bool) -> None:
		if self._paused is not paused:
			self._paused = paused
			self._store.pause(paused)
			self._changed()

	def _waiting(self, job: str) -> Job:
		found = self.get(job)
		if found.state is not JobState.QUEUED:
			raise IllegalTransition(job, found.state, JobState.QUEUED)
		return found

	def _enter(self, job: Job) -> None:
		self._live[job.id] = job
		if job.submission.key:
			self._keys[job.submission.key] = job

	def _leave(self, job: Job) -> None:
		del self._live[job.id]
		self._keys.pop(job.submission.key, None)

	def _changed(self) -> None:
		self._bus.publish(QueueChanged(remaining=self.remaining, paused=self._paused))


def _between(before: Job | None, after: Job, job: Job) -> tuple[float, float]:
	"""A place right before `after`, behind `before` as far as numbers allow."""
	if before is None:
		return after.number - 1, job.arrival
	if before.number < after.number:
		return (before.number + after.number) / 2, job.arrival
	return after.number, (before.arrival + after.arrival) / 2
