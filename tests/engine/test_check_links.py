"""The checker: links, inputs that nobody declared, circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.check import Checked, check
from engine.declaration import OpenInputs
from engine.graph import BadLink, Call, Constant, Graph, NodeId
from tests.engine.latents import LATENTS, kept, only
from tests.engine.tools import Bench, chain, graph


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes with choices of files, and a type that no constant has."""
	return Bench(tmp_path, *LATENTS)


class TestLinks:
	def test_a_missing_required_input(self, bench: Bench) -> None:
		"""What is required must be there; what has a default need not."""
		problem = only(bench.check(graph({'keep': ('Keep', {})})))

		assert problem.code == 'required_input_missing'
		assert problem.sentence == "node 'keep' (Keep), input 'samples': expected a link that gives LATENT, got nothing"

	def test_a_link_to_a_node_that_is_not_there(self, bench: Bench) -> None:
		"""The sentence names the node that is missing."""
		problem = only(bench.check(graph({'keep': ('Keep', {'samples': ('gone', 0)})})))

		assert problem.code == 'bad_linked_input'
		assert problem.value == ['gone', 0]
		assert "no node 'gone'" in problem.sentence

	@pytest.mark.parametrize('output', [-1, 1, 10**30])
	def test_a_link_to_an_output_that_is_not_there(self, bench: Bench, output: int) -> None:
		"""The sentence tells how many outputs there are."""
		asked = graph({'samples': ('Empty', {}), 'keep': ('Keep', {'samples': ('samples', output)})})
		problem = only(bench.check(asked))

		assert problem.code == 'bad_linked_input'
		assert problem.expected == "an output of 'samples' (Empty), which has 1"

	def test_a_link_of_another_type(self, bench: Bench) -> None:
		"""The problem names both types, the source and its output."""
		asked = graph({'one': ('Number', {'value': 1}), 'keep': ('Keep', {'samples': ('one', 0)})})
		problem = only(bench.check(asked))

		assert problem.code == 'return_type_mismatch'
		assert problem.source == ('one', 0)
		assert problem.value == 'INT'
		assert problem.sentence == (
			"node 'keep' (Keep), input 'samples': expected a link that gives LATENT, "
			"got INT from 'one' (Number), output 'INT'"
		)

	def test_what_was_no_link_in_the_document(self, bench: Bench) -> None:
		"""A list that is no link is told with the reader's reason."""
		asked = Graph({NodeId('keep'): Call('Keep', {'samples': BadLink(['a'], 'a link is a list of two')})})
		problem = only(bench.check(asked))

		assert problem.code == 'bad_linked_input'
		assert problem.value == ['a']
		assert problem.received == 'a link is a list of two'


class TestUndeclaredInputs:
	def test_a_strict_check_refuses_them(self, bench: Bench) -> None:
		"""A misspelt input is told, with the names that there are."""
		problem = only(bench.check(kept({'scael': 2})))

		assert problem.code == 'unknown_input'
		assert problem.input == 'scael'
		assert problem.expected == 'one of its inputs: samples, scale, label, sure'

	def test_a_tolerant_check_lets_them_pass(self, bench: Bench) -> None:
		"""ComfyUI's editor sends inputs that are only its own; they stay in the graph as they are."""
		checked = bench.check(kept({'control_after_generate': 'fixed'}), tolerant=True)

		assert checked.problems == ()
		assert checked.graph.calls[NodeId('keep')].inputs['control_after_generate'] == Constant('fixed')


class TestOpenInputs:
	"""Kinds that take inputs which they do not declare."""

	def found(self, bench: Bench, takes: OpenInputs, given: object) -> list[str]:
		info = bench.registry.infos['Keep'].model_copy(update={'open_inputs': takes})
		return [
			problem.code
			for problem in check(kept({'more': given}), {**bench.registry.infos, 'Keep': info}, bench.storage).problems
		]

	@pytest.mark.parametrize('takes', ['links', 'all'])
	def test_links_and_constants_pass(self, bench: Bench, takes: OpenInputs) -> None:
		"""Of any type, since none is declared; what the node does not take is ignored."""
		assert self.found(bench, takes, ('samples', 0)) == []
		assert self.found(bench, takes, 3) == []

	@pytest.mark.parametrize('takes', ['links', 'all'])
	@pytest.mark.parametrize('link', [('gone', 0), ('samples', 1)])
	def test_links_must_lead_somewhere(self, bench: Bench, takes: OpenInputs, link: tuple[str, int]) -> None:
		"""A link from nowhere brings nothing."""
		assert self.found(bench, takes, link) == ['bad_linked_input']

	def test_other_kinds_take_none(self, bench: Bench) -> None:
		"""As a misspelt name would be."""
		assert self.found(bench, 'no', ('samples', 0)) == ['unknown_input']


class TestCycles:
	def codes(self, checked: Checked) -> dict[str | None, tuple[str, ...]]:
		assert {problem.code for problem in checked.problems} == {'dependency_cycle'}
		return {problem.node: problem.cycle for problem in checked.problems}

	def test_a_node_that_feeds_itself(self, bench: Bench) -> None:
		"""The shortest cycle is one node."""
		checked = bench.check(graph({'a': ('Add', {'a': ('a', 0)}), 'see': ('See', {'value': ('a', 0)})}))

		assert only(checked).sentence == "node 'a' (Add): expected links that lead in no circle, got a (Add) -> a (Add)"
		assert checked.good_sinks == ()

	def test_two_cycles_are_both_told(self, bench: Bench) -> None:
		"""Every node of every cycle has its problem; nodes between and behind have none."""
		asked = graph(
			{
				'a': ('Add', {'a': ('b', 0)}),
				'b': ('Add', {'a': ('a', 0)}),
				'between': ('Add', {'a': ('b', 0)}),
				'c': ('Add', {'a': ('d', 0), 'b': ('between', 0)}),
				'd': ('Add', {'a': ('c', 0)}),
				'see': ('See', {'value': ('c', 0)}),
			}
		)
		cycles = self.codes(bench.check(asked))

		assert set(cycles) == {'a', 'b', 'c', 'd'}
		assert set(cycles['a']) == {'a', 'b'}
		assert set(cycles['d']) == {'c', 'd'}

	def test_a_long_cycle(self, bench: Bench) -> None:
		"""A cycle of thousands of nodes needs no recursion."""
		asked = chain(3000).with_inputs(
			{
				NodeId('0'): {},
				NodeId('1'): {'b': graph({'x': ('Add', {'a': ('2998', 0)})}).calls[NodeId('x')].inputs['a']},
			}
		)
		cycles = self.codes(bench.check(asked))

		assert len(cycles) == 2998

	def test_a_cycle_that_no_sink_needs_is_let_be(self, bench: Bench) -> None:
		"""Only what the sinks need is looked at."""
		assert bench.check(kept({}, loop=('Add', {'a': ('loop', 0)}))).problems == ()
