from pathlib import Path
from typing import NamedTuple

import pytest

from engine.errors import NodeUsage
from engine.events import NodeBlocked, NodeFinished
from engine.flow import Skip, Subgraph, as_argument
from engine.graph import Constant, Given, Link, NodeId
from engine.spec import node
from tests.engine.tools import Bench, Nodes, graph


@node(category='test')
def gate(value: int, limit: int, message: str = '') -> int | Skip:
	"""Large values are skipped."""
	return value if value < limit else Skip(message or None)


class Sides(NamedTuple):
	left: int | Skip
	right: int | Skip


@node(category='test')
def sort(value: int, limit: int) -> Sides:
	"""Small numbers go left, large ones right."""
	return Sides(value, Skip()) if value < limit else Sides(Skip(), value)


GATED: Nodes = {
	'big': ('Number', {'value': 9}),
	'gate': ('Gate', {'value': ('big', 0), 'limit': 5}),
	'add': ('Add', {'a': ('gate', 0), 'b': 1}),
	'save': ('Save', {'value': ('add', 0)}),
	'other': ('Save', {'value': ('big', 0)}),
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	return Bench(tmp_path, gate, sort)


def shown(bench: Bench, node: str = 'save') -> list[str]:
	"""The names of the pictures that a node showed; the red of the test pack's is the number."""
	ui = next(event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == node)
	return [] if ui is None else [image.filename for image in ui.images]


class TestSkip:
	def test_what_is_downstream_is_passed_over(self, bench: Bench, calls: list[str]) -> None:
		"""The run succeeds; other branches are made."""
		outcome = bench.run(graph(GATED))

		assert outcome.state == 'succeeded'
		assert calls == ['big', 'other']
		assert shown(bench, 'save') == []
		assert len(shown(bench, 'other')) == 1
		assert not any(isinstance(event, NodeBlocked) for event in bench.events)

	def test_a_sink_that_is_passed_over_comes_to_its_end(self, bench: Bench) -> None:
		"""It counts among what has results, shows nothing and saves nothing."""
		outcome = bench.run(graph(GATED))

		assert {'add', 'save'} <= set(outcome.executed)
		assert len(list(bench.storage.files.root('output').iterdir())) == 1

	@pytest.mark.parametrize(('limit', 'made'), [(10, 'left'), (5, 'right')])
	def test_one_output_may_be_skipped(self, bench: Bench, calls: list[str], limit: int, made: str) -> None:
		"""What takes the others runs."""
		nodes: Nodes = {
			'sort': ('Sort', {'value': 9, 'limit': limit}),
			'left': ('See', {'value': ('sort', 0)}),
			'right': ('See', {'value': ('sort', 1)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert calls == [made]

	def test_a_message_is_told_once(self, bench: Bench) -> None:
		"""At the first node passed over, and again in the next run; those behind it are silent."""
		nodes: Nodes = {**GATED, 'gate': ('Gate', {'value': ('big', 0), 'limit': 5, 'message': 'too big'})}
		for _ in range(2):
			bench.events.clear()
			bench.run(graph(nodes))
			blocked = [event for event in bench.events if isinstance(event, NodeBlocked)]

			assert [(event.node, event.message) for event in blocked] == [('add', 'too big')]

	def test_a_change_lets_it_through(self, bench: Bench, calls: list[str]) -> None:
		"""Nothing of the skipped run stands in the way of the next."""
		bench.run(graph(GATED))
		calls.clear()
		bench.run(graph({**GATED, 'gate': ('Gate', {'value': ('big', 0), 'limit': 10})}))

		assert calls == ['add', 'save']


class TestSubgraph:
	def test_ids_follow_from_the_node(self) -> None:
		"""By order, or by name; equal runs make equal ids."""
		subgraph = Subgraph('7', 2)

		assert subgraph.add('Number', value=1).id == '7.2.1'
		assert subgraph.add('Number', id='x', value=1).id == '7.2.x'

	def test_an_id_is_given_once(self) -> None:
		"""A second node of that name is refused."""
		subgraph = Subgraph('7')
		subgraph.add('Number', id='x')

		with pytest.raises(NodeUsage, match=r"'7\.0\.x' already"):
			subgraph.add('Number', id='x')

	def test_arguments(self) -> None:
		"""Links stay, plain values are constants, all else is handed over as it is."""
		items = [1]
		link = Link(NodeId('a'), 0)
		given = as_argument(items)

		assert as_argument(link) is link
		assert as_argument(1.5) == Constant(1.5)
		assert isinstance(given, Given)
		assert given.value is items
