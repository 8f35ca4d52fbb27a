from pathlib import Path
from typing import Any

import pytest

from engine.events import NodeBlocked, NodeFinished
from engine.flow import Expand, Skip, Subgraph
from engine.graph import NodeId
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

seen: list[tuple[object, ...]] = []


@node(category='test')
def spread(count: int, start: int = 0) -> list[int]:
	"""Several items."""
	return list(range(start, start + count))


@node(category='test')
def total(values: list[int], times: int = 1) -> int:
	"""All items at once, and other inputs one by one."""
	seen.append((tuple(values), times))
	return sum(values) * times


@node(category='test')
def pair(context: Context, a: int, b: int) -> int:
	"""One item of each."""
	seen.append((context.index, a, b))
	return a * 10 + b


@node(category='test')
def small(value: int) -> int | Skip:
	"""Only small items come through."""
	return value if value < 2 else Skip()


@node(category='test')
def some_expand(context: Context, value: int) -> int | Expand:
	"""Odd items become another node."""
	if value % 2 == 0:
		return value
	subgraph = Subgraph(context.node, context.index or 0)
	return subgraph.expand(subgraph.add('Add', a=value, b=100).output())


@node(category='test')
def no_list(value: int) -> list[int]:
	"""Does not give what it declares."""
	wrong: Any = value
	made: list[int] = wrong
	return made


@node(category='test')
def only_small(value: int) -> int | Skip:
	"""Says so where an item is too large."""
	return value if value < 2 else Skip(f'{value} is large')


@node(category='test', sink=True)
def show(context: Context, value: int) -> None:
	"""Shows each item."""
	context.show(text=[str(value)])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	seen.clear()
	return Bench(tmp_path, spread, total, pair, small, some_expand, no_list, only_small, show)


def items(bench: Bench, nodes: Nodes, node: str) -> tuple[object, ...]:
	"""Run, and give the items of a node's first output."""
	outcome = bench.run(graph(nodes))
	assert outcome.state == 'succeeded', outcome.failure
	entry = bench.cache.get(bench.plan(graph(nodes)).steps[NodeId(node)].key)
	assert entry is not None
	return entry.outputs[0]


class TestMapping:
	def test_a_node_is_called_once_per_item(self, bench: Bench) -> None:
		"""Its output is a list again."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 3}),
			'add': ('Add', {'a': ('list', 0), 'b': 5}),
			'see': ('See', {'value': ('add', 0)}),
		}

		assert items(bench, nodes, 'add') == (5, 6, 7)

	def test_shorter_lists_repeat_their_last(self, bench: Bench) -> None:
		"""Each call knows which one it is."""
		nodes: Nodes = {
			'long': ('Spread', {'count': 3}),
			'short': ('Spread', {'count': 2, 'start': 7}),
			'pair': ('Pair', {'a': ('long', 0), 'b': ('short', 0)}),
			'see': ('See', {'value': ('pair', 0)}),
		}

		assert items(bench, nodes, 'pair') == (7, 18, 28)
		assert seen == [(0, 0, 7), (1, 1, 8), (2, 2, 8)]

	def test_a_list_input_takes_all_at_once(self, bench: Bench) -> None:
		"""Other inputs of the node are still taken one by one."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 3}),
			'times': ('Spread', {'count': 2, 'start': 1}),
			'total': ('Total', {'values': ('list', 0), 'times': ('times', 0)}),
			'see': ('See', {'value': ('total', 0)}),
		}

		assert items(bench, nodes, 'total') == (3, 6)
		assert seen == [((0, 1, 2), 1), ((0, 1, 2), 2)]

	def test_a_single_value_is_a_list_of_one(self, bench: Bench) -> None:
		"""Where a list is taken."""
		nodes: Nodes = {
			'one': ('Number', {'value': 4}),
			'total': ('Total', {'values': ('one', 0)}),
			'see': ('See', {'value': ('total', 0)}),
		}

		assert items(bench, nodes, 'total') == (4,)

	def test_an_empty_list_beside_others_is_an_error(self, bench: Bench) -> None:
		"""There is nothing that could be repeated; the input is named."""
		nodes: Nodes = {
			'none': ('Spread', {'count': 0}),
			'some': ('Spread', {'count': 2}),
			'pair': ('Pair', {'a': ('none', 0), 'b': ('some', 0)}),
		}
		outcome = bench.run(graph({**nodes, 'see': ('See', {'value': ('pair', 0)})}))

		assert outcome.failure is not None
		assert "Input 'a' got an empty list" in outcome.failure.message

	def test_an_empty_list_is_taken_where_lists_are(self, bench: Bench) -> None:
		"""A sum of nothing."""
		nodes: Nodes = {
			'none': ('Spread', {'count': 0}),
			'total': ('Total', {'values': ('none', 0)}),
			'see': ('See', {'value': ('total', 0)}),
		}

		assert items(bench, nodes, 'total') == (0,)

	def test_what_the_calls_show_is_joined(self, bench: Bench) -> None:
		"""One event, with the lists of all calls."""
		bench.run(graph({'list': ('Spread', {'count': 3}), 'show': ('Show', {'value': ('list', 0)})}))
		shown = [event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == 'show']

		assert [ui.root for ui in shown if ui is not None] == [{'text': ['0', '1', '2']}]


class TestItems:
	def test_skipped_items_are_passed_over(self, bench: Bench) -> None:
		"""The others are made."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 4}),
			'small': ('Small', {'value': ('list', 0)}),
			'show': ('Show', {'value': ('small', 0)}),
		}
		bench.run(graph(nodes))
		[shown] = [event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == 'show']

		assert shown is not None
		assert shown.root == {'text': ['0', '1']}

	def test_a_list_with_a_skipped_item_is_skipped_whole(self, bench: Bench) -> None:
		"""Where all items are taken at once."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 4}),
			'small': ('Small', {'value': ('list', 0)}),
			'total': ('Total', {'values': ('small', 0)}),
			'show': ('Show', {'value': ('total', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert seen == []

	def test_some_items_may_expand(self, bench: Bench) -> None:
		"""Plain and expanded results of one node stand in the order of the items."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 4}),
			'mixed': ('SomeExpand', {'value': ('list', 0)}),
			'see': ('See', {'value': ('mixed', 0)}),
		}

		assert items(bench, nodes, 'mixed') == (0, 101, 2, 103)

	def test_a_message_with_some_items(self, bench: Bench) -> None:
		"""The first is told, once; the other items are shown."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 4}),
			'small': ('OnlySmall', {'value': ('list', 0)}),
			'show': ('Show', {'value': ('small', 0)}),
		}
		bench.run(graph(nodes))
		told = [(event.node, event.message) for event in bench.events if isinstance(event, NodeBlocked)]
		[shown] = [event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == 'show']

		assert told == [('show', '2 is large')]
		assert shown is not None
		assert shown.root == {'text': ['0', '1']}

	def test_skipped_items_keep_their_places(self, bench: Bench) -> None:
		"""Items of another list still meet the ones that they belong to."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 4}),
			'small': ('Small', {'value': ('list', 0)}),
			'pair': ('Pair', {'a': ('small', 0), 'b': ('list', 0)}),
			'see': ('See', {'value': ('pair', 0)}),
		}

		assert items(bench, nodes, 'pair') == (0, 11, Skip(), Skip())
		assert seen == [(0, 0, 0), (1, 1, 1)]

	def test_a_declared_list_that_is_none(self, bench: Bench) -> None:
		"""Fails the node, with the output's name."""
		outcome = bench.run(graph({'no': ('NoList', {'value': 1}), 'see': ('See', {'value': ('no', 0)})}))

		assert outcome.failure is not None
		assert outcome.failure.message == "NoList declares output 'INT' as a list, and gave int."
