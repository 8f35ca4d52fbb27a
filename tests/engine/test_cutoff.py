from dataclasses import replace
from pathlib import Path

import pytest

from engine.sockets import socket
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

called: list[str] = []


@socket('BOX')
class Box:
	"""A value whose content nobody can tell."""


@node(category='test')
def parity(context: Context, value: int) -> int:
	"""Forgets most of what comes in."""
	called.append(context.node)
	return value % 2


@node(category='test')
def ones(context: Context, count: int) -> list[int]:
	"""A list that says nothing but its length."""
	called.append(context.node)
	return [1] * count


@node(category='test')
def box(context: Context, value: int) -> Box:
	"""Something opaque."""
	called.append(context.node)
	return Box()


@node(category='test')
def open_box(context: Context, content: Box) -> int:
	"""What came out of it."""
	called.append(context.node)
	return 1


@node(category='test', caching='never')
def always(context: Context) -> int:
	"""Runs each time, and gives the same."""
	called.append(context.node)
	return 4


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	called.clear()
	return Bench(tmp_path, parity, ones, box, open_box, always)


class TestCutoff:
	def test_the_change_ends_where_the_result_is_the_same(self, bench: Bench, calls: list[str]) -> None:
		"""What is behind it is not called, and keeps its results."""
		nodes: Nodes = {
			'n': ('Number', {'value': 3}),
			'p': ('Parity', {'value': ('n', 0)}),
			'add': ('Add', {'a': ('p', 0), 'b': 1}),
			'see': ('See', {'value': ('add', 0)}),
		}
		bench.run(graph(nodes))
		calls.clear()
		called.clear()
		outcome = bench.run(graph({**nodes, 'n': ('Number', {'value': 5})}))

		assert (calls, called) == (['n'], ['p'])
		assert outcome.executed == ('n', 'p', 'add', 'see')

	def test_the_next_time_it_is_known_at_once(self, bench: Bench, calls: list[str]) -> None:
		"""What was cut off is cached under its own key from then on."""
		nodes: Nodes = {'n': ('Number', {'value': 3}), 'p': ('Parity', {'value': ('n', 0)})}
		nodes = {**nodes, 'see': ('See', {'value': ('p', 0)})}
		other: Nodes = {**nodes, 'n': ('Number', {'value': 5})}
		bench.run(graph(nodes))
		bench.run(graph(other))
		calls.clear()
		called.clear()
		bench.run(graph(other))

		assert (calls, called) == ([], [])

	def test_lists_count_by_their_items(self, bench: Bench, calls: list[str]) -> None:
		"""One item more is another list."""
		nodes: Nodes = {'ones': ('Ones', {'count': 2}), 'see': ('See', {'value': ('ones', 0)})}
		bench.run(graph(nodes))
		calls.clear()
		bench.run(graph({**nodes, 'ones': ('Ones', {'count': 3})}))

		assert calls == ['see'] * 3

	def test_opaque_values_do_not_cut_off(self, bench: Bench) -> None:
		"""Where the content cannot be told, another derivation is another value."""
		nodes: Nodes = {
			'box': ('Box', {'value': 1}),
			'open': ('OpenBox', {'content': ('box', 0)}),
			'see': ('See', {'value': ('open', 0)}),
		}
		bench.run(graph(nodes))
		called.clear()
		bench.run(graph({**nodes, 'box': ('Box', {'value': 2})}))

		assert called == ['box', 'open']

	def test_behind_a_node_that_always_runs(self, bench: Bench, calls: list[str]) -> None:
		"""Only that node runs, as long as it gives the same."""
		nodes: Nodes = {'always': ('Always', {}), 'see': ('See', {'value': ('always', 0)})}
		bench.run(graph(nodes))
		calls.clear()
		called.clear()
		bench.run(graph(nodes))

		assert (calls, called) == ([], ['always'])

	def test_another_constant_beside_it_is_no_cutoff(self, bench: Bench, calls: list[str]) -> None:
		"""The same content at one input, and another at the next."""
		nodes: Nodes = {
			'n': ('Number', {'value': 3}),
			'p': ('Parity', {'value': ('n', 0)}),
			'add': ('Add', {'a': ('p', 0), 'b': 1}),
			'see': ('See', {'value': ('add', 0)}),
		}
		bench.run(graph(nodes))
		calls.clear()
		changed: Nodes = {'n': ('Number', {'value': 5}), 'add': ('Add', {'a': ('p', 0), 'b': 2})}
		bench.run(graph({**nodes, **changed}))

		assert calls == ['n', 'add', 'see']

	def test_equal_lists_cut_off(self, bench: Bench, calls: list[str]) -> None:
		"""Item by item the same, though made from something else."""
		nodes: Nodes = {
			'n': ('Number', {'value': 3}),
			'p': ('Parity', {'value': ('n', 0)}),
			'add': ('Add', {'a': ('p', 0), 'b': 1}),
			'ones': ('Ones', {'count': ('add', 0)}),
			'see': ('See', {'value': ('ones', 0)}),
		}
		bench.run(graph(nodes))
		calls.clear()
		called.clear()
		bench.run(graph({**nodes, 'add': ('Add', {'a': ('p', 0), 'b': ('p', 0)})}))

		assert (calls, called) == (['add'], [])

	def test_another_version_runs_alone(self, bench: Bench, calls: list[str]) -> None:
		"""Only nodes of the kind whose version changed, as long as they give the same."""
		nodes: Nodes = {
			'n': ('Number', {'value': 3}),
			'p': ('Parity', {'value': ('n', 0)}),
			'see': ('See', {'value': ('p', 0)}),
		}
		bench.run(graph(nodes))
		spec = bench.registry['Parity']
		bench.registry.replace(replace(spec, info=spec.info.model_copy(update={'version': '2'})), origin='test')
		calls.clear()
		called.clear()
		bench.run(graph(nodes))

		assert (calls, called) == ([], ['p'])
