from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.models import ModelRef
from engine.order import model_of, order_of
from engine.spec import node
from nodes.values import DiffusionModel
from tests.engine.tools import Bench, Nodes, chain, graph


@node(category='test')
def load(name: str) -> ModelRef[DiffusionModel]:
	raise NotImplementedError


@node(category='test')
def patch(model: ModelRef[DiffusionModel]) -> ModelRef[DiffusionModel]:
	raise NotImplementedError


@node(category='test')
def sample(model: ModelRef[DiffusionModel], seed: int) -> int:
	raise NotImplementedError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Loaders and samplers, never called, and the test pack's nodes."""
	return Bench(tmp_path, load, patch, sample)


def order(bench: Bench, nodes: Nodes, *cached: str) -> list[str]:
	"""The nodes in the order in which one lane would take them."""
	plan = bench.plan(graph(nodes))
	pending = [step for step in plan.steps.values() if step.node not in cached]
	places = order_of(pending, plan.sinks, plan.steps, bench.timings)
	return [node for node, _ in sorted(places.items(), key=lambda item: item[1])]


class TestBranches:
	def test_a_branch_is_finished_before_the_next_begins(self, bench: Bench) -> None:
		"""What one sink needs runs together, so that its values can be let go."""
		nodes: dict[str, tuple[str, Mapping[str, Any]]] = {}
		for name in 'ab':
			nodes[f'{name}1'] = ('Number', {'value': ord(name)})
		for name in 'ab':
			nodes[f'{name}2'] = ('See', {'value': (f'{name}1', 0)})

		assert order(bench, nodes) == ['a1', 'a2', 'b1', 'b2']

	def test_the_longest_chain_comes_first(self, bench: Bench) -> None:
		"""By number of nodes as long as nothing else is known."""
		nodes: Nodes = {
			'short': ('Number', {'value': 1}),
			'long1': ('Number', {'value': 2}),
			'long2': ('Add', {'a': ('long1', 0)}),
			'sum': ('Add', {'a': ('short', 0), 'b': ('long2', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}

		assert order(bench, nodes) == ['long1', 'long2', 'short', 'sum', 'see']

	def test_by_the_seconds_that_were_learned(self, bench: Bench) -> None:
		"""One slow node is longer than two quick ones."""
		bench.timings.learn('Measure', 5.0)
		bench.timings.learn('Number', 0.001)
		bench.timings.learn('Add', 0.001)
		nodes: Nodes = {
			'quick1': ('Number', {'value': 2}),
			'quick2': ('Add', {'a': ('quick1', 0)}),
			'slow': ('Measure', {'text': 'x'}),
			'sum': ('Add', {'a': ('quick2', 0), 'b': ('slow', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}

		assert order(bench, nodes)[0] == 'slow'

	def test_of_equal_chains_the_first_input(self, bench: Bench) -> None:
		"""As they are declared."""
		nodes: Nodes = {
			'two': ('Number', {'value': 2}),
			'one': ('Number', {'value': 1}),
			'sum': ('Add', {'a': ('one', 0), 'b': ('two', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}

		assert order(bench, nodes) == ['one', 'two', 'sum', 'see']

	def test_a_long_chain(self, bench: Bench) -> None:
		"""Without recursion."""
		plan = bench.plan(chain(20_000))
		places = order_of(list(plan.steps.values()), plan.sinks, plan.steps, bench.timings)

		assert [places[node] for node in plan.steps] == list(range(20_000))


class TestModels:
	NAMES = ('a', 'b')

	def nodes(self) -> Nodes:
		"""Sinks of two models, in turns."""
		nodes: dict[str, tuple[str, Mapping[str, Any]]] = {name: ('Load', {'name': name}) for name in self.NAMES}
		nodes['a+'] = ('Patch', {'model': ('a', 0)})
		for seed in range(2):
			nodes[f'a{seed}'] = ('Sample', {'model': ('a+', 0), 'seed': seed})
			nodes[f'see a{seed}'] = ('See', {'value': (f'a{seed}', 0)})
			nodes[f'b{seed}'] = ('Sample', {'model': ('b', 0), 'seed': seed})
			nodes[f'see b{seed}'] = ('See', {'value': (f'b{seed}', 0)})
		return nodes

	def test_one_models_work_is_done_before_the_next_ones(self, bench: Bench) -> None:
		"""Though the sinks were submitted in turns."""
		samples = [node for node in order(bench, self.nodes()) if node in ('a0', 'a1', 'b0', 'b1')]

		assert samples == ['a0', 'a1', 'b0', 'b1']

	def test_where_the_loaders_are_cached_too(self, bench: Bench) -> None:
		"""What counts is the model, not who still has to run."""
		samples = [node for node in order(bench, self.nodes(), 'a', 'b', 'a+') if node in ('a0', 'a1', 'b0', 'b1')]

		assert samples == ['a0', 'a1', 'b0', 'b1']

	def test_a_patched_model_is_still_that_model(self, bench: Bench) -> None:
		"""The loader is what a node's work belongs to."""
		found = model_of(bench.plan(graph(self.nodes())).steps)

		assert {node: source for node, source in found.items() if node in ('a0', 'b0', 'see a0', 'a+')} == {
			'a0': 'a',
			'b0': 'b',
			'see a0': 'a',
			'a+': 'a',
		}
