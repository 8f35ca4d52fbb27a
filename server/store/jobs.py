"""The jobs in the database, as the queue writes them, and as it takes them over when the server starts."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select, update
from sqlalchemy.orm import Session

from engine.events import Failure
from engine.jobs import Job, JobState
from engine.queue import JobQueue
from server.store.database import Database, DatabaseUnreadable
from server.store.event_log import note_last
from server.store.rows import changing, output_rows, read_job, row_of, submission_row, text_of
from server.store.tables import EventRow, JobRow, SettingRow, SubmissionRow
from server.store.writer import NotStored, Writer

LIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
OVER = JobRow.state.not_in(LIVE)
PAUSED = 'paused'
TIDY_EVERY = 100
"""Jobs that came to an end between two looks at what is old enough to be forgotten."""
DAY = 86_400.0
WHOLE = 2.0**53
"""Numbers from here on are not told apart by one."""
MOST_NAMES = 500
"""So many at a time as one statement takes."""


@dataclass(frozen=True)
class Retention:
	"""How long jobs that are over are remembered: the newest `jobs` of them, for `days`. Their pictures stay."""

	jobs: int = 10_000
	days: float | None = None


class SqlJobStore:
	"""The queue's `JobStore`: each change is on its way to the file before the call returns."""

	def __init__(self, database: Database, writer: Writer, retention: Retention) -> None:
		self._database = database
		self._writer = writer
		self._retention = retention
		self._ended = 0
		self._untidy = 0

	def restore(self, queue: JobQueue) -> None:
		"""Hand the queue what an earlier process left. A job that cannot be read is parked as failed.

		Raises `DatabaseUnreadable`.
		"""
		with self._database.connect() as connection, Session(connection) as session:
			highest = func.max(func.abs(JobRow.number)).filter(func.abs(JobRow.number) < WHOLE)
			found = session.execute(select(highest, func.max(JobRow.arrival), func.max(JobRow.ended))).one()
			waiting = select(JobRow, SubmissionRow).outerjoin(SubmissionRow, SubmissionRow.job == JobRow.id)
			waiting = waiting.where(JobRow.state.in_(LIVE)).order_by(JobRow.number, JobRow.arrival)
			jobs: list[Job] = []
			for row, asked in session.execute(waiting):
				job = read_job(row, asked, {}, ())
				if job is None:
					self._park(row.id)
				else:
					jobs.append(job)
			paused = session.get(SettingRow, PAUSED)
			is_paused = paused is not None and paused.value_json == 'true'
		number, arrival, ended = (0 if value is None else int(value) + 1 for value in found)
		self._ended = ended
		self._writer.call(self._tidy)
		self._writer.call(_drop_lone_events)
		queue.restore(jobs, number=number, arrival=arrival, paused=is_paused)

	def knows(self, job: str) -> bool:
		"""Whether there is or was a job of this id."""
		return self._writer.holds(job) or self._id_where(JobRow.id == job) is not None

	def holder(self, key: str) -> str | None:
		"""The id of the job that was submitted with a key."""
		return self._writer.holder(key) or self._id_where(JobRow.key == key)

	def add(self, job: Job) -> None:
		"""A job is new."""
		self._writer.add(row_of(job), submission_row(job))

	def update(self, job: Job) -> None:
		"""A job's state or place is another; of one that is over, its outputs are written too."""
		ended = None
		if job.state.over and job.started is not None:
			ended = self._ended
			self._ended += 1
			self._writer.end(job.id, output_rows(job))
		self._writer.change(job.id, changing(job, ended))
		if job.state.over:
			self._untidy += 1
			if self._untidy == TIDY_EVERY:
				self._untidy = 0
				self._writer.call(self._tidy)

	def pause(self, paused: bool) -> None:
		"""The queue was paused, or goes on."""
		self._writer.setting(PAUSED, text_of(paused))

	def forget(self, jobs: Collection[str] | None = None) -> None:
		"""Drop jobs that are over: these, or all. Unknown ones and live ones are passed over; pictures stay."""
		wanted = None if jobs is None else list(jobs)
		# What comes to an end later may be written together with this: it is not meant.
		over = OVER & (JobRow.ended.is_(None) | (JobRow.ended < self._ended))

		def drop(connection: Connection) -> None:
			if wanted is None:
				_drop(connection, over)
				return
			for start in range(0, len(wanted), MOST_NAMES):
				_drop(connection, over & JobRow.id.in_(wanted[start : start + MOST_NAMES]))

		self._writer.call(drop)

	def _id_where(self, condition: ColumnElement[bool]) -> str | None:
		try:
			with self._database.connect() as connection:
				return connection.execute(select(JobRow.id).where(condition)).scalar()
		except DatabaseUnreadable as error:
			raise NotStored(str(error)) from error

	def _park(self, job: str) -> None:
		"""Take a damaged job out of the queue: nobody could run it."""
		failure = Failure(message='What is stored of the job cannot be read.', exception_type='DatabaseUnreadable')
		values = {'state': JobState.FAILED.value, 'failure_json': failure.model_dump_json(), 'finished': time.time()}

		def park(connection: Connection) -> None:
			connection.execute(update(JobRow).where(JobRow.id == job).values(values))

		self._writer.call(park)

	def _tidy(self, connection: Connection) -> None:
		newest = select(JobRow.id).where(OVER).order_by(JobRow.finished.desc())
		_drop(connection, JobRow.id.in_(newest.limit(-1).offset(self._retention.jobs)))
		if self._retention.days is not None:
			_drop(connection, OVER & (JobRow.finished < time.time() - self._retention.days * DAY))


def _drop(connection: Connection, condition: ColumnElement[bool]) -> None:
	"""Forget jobs, with what happened to them; what else belongs to them goes with their rows."""
	note_last(connection)
	connection.execute(delete(EventRow).where(EventRow.job.in_(select(JobRow.id).where(condition))))
	connection.execute(delete(JobRow).where(condition))


def _drop_lone_events(connection: Connection) -> None:
	"""Those of jobs that were left out when they were written."""
	note_last(connection)
	connection.execute(delete(EventRow).where(EventRow.job.not_in(select(JobRow.id))))
