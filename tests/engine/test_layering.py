"""Where the boxes of a graph go."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from hypothesis import given, settings

from engine.graph import Call, Graph, Link, NodeId
from engine.layering import Layout, Place, Size, lay_out, layers_of
from tests.engine.random_graphs import graphs

BOX = Size(100.0, 50.0)


def linked(**sources: str) -> Graph:
	"""A graph of which each node reads the ones that are named, by their letters."""
	return Graph(
		{
			NodeId(node): Call('X', {f'of_{name}': Link(NodeId(name), 0) for name in names})
			for node, names in sources.items()
		}
	)


def placed(graph: Graph) -> Layout:
	"""The graph laid out with boxes of one size."""
	return lay_out(graph, dict.fromkeys(graph.calls, BOX))


def overlaps(places: Mapping[NodeId, Place]) -> list[tuple[NodeId, NodeId]]:
	"""Pairs of boxes that cover each other."""
	return [
		(one, other)
		for (one, a), (other, b) in itertools.combinations(places.items(), 2)
		if abs(a.x - b.x) < BOX.width and abs(a.y - b.y) < BOX.height - 0.001
	]


class TestLayers:
	"""Who stands in which column."""

	def test_readers_come_after_what_they_read(self) -> None:
		"""By the longest way that leads to them; sources stand next to their first reader."""
		layers = layers_of(linked(a='', b='a', c='b', d='ca', late=''))

		assert [layers[NodeId(node)] for node in 'abcd'] == [0, 1, 2, 3]
		assert layers_of(linked(a='', b='a', c='bl', l=''))[NodeId('l')] == 1

	def test_circles_are_cut_open(self) -> None:
		"""Every node has a layer, even one that reads itself."""
		assert layers_of(linked(a='b', b='a', c='c')).keys() == {'a', 'b', 'c'}


class TestLayout:
	"""Boxes and lanes in their places."""

	@given(graphs(most=30))
	@settings(max_examples=60, deadline=None)
	def test_nothing_overlaps(self, graph: Graph) -> None:
		"""No box covers another, and all lie within the drawing."""
		layout = placed(graph)

		assert overlaps(layout.places) == []
		assert all(0 <= place.x <= layout.width - BOX.width + 0.001 for place in layout.places.values())
		assert all(-0.001 <= place.y <= layout.height - BOX.height + 0.001 for place in layout.places.values())

	def test_long_links_pass_by_boxes(self) -> None:
		"""A link over several layers has a lane in each, in which no box lies."""
		graph = linked(a='', b='a', c='b', d='ca')
		layout = placed(graph)
		lanes = layout.lanes_to(Link(NodeId('a'), 0), NodeId('d'))

		assert len(lanes) == 2
		for lane, node in zip(lanes, 'bc', strict=True):
			place = layout.places[NodeId(node)]
			assert (lane.left, lane.right) == (place.x, place.x + BOX.width)
			assert not place.y < lane.y < place.y + BOX.height

	def test_parallel_chains_do_not_cross(self) -> None:
		"""Chains whose nodes come in a mixed order stay side by side."""
		layout = placed(linked(a='', b='', c='b', d='a', e='d', f='c'))
		heights = {node: place.y for node, place in layout.places.items()}

		assert (heights[NodeId('a')] < heights[NodeId('b')]) == (heights[NodeId('d')] < heights[NodeId('c')])
		assert (heights[NodeId('a')] < heights[NodeId('b')]) == (heights[NodeId('e')] < heights[NodeId('f')])

	def test_nothing_to_lay_out(self) -> None:
		"""A graph without nodes takes no room."""
		layout = placed(Graph({}))

		assert (layout.width, layout.height) == (0.0, 0.0)

	def test_very_many_long_links(self) -> None:
		"""Where lanes would be too many, there are none, and the boxes stand all the same."""
		chain = {NodeId('0'): Call('X')}
		for number in range(1, 400):
			links = {f'of{back}': Link(NodeId(str(back)), 0) for back in range(max(0, number - 90), number)}
			chain[NodeId(str(number))] = Call('X', links)
		layout = placed(Graph(chain))

		assert len(layout.places) == 400
		assert layout.lanes == {}
