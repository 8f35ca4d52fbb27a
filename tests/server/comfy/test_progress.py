"""How far nodes have come, and what of that is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.events import AddedNode, GraphExpanded
from engine.graph import Call, Graph, NodeId
from server.comfy.places import Places
from server.comfy.progress import WHOLE_SECONDS, NodeStates, Tick


@pytest.fixture
def clock() -> Callable[[], float]:
	"""A clock that goes on by a millisecond at each look."""
	moments = iter(range(1, 10**9))
	return lambda: next(moments) / 1000


@pytest.fixture
def states(clock: Callable[[], float]) -> NodeStates:
	"""The states of a job of which nothing has begun."""
	return NodeStates('job', Places(Graph({})), clock)


class TestTick:
	"""Ticks of one node."""

	@pytest.mark.parametrize('total', [1, 20, 200])
	def test_short_bars_are_told_in_full(self, states: NodeStates, total: int) -> None:
		"""Sampling steps are counted by clients: none is left out."""
		assert all(states.tick('1', done, total) for done in range(1, total + 1))

	def test_long_bars_are_thinned_out(self, states: NodeStates) -> None:
		"""Of a long bar the first tick, the last, and one each twentieth of a second are told."""
		told = [done for done in range(1001) if states.tick('1', done, 1000)]

		assert told[0] == 0
		assert told[-1] == 1000
		assert 15 < len(told) < 30

	def test_bars_side_by_side(self, states: NodeStates) -> None:
		"""One node's ticks do not hold back another's."""
		states.tick('1', 1, 1000)

		assert states.tick('2', 1, 1000)

	def test_a_tick_that_was_left_out_is_owed(self, states: NodeStates) -> None:
		"""The last one, once, and only if no later one was told."""
		told = [states.tick('1', done, 1000) for done in range(3)]
		first, again = states.owed('1'), states.owed('1')
		states.tick('1', 3, 1000)
		states.tick('1', 1000, 1000)

		assert told == [True, False, False]
		assert (first, again) == (Tick(2, 1000), None)
		assert states.owed('1') is None
		assert states.owed('2') is None


class TestChanges:
	"""What clients are told by default."""

	def test_each_change_once(self, states: NodeStates) -> None:
		"""What has not changed since is left out; of several changes of a node the last counts."""
		states.start('1')
		states.start('2')
		first = states.changes()
		states.tick('1', 3, 7)
		states.finish('1')
		second = states.changes()

		assert list(first.data.nodes) == ['1', '2']
		assert (first.data.nodes['1'].value, first.data.nodes['1'].max) == (0, 1)
		assert list(second.data.nodes) == ['1']
		assert (second.data.nodes['1'].value, second.data.nodes['1'].max) == (7, 7)
		assert second.data.nodes['1'].state == 'finished'
		assert not states.pending

	def test_whole_includes_them(self, states: NodeStates) -> None:
		"""Once everything was told, nothing is left to tell."""
		states.start('1')
		states.finish('1')
		states.start('2')
		whole = states.whole()

		assert {node: state.state for node, state in whole.data.nodes.items()} == {'1': 'finished', '2': 'running'}
		assert not states.pending
		assert states.finished == ['1']

	def test_a_finished_node_stays_so(self, states: NodeStates) -> None:
		"""Whatever another node tells of it afterwards; that is worth a tick all the same."""
		states.start('1')
		states.finish('1')
		told = states.tick('1', 2, 4)

		assert told
		assert [(node.value, node.max, node.state) for node in states.whole().data.nodes.values()] == [
			(1, 1, 'finished')
		]

	def test_failure(self, states: NodeStates) -> None:
		"""A node that failed stays where it was; one that never began is not told."""
		states.tick('1', 3, 7)
		states.fail('1')
		states.fail('2')

		assert {(id, node.value, node.state) for id, node in states.whole().data.nodes.items()} == {('1', 3, 'error')}


class TestWait:
	"""When the whole may be told again."""

	def test_not_before_a_tenth_of_a_second(self, states: NodeStates) -> None:
		"""At first at once; then the rest of the time is told."""
		first = states.wait
		states.whole()

		assert first == 0
		assert 0 < states.wait < WHOLE_SECONDS


class TestPlaces:
	"""Nodes that came in by an expansion."""

	@pytest.fixture
	def places(self) -> Places:
		"""The loop became two nodes; one of those became another, which shows at a node of its own choice."""
		graph = Graph({NodeId('loop'): Call('Loop'), NodeId('other'): Call('Show')})
		events = (
			GraphExpanded(
				job='job',
				node='loop',
				added=(
					AddedNode(node='loop.0.1', kind='Add', display='loop'),
					AddedNode(node='loop.0.2', kind='Loop', display='other'),
				),
			),
			GraphExpanded(job='job', node='loop.0.2', added=(AddedNode(node='x', kind='Add', display='other'),)),
		)
		return Places(graph, events)

	def test_of_children(self, places: Places, clock: Callable[[], float]) -> None:
		"""A state names the node itself, where it is shown, what became it, and the submitted node."""
		states = NodeStates('job', places, clock)
		for node in ('loop', 'loop.0.1', 'loop.0.2', 'x'):
			states.start(node)

		assert {
			(node.node_id, node.display_node_id, node.parent_node_id, node.real_node_id)
			for node in states.whole().data.nodes.values()
		} == {
			('loop', 'loop', None, 'loop'),
			('loop.0.1', 'loop', 'loop', 'loop'),
			('loop.0.2', 'other', 'loop', 'loop'),
			('x', 'other', 'loop.0.2', 'loop'),
		}

	def test_submitted_node_with_its_kind(self, places: Places) -> None:
		"""Errors name what the client sent, never what it cannot know."""
		assert places.submitted('x', 'Add') == ('loop', 'Loop')
		assert places.submitted('other', 'Show') == ('other', 'Show')
		assert places.submitted(None, '') == ('', '')
