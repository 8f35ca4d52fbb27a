"""What became of the nodes of a job."""

from __future__ import annotations

from engine.events import Event, Failure, NodeFinished, NodesCached, NodeStarted, Why
from engine.graph import Call, Graph, NodeId
from engine.jobs import Job, JobId, Submission
from server.store.steps import CACHED, JobStep, steps_of

GRAPH = Graph({NodeId('1'): Call('A'), NodeId('2'): Call('B'), NodeId('3'): Call('C')})
FIRST = Why(code='first_time')


def job(*events: Event, failure: Failure | None = None) -> Job:
	"""A job to which this happened."""
	return Job(JobId('a'), 0, Submission(GRAPH, ()), events=list(events), failure=failure)


class TestSteps:
	"""Told from the job's events."""

	def test_nothing_happened(self) -> None:
		"""There are none."""
		assert steps_of(job()) == []

	def test_cached_ones_first(self) -> None:
		"""Then those that ran, in the order in which they were done, with times and reasons."""
		found = steps_of(
			job(
				NodesCached(job='a', nodes=('1',)),
				NodeStarted(job='a', node='3', kind='C'),
				NodeFinished(job='a', node='3', kind='C', seconds=2, why=FIRST),
				NodeFinished(job='a', node='2', kind='B', seconds=1, why=FIRST),
			)
		)

		assert found == [
			JobStep('1', 'A', False, why=CACHED),
			JobStep('3', 'C', True, 2.0, FIRST),
			JobStep('2', 'B', True, 1.0, FIRST),
		]

	def test_a_cached_sink_is_told_again(self) -> None:
		"""And stays one step; without a reason of its own, being cached is it."""
		found = steps_of(
			job(NodesCached(job='a', nodes=('1',)), NodeFinished(job='a', node='1', kind='A', seconds=0, cached=True))
		)

		assert found == [JobStep('1', 'A', False, why=CACHED)]

	def test_nodes_of_an_expansion(self) -> None:
		"""They are no part of the submitted graph, and have their kind from the event."""
		assert steps_of(job(NodeFinished(job='a', node='1.x', kind='X', seconds=1, why=FIRST))) == [
			JobStep('1.x', 'X', True, 1.0, FIRST)
		]

	def test_the_one_that_failed(self) -> None:
		"""Comes last, with what it raised; a failure without a node has no step."""
		failure = Failure(message='no', exception_type='E', node='2', kind='B')

		assert steps_of(job(failure=failure)) == [JobStep('2', 'B', True, error='no')]
		assert steps_of(job(failure=Failure(message='no', exception_type='E'))) == []

	def test_a_cached_node_that_is_not_in_the_graph(self) -> None:
		"""Whatever a worker tells, the end of a job can be written."""
		assert steps_of(job(NodesCached(job='a', nodes=('1', 'nowhere')))) == [
			JobStep('1', 'A', False, why=CACHED),
			JobStep('nowhere', '', False, why=CACHED),
		]
