"""Reads the database, in threads beside the event loop. What was told before is always found.

Rows that somebody has damaged are logged and left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, String, case, func, literal_column, select
from sqlalchemy.orm import Session

from engine.events import Event, Failure, Ui
from engine.jobs import Job, JobId, JobNotFound, JobState
from server.store.database import Database
from server.store.rows import DAMAGE, last_attempt, queue_number, read_events, read_failure, read_job, read_ui
from server.store.steps import JobStep, steps_of
from server.store.tables import EventRow, JobRow, OutputRow, SubmissionRow
from server.store.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar('T')
MOST_ROWS = 2**63 - 1
READERS = 4
"""Who asks for a page does not wait for one who asks for everything."""
TITLE = '$.extra_pnginfo.lumengraph.title'
Sort = Literal['created', 'duration', 'ended']
JOBS = select(JobRow, SubmissionRow).outerjoin(SubmissionRow, SubmissionRow.job == JobRow.id)


@dataclass(frozen=True, slots=True)
class JobSummary:
	"""A job without its graph: what lists show."""

	id: JobId
	number: float
	state: JobState
	client: str
	workflow: str | None
	created: float
	started: float | None
	finished: float | None
	attempts: int
	failure: Failure | None
	outputs: Mapping[str, Ui]
	title: str = ''


@dataclass(frozen=True, slots=True)
class JobQuery:
	"""Which jobs, and in which order. `after` is the time and id of the last one of the page before."""

	states: Collection[JobState] | None = None
	client: str | None = None
	workflow: str | None = None
	sort: Sort = 'created'
	descending: bool = True
	limit: int | None = None
	offset: int = 0
	after: tuple[float, str] | None = None


class Archive:
	"""Answers what was, and what is on its way: each answer waits until all that was told is written."""

	def __init__(self, database: Database, writer: Writer) -> None:
		self._database = database
		self._writer = writer
		self._threads = ThreadPoolExecutor(READERS, thread_name_prefix='archive')

	def close(self) -> None:
		"""End the threads."""
		self._threads.shutdown()

	async def job(self, job: str) -> Job:
		"""A job with what happened to it, or `JobNotFound`."""
		found = await self.read(lambda connection: _jobs(connection, JOBS.where(JobRow.id == job)))
		if not found:
			raise JobNotFound(job)
		return found[0]

	async def jobs(self, jobs: Sequence[str]) -> dict[str, Job]:
		"""Several of them, by id; unknown ones are left out."""
		if not jobs:
			return {}

		def read(connection: Connection) -> list[Job]:
			return [job for some in _chunks(jobs) for job in _jobs(connection, JOBS.where(JobRow.id.in_(some)))]

		return {job.id: job for job in await self.read(read)}

	async def of_key(self, key: str) -> Job | None:
		"""The job that was submitted with a key, if one was."""
		found = await self.read(lambda connection: _jobs(connection, JOBS.where(JobRow.key == key)))
		return found[0] if found else None

	async def ended(self, most: int | None = None, offset: int | None = None) -> Sequence[Job]:
		"""Jobs that ran, in the order in which they ended: up to `most` from `offset` on, or the last `most`."""
		wanted = JOBS.where(JobRow.ended.is_not(None))
		if offset is not None:
			wanted = wanted.order_by(JobRow.ended).limit(_limit(most)).offset(_limit(offset))
			return await self.read(lambda connection: _jobs(connection, wanted))
		wanted = wanted.order_by(JobRow.ended.desc()).limit(_limit(most))
		return (await self.read(lambda connection: _jobs(connection, wanted)))[::-1]

	async def page(self, query: JobQuery) -> tuple[list[JobSummary], int]:
		"""Some jobs, and how many there are in all, whatever the page."""
		return await self.read(lambda connection: _page(connection, query))

	async def steps(self, job: str) -> list[JobStep]:
		"""What became of the nodes of a job that is over, in the order in which they were done. `JobNotFound`."""
		return steps_of(await self.job(job))

	async def events(self, after: int, *, job: str | None = None, most: int = 10_000) -> list[tuple[int, Event]]:
		"""Numbered events that came after one, oldest first; of one job, or of all. `most` rows, of one event or more."""

		def read(connection: Connection) -> list[tuple[int, Event]]:
			wanted = select(EventRow.body_json).where(EventRow.last > after).order_by(EventRow.last).limit(most)
			if job is not None:
				wanted = wanted.where(EventRow.job == job)
			return read_events(connection.execute(wanted).scalars())

		return [(number, event) for number, event in await self.read(read) if number > after]

	async def read(self, read: Callable[[Connection], T]) -> T:
		"""What a function reads, in the thread."""
		await self._writer.settled()

		def work() -> T:
			with self._database.connect() as connection:
				return read(connection)

		return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _jobs(connection: Connection, wanted: Select[JobRow, SubmissionRow]) -> list[Job]:
	"""Jobs with all that belongs to them."""
	with Session(connection) as session:
		rows = session.execute(wanted).all()
		ids = [row.id for row, _ in rows]
		outputs = _outputs(connection, ids)
		events: dict[str, list[str]] = {}
		for some in _chunks(ids):
			asked = select(EventRow.job, EventRow.body_json).where(EventRow.job.in_(some)).order_by(EventRow.last)
			for job, body in connection.execute(asked):
				events.setdefault(job, []).append(body)
		told = {job: last_attempt(read_events(bodies)) for job, bodies in events.items()}
		jobs = (read_job(row, asked, outputs.get(row.id, {}), told.get(row.id, [])) for row, asked in rows)
		return [job for job in jobs if job is not None]


def _page(connection: Connection, query: JobQuery) -> tuple[list[JobSummary], int]:
	conditions: list[ColumnElement[bool]] = []
	if query.states is not None:
		wanted = [state.value for state in query.states]
		# The plus keeps SQLite from its index of states, and it walks along that of times: most jobs are over.
		by_time = query.sort == 'created' and len(wanted) > 1 and any(state.over for state in query.states)
		state = literal_column('+jobs.state', String) if by_time else JobRow.state
		conditions.append(state.in_(wanted))
	if query.client is not None:
		conditions.append(JobRow.client == query.client)
	if query.workflow is not None:
		conditions.append(JobRow.workflow == query.workflow)
	total = connection.execute(select(func.count()).select_from(JobRow).where(*conditions)).scalar_one()
	by = {
		'created': JobRow.created,
		'duration': func.coalesce(JobRow.finished - JobRow.started, 0.0),
		'ended': JobRow.ended,
	}[query.sort]
	if query.after is not None:
		time, id = query.after
		earlier = (JobRow.created < time) | ((JobRow.created == time) & (JobRow.id < id))
		later = (JobRow.created > time) | ((JobRow.created == time) & (JobRow.id > id))
		conditions.append(earlier if query.descending else later)
	order = (by.desc(), JobRow.id.desc()) if query.descending else (by, JobRow.id)
	columns = (
		JobRow.id,
		JobRow.number,
		JobRow.state,
		JobRow.client,
		JobRow.workflow,
		JobRow.created,
		JobRow.started,
		JobRow.finished,
		JobRow.attempts,
		JobRow.failure_json,
	)
	page = select(*columns).where(*conditions).order_by(*order)
	rows = connection.execute(page.limit(_limit(query.limit)).offset(_limit(query.offset))).all()
	ids = [row.id for row in rows]
	outputs, titles = _outputs(connection, ids), _titles(connection, ids)
	summaries = (_summary(row, outputs.get(row.id, {}), titles.get(row.id, '')) for row in rows)
	return [summary for summary in summaries if summary is not None], total


def _summary(row: Row[*tuple[object, ...]], outputs: Mapping[str, Ui], title: str) -> JobSummary | None:
	try:
		return JobSummary(
			JobId(row.id),
			queue_number(row.number),
			JobState(row.state),
			row.client,
			row.workflow,
			row.created,
			row.started,
			row.finished,
			row.attempts,
			read_failure(row.id, row.failure_json),
			outputs,
			title,
		)
	except DAMAGE as error:
		log.error('Job %r cannot be read, and is left out: %s', row.id, error)
		return None


def _outputs(connection: Connection, jobs: Sequence[str]) -> dict[str, dict[str, Ui]]:
	"""Job → node → what it showed."""
	found: dict[str, dict[str, Ui]] = {}
	for some in _chunks(jobs):
		wanted = select(OutputRow.job, OutputRow.node, OutputRow.ui_json).where(OutputRow.job.in_(some))
		for job, node, ui in connection.execute(wanted.order_by(OutputRow.job, OutputRow.position)):
			shown = read_ui(job, node, ui)
			if shown is not None:
				found.setdefault(job, {})[node] = shown
	return found


def _titles(connection: Connection, jobs: Sequence[str]) -> dict[str, str]:
	"""Job → the title of its workflow, where it has one. SQLite looks for it: the graphs are not read."""
	extra = SubmissionRow.extra_json
	title = case((func.json_valid(extra), func.json_extract(extra, TITLE)), else_=None)
	found: dict[str, str] = {}
	for some in _chunks(jobs):
		rows = connection.execute(select(SubmissionRow.job, title).where(SubmissionRow.job.in_(some)))
		found.update((job, told) for job, told in rows if isinstance(told, str))
	return found


def _limit(number: int | None) -> int:
	"""A number of rows as SQLite takes it: none is all, and its whole numbers end."""
	return -1 if number is None else min(number, MOST_ROWS)


def _chunks(ids: Sequence[str], size: int = 500) -> list[Sequence[str]]:
	"""So many at a time as one statement takes."""
	return [ids[start : start + size] for start in range(0, len(ids), size)]
