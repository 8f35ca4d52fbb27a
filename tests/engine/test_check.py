"""The checker: what is looked at, and which sinks can run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.graph import Call, Constant, Graph, NodeId
from tests.engine.latents import LATENTS, kept, only
from tests.engine.tools import Bench, chain, graph, ladder


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes with choices of files, and a type that no constant has."""
	return Bench(tmp_path, *LATENTS)


class TestGoodGraphs:
	def test_nothing_is_wrong(self, bench: Bench) -> None:
		"""A good graph has no problems, and all its sinks can run."""
		checked = bench.check(kept({}))

		assert checked.problems == ()
		assert checked.sinks == checked.good_sinks == ('keep',)

	def test_a_clean_graph_is_handed_back(self, bench: Bench) -> None:
		"""Where every constant is in its normal form already nothing is copied."""
		asked = chain(5)

		assert bench.check(asked).graph is asked

	def test_only_what_changes_is_copied(self, bench: Bench) -> None:
		"""A call whose constants are brought into normal form is another; all others stay the same objects."""
		asked = graph({'one': ('Number', {'value': '1'}), 'see': ('See', {'value': ('one', 0)})})
		checked = bench.check(asked)

		assert asked.calls[NodeId('one')].inputs['value'] == Constant('1')
		assert checked.graph.calls[NodeId('one')].inputs['value'] == Constant(1)
		assert checked.graph.calls[NodeId('see')] is asked.calls[NodeId('see')]

	def test_fifty_thousand_nodes(self, bench: Bench) -> None:
		"""A long chain needs no recursion."""
		checked = bench.check(chain(50_000))

		assert checked.problems == ()
		assert checked.good_sinks == ('49999',)


class TestKinds:
	def test_an_unknown_kind(self, bench: Bench) -> None:
		"""A kind that is nearly right is told which one may be meant."""
		problem = only(bench.check(kept({}, other=('Numbr', {}))))

		assert problem.code == 'missing_node_type'
		assert problem.sentence == "node 'other' (Numbr): expected a known kind (did you mean 'Number'?), got 'Numbr'"

	def test_a_node_without_kind(self, bench: Bench) -> None:
		"""A node that its editor did not know has no kind; its title is carried along."""
		asked = Graph({**kept({}).calls, NodeId('x'): Call('', {}, 'My node')})
		problem = only(bench.check(asked))

		assert problem.code == 'missing_node_type'
		assert problem.value == 'My node'
		assert problem.received == 'none'

	def test_every_node_counts(self, bench: Bench) -> None:
		"""A kind must be known even where no sink needs the node, but the sinks can still run."""
		checked = bench.check(kept({}, other=('Nothing', {})))

		assert [problem.node for problem in checked.problems] == ['other']
		assert checked.good_sinks == ('keep',)

	def test_what_reads_an_unknown_node_cannot_run(self, bench: Bench) -> None:
		"""Only the unknown node itself is reported; the sink behind it is not good."""
		checked = bench.check(graph({'x': ('Nothing', {}), 'keep': ('Keep', {'samples': ('x', 0)})}))

		assert [problem.code for problem in checked.problems] == ['missing_node_type']
		assert checked.sinks == ('keep',)
		assert checked.good_sinks == ()


class TestSinks:
	def test_an_empty_graph(self, bench: Bench) -> None:
		"""There is nothing to run in it."""
		problem = only(bench.check(Graph({})))

		assert problem.code == 'prompt_no_outputs'
		assert problem.node is None
		assert problem.sentence.startswith('the graph: expected a node that saves or shows')
		assert problem.received == 'an empty graph'

	def test_a_graph_without_a_sink(self, bench: Bench) -> None:
		"""Nodes that save nothing are nothing to run."""
		assert only(bench.check(graph({'samples': ('Empty', {})}))).code == 'prompt_no_outputs'

	def test_targets_select_sinks(self, bench: Bench) -> None:
		"""Only the selected sink is looked at; a target that is no sink is passed over."""
		asked = kept({}, bad=('Keep', {}))
		checked = bench.check(asked, targets=['keep', 'samples', 'nowhere'])

		assert checked.problems == ()
		assert checked.sinks == ('keep',)

	@pytest.mark.parametrize('targets', [[], ['samples'], ['nowhere']])
	def test_targets_that_select_nothing(self, bench: Bench, targets: list[str]) -> None:
		"""No target among the sinks is a problem of the whole graph."""
		problem = only(bench.check(kept({}), targets=targets))

		assert problem.code == 'prompt_no_outputs'
		assert problem.received == 'none among the selected targets'

	def test_one_bad_sink_of_two(self, bench: Bench) -> None:
		"""A sink that needs nothing bad can run, whatever is wrong elsewhere."""
		checked = bench.check(kept({}, bad=('Keep', {'samples': ('samples', 0), 'scale': 'x'})))

		assert only(checked).node == 'bad'
		assert checked.sinks == ('keep', 'bad')
		assert checked.good_sinks == ('keep',)

	def test_a_problem_far_upstream_spoils_its_sinks(self, bench: Bench) -> None:
		"""Everything downstream of a problem cannot run, and is not itself reported."""
		asked = graph(
			{
				'bad': ('Number', {'value': 'x'}),
				'sum': ('Add', {'a': ('bad', 0)}),
				'far': ('See', {'value': ('sum', 0)}),
				'free': ('See', {'value': 1}),
			}
		)
		checked = bench.check(asked)

		assert only(checked).node == 'bad'
		assert checked.good_sinks == ('free',)

	def test_a_ladder_of_diamonds(self, bench: Bench) -> None:
		"""What stands behind a problem is looked for once, though the ways to it double at every rung."""
		checked = bench.check(ladder(60, start='x'))

		assert only(checked).node == '0'
		assert checked.good_sinks == ()

	def test_nodes_that_no_sink_needs_are_not_looked_at(self, bench: Bench) -> None:
		"""A half-finished corner of the canvas does not stop the rest."""
		assert bench.check(kept({}, loose=('Number', {}))).problems == ()


class TestAllAtOnce:
	def test_problems_come_in_the_graphs_order(self, bench: Bench) -> None:
		"""Node by node as the graph lists them, whatever needs what."""
		asked = graph(
			{
				'see': ('See', {'value': ('sum', 0), 'odd': 1}),
				'sum': ('Add', {'a': ('n', 0), 'b': 'x'}),
				'n': ('Number', {'value': 'x'}),
			}
		)

		assert [problem.node for problem in bench.check(asked).problems] == ['see', 'sum', 'n']

	def test_every_problem_of_every_node(self, bench: Bench) -> None:
		"""One check tells all that is wrong, so that one round of mending is enough."""
		asked = graph(
			{
				'keep': ('Keep', {'scale': 'x', 'label': None, 'odd': 1}),
				'n': ('Number', {'value': 99_999}),
				'pick': ('Pick', {'name': 'three'}),
				'sum': ('Add', {'a': ('n', 0), 'b': ('pick', 4)}),
				'see': ('See', {'value': ('sum', 0)}),
				'what': ('Nothing', {}),
			}
		)
		found = {(problem.node, problem.input): problem.code for problem in bench.check(asked).problems}

		assert found == {
			('keep', 'samples'): 'required_input_missing',
			('keep', 'scale'): 'invalid_input_type',
			('keep', 'label'): 'invalid_input_type',
			('keep', 'odd'): 'unknown_input',
			('n', 'value'): 'value_bigger_than_max',
			('pick', 'name'): 'value_not_in_list',
			('sum', 'b'): 'bad_linked_input',
			('what', None): 'missing_node_type',
		}
