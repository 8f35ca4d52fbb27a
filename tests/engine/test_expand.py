from pathlib import Path
from typing import NamedTuple

import pytest

from engine.events import GraphExpanded, NodeFinished
from engine.flow import Expand, Subgraph
from engine.graph import Link, NodeId
from engine.spec import Context, node, spec_of
from tests.engine import pack
from tests.engine.tools import Bench, Nodes, graph


class Pair(NamedTuple):
	first: int
	second: int


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


@node(category='test')
def unit(context: Context) -> float:
	"""What the loop begins with."""
	pack.calls.append(context.node)
	return 1.0


@node(category='test')
def halve(context: Context, value: float, times: int) -> float | Expand:
	"""A loop whose result is handed to the next turn."""
	if times == 0:
		return value
	subgraph = Subgraph(context.node)
	return subgraph.expand(subgraph.add('Halve', value=value / 2, times=times - 1).output())


@node(category='test')
def borrow(context: Context, value: int, other: str) -> int | Expand:
	"""Its output is that of another node of the job."""
	return Expand({}, (Link(NodeId(other), 0),))


@node(category='test')
def lost(context: Context, value: int, output: int = 0) -> int | Expand:
	"""Gives an output of a node that is not there, or one that its node has not."""
	subgraph = Subgraph(context.node)
	added = subgraph.add('Number', value=value)
	return Expand(subgraph.expand().calls, (Link(added.id, output) if output else Link(NodeId('gone'), 0),))


@node(category='test')
def too_many(context: Context, value: int) -> int | Expand:
	"""Gives two outputs where one is declared."""
	return Expand({}, (1, 2))


@node(category='test')
def breaking(context: Context, value: int) -> int | Expand:
	"""One of the nodes that it becomes fails."""
	subgraph = Subgraph(context.node)
	good = subgraph.add('Number', id='good', value=value)
	return subgraph.expand(subgraph.add('Fail', id='bad', value=good.output()).output())


@node(category='test')
def labelled(context: Context, value: int, label: str) -> int | Expand:
	"""What it becomes does not depend on the label; its nodes are shown elsewhere."""
	subgraph = Subgraph(context.node)
	built = subgraph.expand(subgraph.add('Save', id='save', value=value).output())
	return Expand(built.calls, built.outputs, dict.fromkeys(built.calls, 'elsewhere'))


@node(category='test')
def spread(count: int) -> list[int]:
	"""Several items."""
	return list(range(count))


NATIVE = (power, twice, hand_over, length, circle, same_ids, strange, with_sinks, halve, borrow, lost, too_many, unit)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	return Bench(tmp_path, *NATIVE, breaking, labelled, spread)


def shown(bench: Bench, node: str = 'save') -> list[str]:
	"""The names of the pictures that a node showed; the red of the test pack's is the number."""
	ui = next(event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == node)
	return [] if ui is None else [image.filename for image in ui.images]


class TestExpand:
	def test_a_loop(self, bench: Bench) -> None:
		"""A node that brings itself again, one time fewer."""
		nodes: Nodes = {'power': ('Power', {'base': 3, 'times': 4}), 'see': ('See', {'value': ('power', 0)})}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert bench.outputs(graph(nodes), 'power') == ((12,),)

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

		assert bench.outputs(graph(nodes), 'hand') == ((3,),)

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
			('Lost', r"an output of node 'gone', which does not exist"),
			('TooMany', r'TooMany gave 2 outputs, 1 are declared'),
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

	@pytest.mark.parametrize('times', [1, 2, 3, 4])
	def test_a_loop_of_any_length(self, bench: Bench, times: int, calls: list[str]) -> None:
		"""What comes before the loop runs once."""
		nodes: Nodes = {
			'one': ('Unit', {}),
			'halve': ('Halve', {'value': ('one', 0), 'times': times}),
			'look': ('LookAt', {'value': ('halve', 0)}),
		}
		values: list[float] = []

		@node(category='test', sink=True)
		def look_at(value: float) -> None:
			values.append(value)

		spec = spec_of(look_at)
		assert spec is not None
		bench.registry.add(spec, origin='test')

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert values == [1 / 2**times]
		assert calls == ['one']

	def test_an_output_may_be_another_nodes(self, bench: Bench, calls: list[str]) -> None:
		"""Even one that nothing else needs; the borrowed result is not kept, since it does not follow from the inputs."""
		nodes: Nodes = {
			'far': ('Number', {'value': 7}),
			'borrow': ('Borrow', {'value': 1, 'other': 'far'}),
			'save': ('Save', {'value': ('borrow', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert calls == ['far', 'save']
		assert bench.plan(graph(nodes)).steps[NodeId('borrow')].key not in bench.cache

	def test_an_output_number_that_is_not_there(self, bench: Bench) -> None:
		"""Is told with the node that has none such."""
		outcome = bench.run(
			graph({'lost': ('Lost', {'value': 1, 'output': 3}), 'see': ('See', {'value': ('lost', 0)})})
		)

		assert outcome.failure is not None
		assert outcome.failure.node == 'lost'
		assert "Output number 3 of node 'lost.0.1' (Number)" in outcome.failure.message

	def test_a_new_node_that_fails(self, bench: Bench, calls: list[str]) -> None:
		"""It is named itself; what its neighbours made stays cached."""
		nodes: Nodes = {'break': ('Breaking', {'value': 3}), 'see': ('See', {'value': ('break', 0)})}
		outcome = bench.run(graph(nodes))
		bench.run(graph(nodes))

		assert (outcome.state, outcome.node) == ('failed', 'break.0.bad')
		assert calls == ['break.0.good', 'break.0.bad', 'break.0.bad']

	def test_a_changed_input_expands_again(self, bench: Bench, calls: list[str]) -> None:
		"""Nodes that came out equal are cached, and a sink among them tells again what it showed."""
		nodes: Nodes = {'label': ('Labelled', {'value': 3, 'label': 'a'}), 'see': ('See', {'value': ('label', 0)})}
		bench.run(graph(nodes))
		bench.events.clear()
		calls.clear()
		bench.run(graph({**nodes, 'label': ('Labelled', {'value': 3, 'label': 'b'})}))
		[expanded] = [event for event in bench.events if isinstance(event, GraphExpanded)]
		[saved] = [event for event in bench.events if isinstance(event, NodeFinished) and event.kind == 'Save']

		assert calls == []
		assert [added.display for added in expanded.added] == ['elsewhere']
		assert saved.cached
		assert saved.ui is not None

	def test_calls_of_one_node_need_ids_of_their_own(self, bench: Bench) -> None:
		"""A node that is called per item and does not tell its calls apart is blamed."""
		nodes: Nodes = {'list': ('Spread', {'count': 2}), 'twice': ('Twice', {'value': ('list', 0)})}
		outcome = bench.run(graph({**nodes, 'see': ('See', {'value': ('twice', 0)})}))

		assert outcome.failure is not None
		assert outcome.failure.node == 'twice'
		assert "ids that are taken: 'twice.0.1'" in outcome.failure.message

	def test_without_a_cache(self, tmp_path: Path) -> None:
		"""A loop needs none: what its turns give each other is held by the run."""
		bench = Bench(tmp_path, *NATIVE, budget=0)
		nodes: Nodes = {'power': ('Power', {'base': 3, 'times': 4}), 'save': ('Save', {'value': ('power', 0)})}

		assert bench.run(graph(nodes)).state == 'succeeded'
