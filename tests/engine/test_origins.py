"""Results that come from nodes to which a step is not linked: an expansion may take any node of its job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.cache import MemoryCache
from engine.events import NodeFinished
from engine.flow import Expand, Subgraph
from engine.graph import Call, Constant, Link, NodeId
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph


@node(category='test')
def borrow(context: Context, other: str) -> int | Expand:
	"""Its output is that of another node of the job."""
	return Expand({}, (Link(NodeId(other), 0),))


@node(category='test')
def borrow_deep(context: Context, other: str) -> int | Expand:
	"""Becomes a node that borrows, and another that reads what that one has."""
	subgraph = Subgraph(context.node)
	first = subgraph.add('Borrow', other=other)
	return subgraph.expand(subgraph.add('Add', a=first.output(), b=0).output())


@node(category='test')
def borrow_linked(context: Context, value: int, other: str) -> int | Expand:
	"""Adds what comes in by a link, and what is borrowed."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Add', a=Link(NodeId(other), 0), b=value).output())


class Thing:
	"""A live object: nobody can tell what is in it."""

	def __init__(self, value: int) -> None:
		self.value = value


@node(category='test')
def wrap(value: int) -> object:
	"""Give an object that has no digest."""
	return Thing(value)


@node(category='test')
def unwrap(thing: object) -> int:
	"""What is in it."""
	assert isinstance(thing, Thing)
	return thing.value


@node(category='test')
def hand_on(context: Context, value: int) -> int | Expand:
	"""Hands a live object, made of what comes in, to a new node."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Unwrap', thing=Thing(value)).output())


@node(category='test', sink=True)
def watch(context: Context, value: int) -> None:
	"""Show a number."""
	context.show(values=[value])


FUNCTIONS = (borrow, borrow_deep, borrow_linked, wrap, unwrap, hand_on, watch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""An engine with the nodes above."""
	return Bench(tmp_path, *FUNCTIONS)


def seen(bench: Bench, nodes: Nodes) -> list[int]:
	"""Run, and give what `watch` shows."""
	bench.events.clear()
	outcome = bench.run(graph(nodes))

	assert outcome.state == 'succeeded', outcome.failure

	ui = next(event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == 'watch')
	assert ui is not None
	return [value for value in ui.root['values'] if isinstance(value, int)]


def called(bench: Bench) -> set[str]:
	"""The nodes that were called in the last run."""
	return {event.node for event in bench.events if isinstance(event, NodeFinished) and not event.cached}


BORROWING: Mapping[str, Nodes] = {
	'read at once': {'borrow': ('Borrow', {'other': 'far'}), 'watch': ('Watch', {'value': ('borrow', 0)})},
	'read by a chain': {
		'borrow': ('Borrow', {'other': 'far'}),
		'more': ('Add', {'a': ('borrow', 0), 'b': 0}),
		'most': ('Add', {'a': ('more', 0), 'b': 0}),
		'watch': ('Watch', {'value': ('most', 0)}),
	},
	'inside an expansion': {
		'borrow': ('BorrowDeep', {'other': 'far'}),
		'watch': ('Watch', {'value': ('borrow', 0)}),
	},
	'as a live object': {
		'borrow': ('Borrow', {'other': 'far'}),
		'wrap': ('Wrap', {'value': ('borrow', 0)}),
		'unwrap': ('Unwrap', {'thing': ('wrap', 0)}),
		'watch': ('Watch', {'value': ('unwrap', 0)}),
	},
	'handed to an expansion': {
		'borrow': ('Borrow', {'other': 'far'}),
		'hand': ('HandOn', {'value': ('borrow', 0)}),
		'watch': ('Watch', {'value': ('hand', 0)}),
	},
	'by equal nodes': {
		'borrow': ('Borrow', {'other': 'far'}),
		'equal': ('Borrow', {'other': 'far'}),
		'half': ('Add', {'a': ('equal', 0), 'b': -1}),
		'sum': ('Add', {'a': ('half', 0), 'b': 1}),
		'first': ('Watch', {'value': ('borrow', 0)}),
		'watch': ('Watch', {'value': ('sum', 0)}),
	},
	'borrowed from a borrower': {
		'near': ('Borrow', {'other': 'far'}),
		'borrow': ('Borrow', {'other': 'near'}),
		'watch': ('Watch', {'value': ('borrow', 0)}),
	},
}


class TestBorrowing:
	@pytest.mark.parametrize('nodes', BORROWING.values(), ids=BORROWING)
	def test_a_change_there_is_seen(self, bench: Bench, nodes: Nodes) -> None:
		"""However the borrowed result is read, it is the present one: no key tells of the node that it comes from."""
		found = [seen(bench, {'far': ('Number', {'value': value}), **nodes}) for value in (7, 8, 7, 8)]

		assert found == [[7], [8], [7], [8]]

	def test_a_known_content_is_not_computed_again(self, bench: Bench) -> None:
		"""What reads it by value is cut off, though it is not in the cache by its key."""
		nodes = BORROWING['read by a chain']
		for value in (7, 8):
			seen(bench, {'far': ('Number', {'value': value}), **nodes})
		seen(bench, {'far': ('Number', {'value': 7}), **nodes})

		assert called(bench) == {'borrow'}

	def test_it_says_why(self, bench: Bench) -> None:
		"""The borrower runs each time, since it cannot be kept; the reason names the node that it borrows from."""
		nodes: Nodes = {'far': ('Number', {'value': 7}), **BORROWING['read at once']}
		for _ in range(2):
			seen(bench, nodes)
		why = bench.why('borrow')

		assert why is not None
		assert why.code == 'not_cacheable'
		assert 'comes from far' in why.text

	def test_what_it_is_linked_to_may_be_borrowed(self, bench: Bench) -> None:
		"""A loop takes what comes before it from the nodes that came in: its key tells of them, so it is kept."""
		nodes: dict[str, tuple[str, Mapping[str, Any]]] = {
			'far': ('Number', {'value': 7}),
			'between': ('Add', {'a': ('far', 0), 'b': 1}),
			'borrow': ('BorrowLinked', {'value': ('between', 0), 'other': 'far'}),
			'watch': ('Watch', {'value': ('borrow', 0)}),
		}
		first = seen(bench, nodes)
		again = seen(bench, nodes)
		ran_again = called(bench)
		other = seen(bench, {**nodes, 'far': ('Number', {'value': 8})})

		assert (first, again, other) == ([15], [15], [17])
		assert ran_again == set()

	def test_equal_contents_do_not_stand_for_it(self, bench: Bench) -> None:
		"""A node that borrows is not cut off by what comes in by links alone."""
		nodes: dict[str, tuple[str, Mapping[str, Any]]] = {
			'far': ('Number', {'value': 1}),
			'zero': ('Multiply', {'a': ('far', 0), 'b': 0}),
			'borrow': ('BorrowLinked', {'value': ('zero', 0), 'other': 'far'}),
			'watch': ('Watch', {'value': ('borrow', 0)}),
		}

		@node(category='test')
		def multiply(a: int, b: int) -> int:
			return a * b

		bench = Bench(bench.storage.files.root('input').parent, *FUNCTIONS, multiply)
		found = [seen(bench, {**nodes, 'far': ('Number', {'value': value})}) for value in (1, 2)]

		assert found == [[1], [2]]


class TestCompatibleModes:
	@pytest.mark.parametrize('cache', [MemoryCache(0, mode='classic'), MemoryCache(0, mode='lru', entries=1)])
	def test_nodes_of_an_expansion_stay_with_theirs(self, tmp_path: Path, cache: MemoryCache) -> None:
		"""As long as the node that became them is in the graph, whatever its inputs are now."""
		bench = Bench(tmp_path, *FUNCTIONS, labelled, cache=cache)
		nodes: dict[str, tuple[str, Mapping[str, Any]]] = {
			'label': ('Labelled', {'label': 'a'}),
			'watch': ('Watch', {'value': ('label', 0)}),
		}
		seen(bench, nodes)
		seen(bench, {**nodes, 'label': ('Labelled', {'label': 'b'})})
		ran = called(bench)
		other: Nodes = {'one': ('Number', {'value': 1}), 'watch': ('Watch', {'value': ('one', 0)})}
		seen(bench, other)
		seen(bench, nodes)

		assert ran == {'label', 'watch'}
		assert called(bench) == {'label', 'label.0.1', 'watch'}


@node(category='test')
def labelled(context: Context, label: str) -> int | Expand:
	"""What it becomes does not depend on the label."""
	inside = NodeId(f'{context.node}.0.1')
	return Expand({inside: Call('Number', {'value': Constant(5)})}, (Link(inside, 0),))
