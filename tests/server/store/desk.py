"""A store in a folder with a queue on top, and what the tests ask of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from engine.events import Event, EventBus, JobFinished, JobStarted, NodeFinished, Ui, Why
from engine.graph import Call, Constant, Graph, NodeId
from engine.jobs import Job, Submission
from engine.queue import JobQueue
from server.store.jobs import Retention
from server.store.store import Store

FILE = 'lumengraph.db'
GRAPH = Graph({NodeId('1'): Call('Shade', {'value': Constant(3)}), NodeId('2'): Call('Show', {})})


def submission(**others: Any) -> Submission:
	"""Something to submit."""
	return Submission(GRAPH, (NodeId('2'),), **others)


class Desk:
	"""An open store, and the queue that it restored."""

	def __init__(self, folder: Path, retention: Retention | None = None) -> None:
		self.folder = folder
		self.store = Store(folder / FILE, retention or Retention())
		self.bus = EventBus()
		self.queue = JobQueue(self.store.jobs, self.bus)
		self.events: list[Event] = []
		self._hearing: AbstractContextManager[object] | None = None

	async def open(self) -> Desk:
		"""As the server does when it starts."""
		self.store.open()
		self._hearing = self.bus.subscribe(self.store.log.hear)
		self.bus.subscribe(self.events.append)
		self.store.jobs.restore(self.queue)
		return self

	def close(self) -> None:
		"""As the server does when it ends."""
		self.store.close()

	def snapshot(self, folder: Path) -> Path:
		"""The file as it would be found after a kill now, in another folder."""
		folder.mkdir(parents=True)
		with closing(sqlite3.connect(self.folder / FILE)) as source, closing(sqlite3.connect(folder / FILE)) as copy:
			source.backup(copy)
		return folder

	@property
	def order(self) -> list[str]:
		"""The waiting jobs."""
		return [job.id for job in self.queue.queued()]

	def submit(self, *ids: str, **others: Any) -> None:
		"""Queue jobs."""
		for id in ids:
			self.queue.submit(submission(**others), id=id)

	def run(self, *ids: str, state: str = 'succeeded', ui: Mapping[str, list[Any]] | None = None) -> None:
		"""Queue jobs that run and end at once."""
		for id in ids:
			self.queue.submit(submission(), id=id, number=self.queue.take_number(front=True))
			job = self.queue.claim()
			assert job is not None
			assert job.id == id
			self.finish(job, state=state, ui=ui)

	def finish(self, job: Job, *, state: str = 'succeeded', ui: Mapping[str, list[Any]] | None = None) -> None:
		"""Let a running job run its nodes and end."""
		failure = {'message': 'broken', 'exception_type': 'ValueError', 'node': '2', 'kind': 'Show'}
		self.queue.tell(JobStarted(job=job.id))
		why = Why(code='first_time')
		self.queue.tell(NodeFinished(job=job.id, node='1', kind='Shade', seconds=0.5, why=why))
		if state == 'succeeded':
			shown = Ui({'text': ['done']} if ui is None else dict(ui))
			self.queue.tell(NodeFinished(job=job.id, node='2', kind='Show', seconds=0.25, ui=shown))
		end = {'job': job.id, 'state': state, 'failure': failure if state == 'failed' else None}
		self.queue.tell(JobFinished.model_validate(end))


def rows(folder: Path, question: str, *values: object) -> list[tuple[Any, ...]]:
	"""What the file has, as another program sees it."""
	with closing(sqlite3.connect(folder / FILE)) as connection:
		return connection.execute(question, values).fetchall()


def damage(folder: Path, order: str, *values: object) -> None:
	"""Change the file by hand."""
	with closing(sqlite3.connect(folder / FILE)) as connection:
		connection.execute(order, values)
		connection.commit()


def ids(jobs: Iterable[Any]) -> str:
	"""The ids of jobs or summaries, one behind the other."""
	return ''.join(job.id for job in jobs)
