"""Where nodes go that nobody has placed: in columns, each node to the right of what feeds it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.graph import Graph, NodeId

COLUMN, GAP = 400, 40


def arrange(graph: Graph, heights: Mapping[str, int]) -> dict[str, tuple[int, int]]:
	"""The upper left corner of every node, in pixels; `heights` are those of the nodes."""
	below: dict[int, int] = {}
	places: dict[str, tuple[int, int]] = {}
	for node, column in columns(graph).items():
		top = below.get(column, 0)
		places[node] = (column * COLUMN, top)
		below[column] = top + heights.get(node, 0) + GAP
	return places


def columns(graph: Graph) -> dict[NodeId, int]:
	"""Node → how many links lie before it at most. Nodes in a circle of links count what lies before the circle."""
	waiting: dict[NodeId, int] = {}
	readers: dict[NodeId, list[NodeId]] = {}
	for node in graph.calls:
		waiting[node] = 0
	for node, _, link in graph.links():
		if link.node in graph.calls:
			waiting[node] += 1
			readers.setdefault(link.node, []).append(node)
	found = dict.fromkeys(graph.calls, 0)
	ready = [node for node, count in waiting.items() if not count]
	while ready:
		node = ready.pop()
		for reader in readers.get(node, ()):
			found[reader] = max(found[reader], found[node] + 1)
			waiting[reader] -= 1
			if not waiting[reader]:
				ready.append(reader)
	return found
