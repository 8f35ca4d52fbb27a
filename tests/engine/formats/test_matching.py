"""Which node of one graph is which of another."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from engine.formats.matching import match_nodes, value_text
from engine.formats.workflow import read_workflow
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from tests.engine.formats.declared import infos

REAL = sorted((Path(__file__).parent / 'real').glob('*.json'))


def renumbered(graph: Graph, seed: int) -> tuple[Graph, dict[NodeId, NodeId]]:
	"""The same graph with its ids dealt out anew among its nodes, which come in another order."""
	ids = list(graph.calls)
	others = ids.copy()
	random.Random(seed).shuffle(others)
	names = dict(zip(ids, others, strict=True))

	def moved(given: Argument) -> Argument:
		return Link(names.get(given.node, given.node), given.output) if isinstance(given, Link) else given

	calls = {
		names[node]: Call(call.kind, {name: moved(given) for name, given in call.inputs.items()}, call.title)
		for node, call in graph.calls.items()
	}
	return Graph(dict(sorted(calls.items()))), names


def node(kind: str, **inputs: Link | str | int) -> Call:
	"""A call; plain values are constants."""
	return Call(kind, {name: given if isinstance(given, Link) else Constant(given) for name, given in inputs.items()})


def link(source: str, output: int = 0) -> Link:
	"""A link by name."""
	return Link(NodeId(source), output)


def graph(**calls: Call) -> Graph:
	"""A graph whose ids are words."""
	return Graph({NodeId(name): call for name, call in calls.items()})


class TestRenumbered:
	"""A graph with other ids is the same graph."""

	@pytest.mark.parametrize('path', REAL, ids=lambda path: path.name)
	def test_real_files(self, path: Path) -> None:
		"""Every link of a shuffled copy leads where it led."""
		before = read_workflow(json.loads(path.read_text()), infos()).graph
		after, _ = renumbered(before, 3)
		pairs = match_nodes(before, after)

		assert len(pairs) == len(before.calls) == len(set(pairs.values()))
		for source, call in before.calls.items():
			other = after.calls[pairs[source]]
			assert other.kind == call.kind
			for name, given in call.inputs.items():
				if isinstance(given, Link) and given.node in before.calls:
					assert other.inputs[name] == Link(pairs[given.node], given.output)
				else:
					assert other.inputs[name] == given

	def test_branches_that_are_alike_stay_together(self) -> None:
		"""Of two equal branches, the second node of each is paired with the second of its own."""
		before = graph(a=node('Make'), b=node('Make'), c=node('Use', of=link('a')), d=node('Use', of=link('b')))
		after = graph(p=node('Use', of=link('r')), q=node('Use', of=link('s')), r=node('Make'), s=node('Make'))
		pairs = match_nodes(before, after)

		assert {(pairs[NodeId('a')], pairs[NodeId('c')]), (pairs[NodeId('b')], pairs[NodeId('d')])} == {
			('r', 'p'),
			('s', 'q'),
		}

	def test_with_a_change(self) -> None:
		"""A renumbered graph in which one value is another is paired as a whole."""
		before = graph(a=node('Load', name='x'), b=node('Text', text='cat', of=link('a')), c=node('Text', of=link('a')))
		before = Graph({**before.calls, NodeId('d'): node('Draw', good=link('b'), bad=link('c'), steps=20)})
		after = graph(d=node('Load', name='x'), c=node('Text', text='dog', of=link('d')), a=node('Text', of=link('d')))
		after = Graph({**after.calls, NodeId('b'): node('Draw', good=link('c'), bad=link('a'), steps=30)})

		assert match_nodes(before, after) == {'a': 'd', 'b': 'c', 'c': 'a', 'd': 'b'}

	def test_circles_and_lost_links_do_no_harm(self) -> None:
		"""What no checker would take is compared all the same."""
		odd = graph(a=node('X', of=link('b')), b=node('X', of=link('a')), c=node('Y', of=link('gone')))

		assert match_nodes(odd, odd) == {'a': 'a', 'b': 'b', 'c': 'c'}


class TestIds:
	"""Where ids hold, they count."""

	def test_equal_nodes_keep_their_ids(self) -> None:
		"""Two nodes that swap their values are two changes, not two nodes that were renumbered."""
		before = graph(a=node('Text', text='x'), b=node('Text', text='y'), c=node('Join', of=link('a'), to=link('b')))
		after = graph(a=node('Text', text='y'), b=node('Text', text='z'), c=node('Join', of=link('a'), to=link('b')))

		assert match_nodes(before, after) == {'a': 'a', 'b': 'b', 'c': 'c'}

	def test_another_kind_in_the_same_place(self) -> None:
		"""A node that another kind stands in for is paired with it, whatever its id."""
		before = graph(a=node('Make'), b=node('Decode', of=link('a')), c=node('Save', of=link('b')))
		after = graph(a=node('Make'), z=node('DecodeTiled', of=link('a')), c=node('Save', of=link('z')))

		assert match_nodes(before, after) == {'a': 'a', 'b': 'z', 'c': 'c'}

	def test_added_and_removed_nodes_have_no_partner(self) -> None:
		"""What is in one graph only is left out."""
		before = graph(a=node('Make'), b=node('Save', of=link('a')), old=node('Note', text='x'))
		after = graph(a=node('Make'), new=node('Alter', of=link('a')), b=node('Save', of=link('new')))

		assert match_nodes(before, after) == {'a': 'a', 'b': 'b'}

	def test_large_graphs(self) -> None:
		"""A thousand nodes of one kind in a chain, renumbered, are told apart by where they stand."""
		chain = {NodeId('0'): node('Step', by=1)}
		for number in range(1, 1000):
			chain[NodeId(str(number))] = node('Step', by=1, of=link(str(number - 1)))
		after, names = renumbered(Graph(chain), 5)

		assert match_nodes(Graph(chain), after) == names


class TestValues:
	"""When two values are one."""

	def test_numbers_and_truth(self) -> None:
		"""7 is 7.0; 1 is not true; the order of keys means nothing."""
		assert value_text(7) == value_text(7.0)
		assert value_text(1) != value_text(True)
		assert value_text({'a': 1, 'b': 2}) == value_text({'b': 2, 'a': 1})
