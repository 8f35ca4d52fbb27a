from collections.abc import Iterator

import pytest

from nodes.comfy.hidden import DynamicPrompt
from nodes.comfy.shims.comfy_execution.graph_utils import GraphBuilder, add_graph_prefix, is_link
from tests.nodes.comfy.conftest import Host


@pytest.fixture
def outside() -> Iterator[None]:
	"""Prefixes for graphs that are built outside of calls."""
	GraphBuilder.set_default_prefix('9', 2)
	yield
	GraphBuilder.set_default_prefix('', 0)


class TestGraphBuilder:
	def test_a_graph_in_api_form(self) -> None:
		"""Nodes are numbered or named, and linked by their outputs."""
		graph = GraphBuilder('p.')
		first = graph.node('A', value=1)
		second = graph.node('B', 'named', source=first.out(2))
		second.set_override_display_id('7')
		second.set_input('gone', 1)
		second.set_input('gone', None)

		assert second.get_input('source') == ['p.1', 2]
		assert graph.lookup_node('named') is second
		assert graph.finalize() == {
			'p.1': {'class_type': 'A', 'inputs': {'value': 1}},
			'p.named': {'class_type': 'B', 'inputs': {'source': ['p.1', 2]}, 'override_display_id': '7'},
		}

	def test_outputs_are_replaced_and_nodes_removed(self) -> None:
		"""None takes away the inputs that took the output."""
		graph = GraphBuilder('')
		first = graph.node('A', 'a')
		second = graph.node('B', 'b', x=first.out(0), y=first.out(1))
		graph.replace_node_output('a', 0, 5)
		graph.replace_node_output('a', 1, None)
		graph.remove_node('a')

		assert second.inputs == {'x': 5}
		assert graph.lookup_node('a') is None

	def test_prefixes_outside_of_calls(self, outside: None) -> None:
		"""They are counted per graph."""
		assert [GraphBuilder().prefix, GraphBuilder().prefix] == ['9.2.0.', '9.2.1.']

	def test_a_taken_id_gives_the_node(self) -> None:
		"""That is there already."""
		graph = GraphBuilder('')

		assert graph.node('A', 'a') is graph.node('A', 'a')


class TestHelpers:
	@pytest.mark.parametrize(
		('value', 'link'), [(['a', 0], True), (['a', 1.0], True), ([1, 0], False), (('a', 0), False), (['a'], False)]
	)
	def test_is_link(self, value: object, link: bool) -> None:
		"""A list of two, an id and a number."""
		assert is_link(value) is link

	def test_add_graph_prefix(self) -> None:
		"""Ids, links and outputs are moved together."""
		graph = {'a': {'class_type': 'A', 'inputs': {'x': ['b', 0], 'y': 1}}}

		assert add_graph_prefix(graph, (['a', 0], 5), 'p.') == (
			{'p.a': {'class_type': 'A', 'inputs': {'x': ['p.b', 0], 'y': 1}}},
			(['p.a', 0], 5),
		)


class TestDynamicPrompt:
	def test_nodes_are_told_in_api_form(self, host: Host) -> None:
		"""One that is not there is a `KeyError`."""
		live = DynamicPrompt(host.context('Kind', '3'))

		assert live.get_node('3') == {'class_type': 'Kind', 'inputs': {}}
		assert live.get_original_prompt() == {'3': live.get_node('3')}
		assert (live.has_node('3'), live.has_node('4'), live.all_node_ids()) == (True, False, {'3'})
		assert (live.get_real_node_id('3'), live.get_display_node_id('3'), live.get_parent_node_id('3')) == (
			'3',
			'3',
			None,
		)
		with pytest.raises(KeyError, match="no node '4'"):
			live.get_node('4')
