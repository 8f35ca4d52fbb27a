"""Which nodes need each other: an order in which to look at them, circles, and what stands behind a node.

Nothing here recurses, so chains may be as long as they like.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.graph import Call, Graph, Link, NodeId

OPEN, DONE = 1, 2


def dependency_order(calls: Mapping[NodeId, Call], sinks: Iterable[NodeId]) -> tuple[list[NodeId], bool]:
	"""All nodes that the sinks need, each after those it needs itself; and whether some links lead in a circle.

	In a circle the order of its nodes means nothing. Links to nodes that are not there are passed over.
	"""
	order: list[NodeId] = []
	circular = False
	state: dict[NodeId, int] = {}
	waiting = list(sinks)
	while waiting:
		node = waiting[-1]
		seen = state.get(node)
		if seen is not None:
			waiting.pop()
			if seen == OPEN:
				state[node] = DONE
				order.append(node)
			continue
		state[node] = OPEN
		for argument in calls[node].inputs.values():
			if type(argument) is Link:
				source = argument.node
				reached = state.get(source)
				if reached is None:
					if source in calls:
						waiting.append(source)
				elif reached == OPEN:
					circular = True
	return order, circular


def circles(calls: Mapping[NodeId, Call], nodes: Collection[NodeId]) -> Iterator[tuple[NodeId, ...]]:
	"""One circle of links for each set of these nodes that all need each other, beginning with its first node."""
	import networkx as nx  # Takes long to import, and few graphs have circles.

	network: nx.DiGraph[NodeId] = nx.DiGraph()
	network.add_nodes_from(nodes)
	for node in nodes:
		for argument in calls[node].inputs.values():
			if isinstance(argument, Link) and argument.node in network:
				network.add_edge(argument.node, node)
	place = {node: index for index, node in enumerate(calls)}
	for component in nx.strongly_connected_components(network):
		first = min(component, key=place.__getitem__)
		if len(component) > 1 or network.has_edge(first, first):
			yield tuple(edge[0] for edge in nx.find_cycle(network.subgraph(component), first))


def downstream(graph: Graph, nodes: Iterable[NodeId]) -> set[NodeId]:
	"""These nodes and all that need them."""
	readers: dict[NodeId, list[NodeId]] = {}
	for node, _, link in graph.links():
		readers.setdefault(link.node, []).append(node)
	found: set[NodeId] = set()
	waiting = list(nodes)
	while waiting:
		node = waiting.pop()
		if node not in found:
			found.add(node)
			waiting.extend(readers.get(node, ()))
	return found
