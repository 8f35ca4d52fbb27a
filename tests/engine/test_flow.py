from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from engine.errors import NodeUsage
from engine.events import GraphExpanded, NodeBlocked, NodeFinished, NodeStarted
from engine.flow import Expand, InputWanted, Lazy, Skip, Subgraph, as_argument
from engine.graph import Constant, Given, Link, NodeId
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

T = TypeVar('T')
seen: list[object] = []


class Pair(NamedTuple):
	first: int
	second: int


@node(category='test')
def choose(first: bool, a: Lazy[T], b: Lazy[T]) -> T:
	"""One of two."""
	return a.get() if first else b.get()


@node(category='test')
def both(context: Context, a: Lazy[int], b: Lazy[int]) -> int:
	"""Both at once."""
	seen.append(context.node)
	Lazy.want(a, b)
	return a.get() + b.get()


@node(category='test')
def in_rounds(context: Context, a: Lazy[int], b: Lazy[int]) -> int:
	"""The second only if the first is even."""
	seen.append(context.node)
	return a.get() if a.get() % 2 else a.get() + b.get()


@node(category='test')
def gate(value: int, limit: int, message: str = '') -> int | Skip:
	"""Large values are skipped."""
	return value if value < limit else Skip(message or None)


@node(category='test')
def power(context: Context, base: int, times: int) -> int | Expand:
	"""A product by repeated addition: a loop."""
	if times == 0:
		return 0
	subgraph = Subgraph(context.node)
	rest = subgraph.add('Power', base=base, times=times - 1)
	return subgraph.expand(subgraph.add('Add', a=rest.output(), b=base).output())


@node(category='test')
def twice(context: Context, value: int) -> Pair | Expand:
	"""Its outputs: a link, and a plain value."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Add', a=value, b=value).output(), 7)


@node(category='test')
def hand_over(context: Context, value: int) -> int | Expand:
	"""Gives a live object to a new node."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Length', items=[value] * value).output())


@node(category='test')
def length(items: object) -> int:
	"""How many there are."""
	assert isinstance(items, list)
	return len(items)


@node(category='test')
def circle(context: Context, value: int) -> int | Expand:
	"""Becomes a node that waits for this very one."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Add', a=Link(NodeId(context.node), 0), b=value).output())


@node(category='test')
def same_ids(context: Context, value: int) -> int | Expand:
	"""Brings an id that is taken."""
	call = Subgraph('x').add('Number', value=value)
	subgraph = Subgraph(context.node)
	found = subgraph.expand(subgraph.add('Number', value=value).output())
	return Expand({NodeId('one'): next(iter(found.calls.values()))}, (Link(NodeId('one'), 0), call)[:1])


@node(category='test')
def strange(context: Context, value: int) -> int | Expand:
	"""Becomes a node of a kind that nobody knows."""
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Nobody', value=value).output())


@node(category='test')
def with_sinks(context: Context, value: int) -> int | Expand:
	"""Brings a sink that nothing needs."""
	subgraph = Subgraph(context.node)
	subgraph.add('Save', id='shown', value=value)
	return subgraph.expand(value + 1)


FUNCTIONS = (
	*(choose, both, in_rounds, gate, power, twice),
	*(hand_over, length, circle, same_ids, strange, with_sinks),
)
ONE_AND_FAIL: Nodes = {'one': ('Number', {'value': 1}), 'bad': ('Fail', {})}

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
	seen.clear()
	return Bench(tmp_path, *FUNCTIONS)


def shown(bench: Bench, node: str = 'save') -> list[str]:
	"""The names of the pictures that a node showed; the red of the test pack's is the number."""
	ui = next(event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == node)
	return [] if ui is None else [image.filename for image in ui.images]


def started(bench: Bench) -> list[str]:
	"""The nodes that were announced, in order."""
	return [event.node for event in bench.events if isinstance(event, NodeStarted)]


def kept(bench: Bench, nodes: Nodes, node: str) -> object:
	"""What the cache has of a node's first output."""
	entry = bench.cache.get(bench.plan(graph(nodes)).steps[NodeId(node)].key)
	assert entry is not None
	return entry.outputs[0][0]


class TestLazy:
	def test_what_is_not_asked_for_is_not_run(self, bench: Bench, calls: list[str]) -> None:
		"""The other branch may even fail: it is never called."""
		nodes: Nodes = {
			**ONE_AND_FAIL,
			'choose': ('Choose', {'first': True, 'a': ('one', 0), 'b': ('bad', 0)}),
			'see': ('See', {'value': ('choose', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert calls == ['one', 'see']

	def test_the_node_is_called_again_once_it_is_there(self, bench: Bench) -> None:
		"""Inputs that depend on others are asked for in rounds; each round announces the node."""
		nodes: Nodes = {
			'two': ('Number', {'value': 2}),
			'three': ('Number', {'value': 3}),
			'rounds': ('InRounds', {'a': ('two', 0), 'b': ('three', 0)}),
			'see': ('See', {'value': ('rounds', 0)}),
		}
		bench.run(graph(nodes))

		assert kept(bench, nodes, 'rounds') == 5
		assert seen == ['rounds'] * 3
		assert started(bench) == ['rounds', 'two', 'rounds', 'three', 'rounds', 'see']

	def test_several_can_be_asked_for_at_once(self, bench: Bench) -> None:
		"""One round computes both."""
		nodes: Nodes = {
			'two': ('Number', {'value': 2}),
			'three': ('Number', {'value': 3}),
			'both': ('Both', {'a': ('two', 0), 'b': ('three', 0)}),
			'see': ('See', {'value': ('both', 0)}),
		}
		bench.run(graph(nodes))

		assert kept(bench, nodes, 'both') == 5
		assert seen == ['both'] * 2

	def test_a_constant_is_there_at_once(self, bench: Bench) -> None:
		"""Nothing is asked for where a value is written in the graph."""
		nodes: Nodes = {'both': ('Both', {'a': 1, 'b': 2}), 'see': ('See', {'value': ('both', 0)})}
		bench.run(graph(nodes))

		assert seen == ['both']

	def test_what_was_computed_before_comes_from_the_cache(self, bench: Bench, calls: list[str]) -> None:
		"""Another choice computes only what the first one left out."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'two': ('Number', {'value': 2}),
			'choose': ('Choose', {'first': True, 'a': ('one', 0), 'b': ('two', 0)}),
			'see': ('See', {'value': ('choose', 0)}),
		}
		bench.run(graph(nodes))
		bench.run(graph({**nodes, 'choose': ('Choose', {'first': False, 'a': ('one', 0), 'b': ('two', 0)})}))

		assert calls == ['one', 'see', 'two', 'see']

	def test_asking_is_not_swallowed(self) -> None:
		"""`except Exception` in a node lets the question pass."""
		with pytest.raises(InputWanted) as caught:
			Lazy[int]('a').get()

		assert caught.value.names == ('a',)
		assert not isinstance(caught.value, Exception)


class TestSkip:
	def test_what_is_downstream_is_passed_over(self, bench: Bench, calls: list[str]) -> None:
		"""The run succeeds; other branches are made."""
		outcome = bench.run(graph(GATED))

		assert outcome.state == 'succeeded'
		assert calls == ['big', 'other']
		assert shown(bench, 'save') == []
		assert len(shown(bench, 'other')) == 1
		assert not any(isinstance(event, NodeBlocked) for event in bench.events)

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


class TestExpand:
	def test_a_loop(self, bench: Bench) -> None:
		"""A node that brings itself again, one time fewer."""
		nodes: Nodes = {'power': ('Power', {'base': 3, 'times': 4}), 'see': ('See', {'value': ('power', 0)})}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert kept(bench, nodes, 'power') == 12

	def test_outputs_may_be_links_or_values(self, bench: Bench) -> None:
		"""A link to a new node, and a plain value beside it."""
		nodes: Nodes = {'twice': ('Twice', {'value': 4}), 'see': ('See', {'value': ('twice', 0)})}
		bench.run(graph(nodes))
		entry = bench.cache.get(bench.plan(graph(nodes)).steps[NodeId('twice')].key)

		assert entry is not None
		assert entry.outputs == ((8,), (7,))

	def test_live_objects_are_handed_over(self, bench: Bench) -> None:
		"""What no JSON can say reaches the new node; the same run again is cached all the same."""
		nodes: Nodes = {'hand': ('HandOver', {'value': 3}), 'see': ('See', {'value': ('hand', 0)})}
		bench.run(graph(nodes))

		assert kept(bench, nodes, 'hand') == 3

	def test_new_nodes_are_told(self, bench: Bench) -> None:
		"""With the node at which their events are shown."""
		bench.run(graph({'twice': ('Twice', {'value': 4}), 'see': ('See', {'value': ('twice', 0)})}))
		[event] = [event for event in bench.events if isinstance(event, GraphExpanded)]

		assert (event.node, [(added.node, added.kind, added.display) for added in event.added]) == (
			'twice',
			[('twice.0.1', 'Add', 'twice')],
		)

	def test_again_nothing_is_expanded(self, bench: Bench, calls: list[str]) -> None:
		"""The expanding node has its result in the cache; a longer loop goes on from the shorter one's nodes."""
		nodes: Nodes = {'power': ('Power', {'base': 3, 'times': 3}), 'see': ('See', {'value': ('power', 0)})}
		bench.run(graph(nodes))
		bench.events.clear()
		bench.run(graph(nodes))

		assert not any(isinstance(event, GraphExpanded) for event in bench.events)

		calls.clear()
		bench.run(graph({**nodes, 'power': ('Power', {'base': 3, 'times': 4})}))

		assert calls == ['power.0.2', 'see']

	def test_sinks_in_it_run(self, bench: Bench) -> None:
		"""Though nothing needs them."""
		bench.run(graph({'sinks': ('WithSinks', {'value': 4}), 'see': ('See', {'value': ('sinks', 0)})}))

		assert len(shown(bench, 'sinks.0.shown')) == 1

	@pytest.mark.parametrize(
		('kind', 'words'),
		[
			('Circle', r'lead in a circle through node .bad'),
			('SameIds', r"ids that are taken: 'one'"),
			('Strange', r"no node kind 'Nobody'"),
		],
	)
	def test_the_expanding_node_is_blamed(self, bench: Bench, kind: str, words: str) -> None:
		"""For circles, for ids that are taken; an unknown kind is told at the new node."""
		nodes: Nodes = {'one': ('Number', {'value': 1}), 'bad': (kind, {'value': 1})}
		outcome = bench.run(
			graph({**nodes, 'see': ('See', {'value': ('bad', 0)}), 'use': ('See', {'value': ('one', 0)})})
		)

		assert outcome.failure is not None
		assert outcome.failure.node is not None
		assert outcome.failure.node.partition('.')[0] == 'bad'
		with pytest.raises(AssertionError, match=words):
			raise AssertionError(outcome.failure.message)


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
