import pytest

from engine.errors import NodeUsage
from engine.flow import Expand
from engine.graph import Call, Graph, NodeId
from engine.live import LiveGraph

A, B, C = NodeId('a'), NodeId('b'), NodeId('c')
ONE = Call('Number', {})


@pytest.fixture
def live() -> LiveGraph:
	"""One submitted node, which became another, which became a third."""
	live = LiveGraph(Graph({A: ONE}))
	live.add(A, Expand({B: ONE}, ()))
	live.add(B, Expand({C: ONE}, ()))
	return live


class TestLiveGraph:
	def test_where_nodes_come_from(self, live: LiveGraph) -> None:
		"""Each has a parent, and belongs to a submitted node in the end."""
		assert [live.parent(node) for node in (A, B, C)] == [None, A, B]
		assert [live.real(node) for node in (A, B, C)] == [A, A, A]

	def test_where_nodes_are_shown(self, live: LiveGraph) -> None:
		"""At the node that brought them, or where the expansion says."""
		added = live.add(A, Expand({NodeId('d'): ONE}, (), {NodeId('d'): 'elsewhere'}))

		assert [live.display(node) for node in (A, B, C)] == [A, A, A]
		assert [item.display for item in added] == ['elsewhere']

	def test_ids_are_taken_once(self, live: LiveGraph) -> None:
		"""If one is taken, none of the expansion is added."""
		with pytest.raises(NodeUsage, match=r"node 'a' brings ids that are taken: 'c'"):
			live.add(A, Expand({NodeId('d'): ONE, C: ONE}, ()))

		assert live.unknown([A, NodeId('d')]) == ['d']

	def test_a_node_may_expand_anew(self, live: LiveGraph) -> None:
		"""What it brought before, and what that brought, is taken out first."""
		assert live.forget_children(A) == [B, C]
		assert list(live.calls) == [A]

		live.add(A, Expand({B: ONE}, ()))

		assert live.parent(B) == A

	def test_the_submitted_graph_stays(self, live: LiveGraph) -> None:
		"""As it came."""
		assert list(live.submitted.calls) == [A]
