from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import pytest

from engine.context import Context
from engine.dynamic import Grow
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


@node(category='test', sink=True)
def gather(context: Context, items: Annotated[Mapping[str, int | Skip], Grow(prefix='item', max=5)]) -> str:
	"""Tells each item, or why it is not there."""
	told = ', '.join(str(item.message if isinstance(item, Skip) else item) for item in items.values())
	context.show(text=[told])
	return told


@node(category='test')
def refuse(value: int) -> int:
	"""Never gives anything."""
	raise ValueError(f'{value} is refused')


class TestTakingSkips:
	"""Inputs that take what was skipped: `T | Skip`."""

	@pytest.fixture
	def bench(self, tmp_path: Path) -> Bench:
		"""With a node that gathers and one that fails."""
		return Bench(tmp_path, gate, gather, refuse)

	def text(self, bench: Bench) -> str:
		"""What the gathering node showed last."""
		ui = [event.ui for event in bench.events if isinstance(event, NodeFinished) and event.node == 'gather'][-1]
		assert ui is not None
		return str(ui.root['text'][0])

	def test_skipped_values_reach_the_node(self, bench: Bench) -> None:
		"""The node is called, and gets a `Skip` with its message for what was skipped, however far upstream."""
		outcome = bench.run(
			graph(
				{
					'big': ('Number', {'value': 9}),
					'gate': ('Gate', {'value': ('big', 0), 'limit': 5, 'message': 'too big'}),
					'add': ('Add', {'a': ('gate', 0), 'b': 1}),
					'gather': ('Gather', {'items.item0': ('big', 0), 'items.item1': ('add', 0)}),
				}
			)
		)

		assert outcome.state == 'succeeded'
		assert self.text(bench) == '9, too big'

	def test_job_goes_on_after_a_failure(self, bench: Bench) -> None:
		"""What fails on its way to such a node does not stop the others; the job has failed at its end all the same."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'bad': ('Refuse', {'value': ('one', 0)}),
			'more': ('Add', {'a': ('bad', 0), 'b': 1}),
			'save': ('Save', {'value': ('more', 0)}),
			'good': ('Add', {'a': ('one', 0), 'b': 1}),
			'gather': ('Gather', {'items.item0': ('more', 0), 'items.item1': ('good', 0)}),
		}
		outcome = bench.run(graph(nodes))

		assert outcome.state == 'failed'
		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('bad', '1 is refused')
		assert self.text(bench) == "Node 'bad' (Refuse) failed: 1 is refused, 2"
		assert shown(bench, 'save') == []
		assert [event.node for event in bench.events if isinstance(event, NodeBlocked)] == ['bad']

	def test_what_was_made_with_gaps_is_made_anew(self, bench: Bench, calls: list[str]) -> None:
		"""Neither the failure nor what was gathered without it is kept."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'bad': ('Refuse', {'value': ('one', 0)}),
			'gather': ('Gather', {'items.item0': ('bad', 0)}),
		}
		bench.run(graph(nodes))
		bench.events.clear()
		outcome = bench.run(graph(nodes))

		assert outcome.state == 'failed'
		assert 'refused' in self.text(bench)

	def test_other_failures_end_the_job(self, bench: Bench) -> None:
		"""A failure that feeds no such node ends the job at once, as ever."""
		outcome = bench.run(
			graph(
				{
					'one': ('Number', {'value': 1}),
					'bad': ('Refuse', {'value': ('one', 0)}),
					'save': ('Save', {'value': ('bad', 0)}),
					'gather': ('Gather', {'items.item0': ('one', 0)}),
				}
			),
			sinks=['save', 'gather'],
		)

		assert outcome.state == 'failed'
		assert outcome.failure is not None
		assert outcome.failure.node == 'bad'
		assert not [event for event in bench.events if isinstance(event, NodeBlocked)]
