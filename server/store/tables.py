"""The tables. A change here needs a migration beside it (`server/store/migrations/`)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
	"""Base of all tables. Times are seconds since the epoch; columns named as JSON hold JSON text."""


class JobRow(Base):
	"""A job, but for what is large. `ended` counts the jobs that came to an end after they had begun, in that order."""

	__tablename__ = 'jobs'
	__table_args__ = (
		UniqueConstraint('key', name='jobs_key'),
		Index('jobs_by_state', 'state', 'created', 'id'),
		Index('jobs_by_time', 'created', 'id'),
		Index('jobs_by_finish', 'finished'),
		Index('jobs_by_end', 'ended'),
		Index('jobs_by_workflow', 'workflow', 'created', 'id'),
	)

	id: Mapped[str] = mapped_column(primary_key=True)
	number: Mapped[float]
	arrival: Mapped[float]
	state: Mapped[str]
	client: Mapped[str]
	previews: Mapped[bool]
	preview_method: Mapped[str] = mapped_column(server_default='auto')
	key: Mapped[str | None]
	webhook: Mapped[str]
	workflow: Mapped[str | None]
	created: Mapped[float]
	started: Mapped[float | None]
	finished: Mapped[float | None]
	attempts: Mapped[int]
	losses: Mapped[int]
	failure_json: Mapped[str | None]
	ended: Mapped[int | None]


class SubmissionRow(Base):
	"""What was submitted as a job: apart, so that lists of jobs need not be read past it."""

	__tablename__ = 'submissions'

	job: Mapped[str] = mapped_column(ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True)
	prompt_json: Mapped[str]
	targets_json: Mapped[str]
	extra_json: Mapped[str]


class OutputRow(Base):
	"""What one node of a job showed, in the order in which nodes were done."""

	__tablename__ = 'outputs'

	job: Mapped[str] = mapped_column(ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True)
	position: Mapped[int] = mapped_column(primary_key=True)
	node: Mapped[str]
	ui_json: Mapped[str]


class EventRow(Base):
	"""Events of a job that came together: a list of pairs of number and event. They are numbered over all jobs.

	No foreign key: a job may be forgotten while its last events are on their way here.
	"""

	__tablename__ = 'events'
	__table_args__ = (Index('events_of_job', 'job'),)

	last: Mapped[int] = mapped_column(primary_key=True)
	job: Mapped[str]
	body_json: Mapped[str]


class DeliveryRow(Base):
	"""A webhook that is still to be told, at the time when the next attempt is due."""

	__tablename__ = 'deliveries'
	__table_args__ = (Index('deliveries_by_time', 'due'),)

	id: Mapped[int] = mapped_column(primary_key=True)
	job: Mapped[str]
	url: Mapped[str]
	body: Mapped[str]
	attempts: Mapped[int]
	due: Mapped[float]


class SettingRow(Base):
	"""What is remembered by name: whether the queue is paused."""

	__tablename__ = 'settings'

	name: Mapped[str] = mapped_column(primary_key=True)
	value_json: Mapped[str]
