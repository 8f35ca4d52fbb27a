"""Graphs of trivial nodes in the shapes that real ones have, of any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.graph import Argument, Call, Constant, Graph, Link, node_id

WIDTH = 25


def link(node: object) -> Link:
	"""The first output of a node."""
	return Link(node_id(str(node)), 0)


def build(nodes: Mapping[str, tuple[str, Mapping[str, Argument]]]) -> Graph:
	"""A graph from kinds and inputs."""
	return Graph({node_id(node): Call(kind, inputs) for node, (kind, inputs) in nodes.items()})


def chain(size: int, start: int = 0) -> Graph:
	"""A number, and additions one after the other."""
	nodes: dict[str, tuple[str, Mapping[str, Argument]]] = {'0': ('Number', {'value': Constant(start)})}
	for index in range(1, size - 1):
		nodes[str(index)] = ('Add', {'a': link(index - 1), 'b': Constant(1)})
	nodes['show'] = ('Show', {'a': link(size - 2)})
	return build(nodes)


def fan(size: int, start: int = 0) -> Graph:
	"""A number, and sinks side by side, each with an addition of its own."""
	nodes: dict[str, tuple[str, Mapping[str, Argument]]] = {'0': ('Number', {'value': Constant(start)})}
	for index in range(1, size, 2):
		nodes[str(index)] = ('Add', {'a': link(0), 'b': Constant(index)})
		nodes[str(index + 1)] = ('Show', {'a': link(index)})
	return build(nodes)


def layered(size: int, start: int = 0) -> Graph:
	"""Layers of 25 nodes, each of which takes three of the layer before."""
	nodes: dict[str, tuple[str, Mapping[str, Argument]]] = {
		str(index): ('Number', {'value': Constant(start + index)}) for index in range(WIDTH)
	}
	for index in range(WIDTH, size - 1):
		row, place = divmod(index, WIDTH)
		above = (row - 1) * WIDTH
		sources = [link(above + (place + step) % WIDTH) for step in (0, 1, 7)]
		nodes[str(index)] = ('Add3', dict(zip('abc', sources, strict=True)))
	last = range(max(size - 1 - WIDTH, 0), size - 1)
	for index in last:
		nodes[f'show{index}'] = ('Show', {'a': link(index)})
	return build(nodes)


def diamond(size: int, start: int = 0) -> Graph:
	"""One splits into two, which join again, and so on."""
	nodes: dict[str, tuple[str, Mapping[str, Argument]]] = {'0': ('Number', {'value': Constant(start)})}
	tip = 0
	for index in range(1, size - 3, 3):
		nodes[str(index)] = ('Add', {'a': link(tip), 'b': Constant(1)})
		nodes[str(index + 1)] = ('Add', {'a': link(tip), 'b': Constant(2)})
		nodes[str(index + 2)] = ('Add', {'a': link(index), 'b': link(index + 1)})
		tip = index + 2
	nodes['show'] = ('Show', {'a': link(tip)})
	return build(nodes)


SHAPES: Mapping[str, Callable[[int, int], Graph]] = {
	'chain': chain,
	'fan': fan,
	'layered': layered,
	'diamond': diamond,
}
