from engine.graph import Call, Constant, Graph, Link, NodeId
from tests.engine.tools import chain, graph


class TestLinks:
	def test_links_are_told_with_their_receiver(self) -> None:
		"""Each link comes with the node and the input that it feeds; constants pass by."""
		asked = graph({'one': ('Number', {'value': 1}), 'sum': ('Add', {'a': ('one', 0), 'b': ('one', 0)})})

		assert list(asked.links()) == [('sum', 'a', Link(NodeId('one'), 0)), ('sum', 'b', Link(NodeId('one'), 0))]


class TestClosure:
	def test_only_what_the_targets_need(self) -> None:
		"""Targets and everything upstream of them stay, in the graph's order."""
		asked = graph(
			{
				'end': ('See', {'value': ('middle', 0)}),
				'middle': ('Add', {'a': ('start', 0)}),
				'other': ('See', {'value': ('start', 0)}),
				'start': ('Number', {'value': 1}),
			}
		)

		assert list(asked.closure([NodeId('end')]).calls) == ['end', 'middle', 'start']

	def test_targets_and_links_that_lead_nowhere_pass(self) -> None:
		"""The checker reports them; the closure is what there is."""
		asked = graph({'end': ('See', {'value': ('nowhere', 0)})})

		assert list(asked.closure([NodeId('end'), NodeId('nothing')]).calls) == ['end']

	def test_a_cycle_ends(self) -> None:
		"""Every node is visited once."""
		asked = graph({'a': ('Add', {'a': ('b', 0)}), 'b': ('Add', {'a': ('a', 0)})})

		assert set(asked.closure([NodeId('a')]).calls) == {'a', 'b'}

	def test_a_long_chain_needs_no_recursion(self) -> None:
		"""Ten thousand nodes one after the other are no problem."""
		assert len(chain(10_000).closure([NodeId('9999')]).calls) == 10_000


class TestWithInputs:
	def test_some_inputs_are_given_anew(self) -> None:
		"""The copy has the new inputs, keeps the rest, and the original is unchanged."""
		asked = Graph({NodeId('sum'): Call('Add', {'a': Constant(1), 'b': Constant(2)}, 'Sum')})
		changed = asked.with_inputs({NodeId('sum'): {'b': Constant(3)}})

		assert changed.calls[NodeId('sum')] == Call('Add', {'a': Constant(1), 'b': Constant(3)}, 'Sum')
		assert asked.calls[NodeId('sum')].inputs['b'] == Constant(2)
