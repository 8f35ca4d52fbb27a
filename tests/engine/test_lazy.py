from pathlib import Path
from typing import TypeVar

import pytest

from engine.events import NodeFinished, NodeStarted, NodeWaits
from engine.flow import InputWanted, Lazy, Skip
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

T = TypeVar('T')
seen: list[object] = []


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
async def later(context: Context, a: Lazy[int], b: Lazy[int]) -> int:
	"""Asks in a coroutine."""
	seen.append(context.node)
	return a.get() if context.node == 'never' else b.get()


@node(category='test')
def per_item(context: Context, which: int, a: Lazy[int], b: Lazy[int]) -> int:
	"""Each item asks for another input."""
	seen.append(context.index)
	return a.get() if which % 2 else b.get()


@node(category='test')
def ask_amiss(a: Lazy[int]) -> int:
	"""Asks for an input that nobody gave."""
	raise InputWanted('nothing')


@node(category='test')
def ask_twice(a: Lazy[int]) -> int:
	"""Asks again and again through what it was handed at first."""
	kept.append(a)
	return kept[0].get()


@node(category='test')
def gate(value: int) -> int | Skip:
	"""Lets nothing through."""
	return Skip()


@node(category='test')
def spread(count: int) -> list[int]:
	"""Several items."""
	return list(range(count))


kept: list[Lazy[int]] = []
ONE_AND_FAIL: Nodes = {'one': ('Number', {'value': 1}), 'bad': ('Fail', {})}


FUNCTIONS = (choose, both, in_rounds, later, per_item, ask_amiss, ask_twice, gate, spread)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	seen.clear()
	kept.clear()
	return Bench(tmp_path, *FUNCTIONS)


def started(bench: Bench) -> list[str]:
	"""The nodes that were announced, in order."""
	return [event.node for event in bench.events if isinstance(event, NodeStarted)]


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

		assert bench.outputs(graph(nodes), 'rounds') == ((5,),)
		assert seen == ['rounds'] * 3
		assert started(bench) == ['rounds', 'two', 'rounds', 'three', 'rounds', 'see']

	def test_it_is_told_that_the_node_waits(self, bench: Bench) -> None:
		"""Between the announcements it is not at work: others are."""
		nodes: Nodes = {
			'two': ('Number', {'value': 2}),
			'three': ('Number', {'value': 3}),
			'rounds': ('InRounds', {'a': ('two', 0), 'b': ('three', 0)}),
			'see': ('See', {'value': ('rounds', 0)}),
		}
		bench.run(graph(nodes))
		edges = [
			f'{type(event).__name__} {event.node}'
			for event in bench.events
			if isinstance(event, NodeStarted | NodeWaits | NodeFinished)
		]

		assert edges[:4] == ['NodeStarted rounds', 'NodeWaits rounds', 'NodeStarted two', 'NodeFinished two']
		assert edges.count('NodeWaits rounds') == 2

	def test_several_can_be_asked_for_at_once(self, bench: Bench) -> None:
		"""One round computes both."""
		nodes: Nodes = {
			'two': ('Number', {'value': 2}),
			'three': ('Number', {'value': 3}),
			'both': ('Both', {'a': ('two', 0), 'b': ('three', 0)}),
			'see': ('See', {'value': ('both', 0)}),
		}
		bench.run(graph(nodes))

		assert bench.outputs(graph(nodes), 'both') == ((5,),)
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

	def test_a_coroutine_may_ask(self, bench: Bench, calls: list[str]) -> None:
		"""It is begun again, like any other node."""
		nodes: Nodes = {
			**ONE_AND_FAIL,
			'later': ('Later', {'a': ('bad', 0), 'b': ('one', 0)}),
			'see': ('See', {'value': ('later', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert seen == ['later'] * 2
		assert calls == ['one', 'see']

	def test_items_of_a_list_ask_for_themselves(self, bench: Bench, calls: list[str]) -> None:
		"""What one of them asks for is computed; the calls begin again from the first."""
		nodes: Nodes = {
			'list': ('Spread', {'count': 2}),
			'ten': ('Number', {'value': 10}),
			'six': ('Number', {'value': 6}),
			'per': ('PerItem', {'which': ('list', 0), 'a': ('ten', 0), 'b': ('six', 0)}),
			'see': ('See', {'value': ('per', 0)}),
		}
		bench.run(graph(nodes))

		assert bench.outputs(graph(nodes), 'per') == ((6, 10),)
		assert seen == [0, 0, 1, 0, 1]
		assert calls[:2] == ['six', 'ten']

	def test_a_skipped_input_that_is_asked_for(self, bench: Bench, calls: list[str]) -> None:
		"""Passes the node over; one that nobody asks for does not."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'gate': ('Gate', {'value': ('one', 0)}),
			'choose': ('Choose', {'first': True, 'a': ('one', 0), 'b': ('gate', 0)}),
			'see': ('See', {'value': ('choose', 0)}),
		}
		asked: Nodes = {**nodes, 'choose': ('Choose', {'first': False, 'a': ('one', 0), 'b': ('gate', 0)})}
		bench.run(graph(nodes))

		assert calls == ['one', 'see']
		assert bench.run(graph(asked)).state == 'succeeded'
		assert calls == ['one', 'see']

	@pytest.mark.parametrize(
		('kind', 'words'),
		[
			('AskAmiss', "AskAmiss asks for input 'nothing', which is not given."),
			('AskTwice', "The node asks for 'a' again, which it has."),
		],
	)
	def test_asking_amiss_fails_the_node(self, bench: Bench, kind: str, words: str) -> None:
		"""For what was not given, or for what is there; the job does not wait for ever."""
		nodes: Nodes = {'one': ('Number', {'value': 1}), 'ask': (kind, {'a': ('one', 0)})}
		outcome = bench.run(graph({**nodes, 'see': ('See', {'value': ('ask', 0)})}))

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('ask', words)


class TestHolding:
	def test_a_value_is_held_while_somebody_may_ask(self, tmp_path: Path, calls: list[str]) -> None:
		"""Though its other readers are done and no cache keeps it, it is computed once."""
		bench = Bench(tmp_path, *FUNCTIONS, budget=0)
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'first': ('See', {'value': ('one', 0)}),
			'sum': ('Add', {'a': ('one', 0), 'b': 1}),
			'rounds': ('InRounds', {'a': ('sum', 0), 'b': ('one', 0)}),
			'see': ('See', {'value': ('rounds', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert sorted(calls) == ['first', 'one', 'see', 'sum']
