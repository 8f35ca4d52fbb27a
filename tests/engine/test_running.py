from __future__ import annotations

import pytest

from engine.events import AddedNode, GraphExpanded, NodeFinished, NodeStarted, NodeWaits
from engine.graph import Graph
from engine.jobs import Job, JobId, Submission
from engine.running import LATE_SECONDS, NodeAtWork, Running, WakingClock


@pytest.fixture
def running() -> Running:
	"""A job that has just begun."""
	return Running(Job(JobId('j'), 0, Submission(Graph({}), ())))


def started(node: str, kind: str = 'A') -> NodeStarted:
	"""A node has begun."""
	return NodeStarted(job='j', node=node, kind=kind)


class TestNodesAtWork:
	def test_the_last_that_began(self, running: Running) -> None:
		"""When it ends, one that began before it may still be at work."""
		assert (running.node, running.kind) == (None, '')

		running.note(started('1'), 1.0)
		running.note(started('2', 'B'), 2.0)
		assert running.last == NodeAtWork('2', 'B', 2.0)

		running.note(NodeFinished(job='j', node='2', kind='B', seconds=1), 3.0)
		assert (running.node, running.kind) == ('1', 'A')

	@pytest.mark.parametrize(
		'event',
		[
			NodeFinished(job='j', node='1', kind='A', seconds=1),
			NodeWaits(job='j', node='1'),
			GraphExpanded(job='j', node='1', added=(AddedNode(node='1.1', kind='A', display='1'),)),
		],
	)
	def test_what_ends_its_work(self, running: Running, event: NodeFinished | NodeWaits | GraphExpanded) -> None:
		"""A node that waits for what it has asked for, or for what it has become, is not at work."""
		running.note(started('1'), 1.0)
		running.note(event, 2.0)

		assert running.node is None

	def test_begun_again(self, running: Running) -> None:
		"""A node that waited begins anew, and so does its time."""
		running.note(started('1'), 1.0)
		running.note(NodeWaits(job='j', node='1'), 2.0)
		running.note(started('1'), 50.0)

		assert running.last == NodeAtWork('1', 'A', 50.0)

	def test_seen_before_it_is_told(self, running: Running) -> None:
		"""What is seen of a node counts until it is told; what was told is not changed."""
		running.seen('1', 'A', 1.0)
		running.seen('1', 'A', 2.0)
		seen = running.last
		running.note(started('1'), 3.0)

		assert seen == NodeAtWork('1', 'A', 1.0)
		assert running.last == NodeAtWork('1', 'A', 3.0)


class TestOverdue:
	def test_each_kind_has_its_limit(self, running: Running) -> None:
		"""One without a limit may take for ever; exactly the limit is not too long."""
		limits = {'A': 10.0, 'B': None}
		running.note(started('slow', 'B'), 0.0)
		running.note(started('1', 'A'), 5.0)

		assert running.overdue(15.0, limits.get) is None
		assert running.overdue(15.1, limits.get) == (NodeAtWork('1', 'A', 5.0), 10.0)

	def test_nothing_runs(self, running: Running) -> None:
		"""Between two nodes nothing is overdue."""
		assert running.overdue(1e9, lambda kind: 0.0) is None


class TestWakingClock:
	def test_it_runs(self) -> None:
		"""As the system's does."""
		times = iter([100.0, 100.5, 102.0])
		clock = WakingClock(lambda: next(times))

		assert clock.now() == 100.5
		assert clock.now() == 102.0

	def test_time_that_was_slept_through(self) -> None:
		"""A gap in which nobody could ask counts as little."""
		times = iter([100.0, 101.0, 701.0, 702.0])
		clock = WakingClock(lambda: next(times))
		seen = [clock.now(), clock.now(), clock.now()]

		assert seen == [101.0, 101.0 + LATE_SECONDS, 102.0 + LATE_SECONDS]
