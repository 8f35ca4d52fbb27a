"""What the log says of jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from engine.events import Event, Failure, JobFinished, JobStarted, NodeBlocked, NodeFinished, NodeProgress, NodeStarted
from engine.logcontext import JOB, NODE
from server.joblog import JobLog

Line = tuple[str, str, str, str]


class Watch(logging.Handler):
	"""Keeps each line with what it is about."""

	def __init__(self) -> None:
		super().__init__()
		self.lines: list[Line] = []

	def emit(self, record: logging.LogRecord) -> None:
		self.lines.append((record.levelname, JOB.get(), NODE.get(), record.getMessage()))


@pytest.fixture
def watch() -> Iterator[Watch]:
	"""Hears the log of jobs."""
	watch, log = Watch(), logging.getLogger('server.joblog')
	log.addHandler(watch)
	yield watch
	log.removeHandler(watch)
	log.setLevel(logging.NOTSET)


def told(watch: Watch, level: int, *events: Event) -> list[Line]:
	"""The lines of these events."""
	logging.getLogger('server.joblog').setLevel(level)
	jobs = JobLog()
	for event in events:
		jobs.hear(event)
	return watch.lines


class TestJobLog:
	"""One line for a job, more for those who look closely."""

	def test_a_job_that_went_well(self, watch: Watch) -> None:
		"""How long it took."""
		events = (JobStarted(job='j', at=10.0), JobFinished(job='j', at=12.5, state='succeeded'))

		assert told(watch, logging.INFO, *events) == [('INFO', 'j', '', 'The job succeeded after 2.50 s.')]

	def test_a_job_that_failed(self, watch: Watch) -> None:
		"""A warning about the node, with the cause."""
		failure = Failure(message='no room\n', exception_type='MemoryError', node='7', kind='KSampler')
		finished = JobFinished(job='j', at=12.0, state='failed', failure=failure)
		line = told(watch, logging.INFO, JobStarted(job='j', at=10.0), finished)[0]

		assert line == ('WARNING', 'j', '7', 'The job failed at KSampler after 2.00 s: MemoryError: no room')

	def test_nodes_are_told_to_those_who_look_closely(self, watch: Watch) -> None:
		"""Each is about its node; cached ones and progress are not told."""
		events = (
			NodeStarted(job='j', node='1', kind='Load'),
			NodeProgress(job='j', node='1', done=1, total=2),
			NodeFinished(job='j', node='1', kind='Load', seconds=0.25),
			NodeFinished(job='j', node='2', kind='Save', seconds=0.0, cached=True),
		)

		assert told(watch, logging.INFO, *events) == []
		assert told(watch, logging.DEBUG, *events) == [
			('DEBUG', 'j', '1', 'Load has begun.'),
			('DEBUG', 'j', '1', 'Load took 0.250 s.'),
		]

	def test_a_node_that_was_passed_over(self, watch: Watch) -> None:
		"""With its message."""
		event = NodeBlocked(job='j', node='1', kind='Save', message='nothing to save')

		assert told(watch, logging.INFO, event) == [('INFO', 'j', '1', 'Save was passed over: nothing to save')]

	def test_an_end_without_a_beginning(self, watch: Watch) -> None:
		"""A job may end before anything was heard of it."""
		line = told(watch, logging.INFO, JobFinished(job='j', state='cancelled'))[0]

		assert line[3] == 'The job cancelled after 0.00 s.'
