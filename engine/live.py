"""The graph of a running job: what was submitted, and the nodes that came in by expansion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.errors import NodeUsage
from engine.events import AddedNode
from engine.flow import Expand
from engine.graph import Call, Graph, NodeId


class LiveGraph:
	"""Grows while the job runs. Every added node has a parent, the node that became it, and a display node."""

	def __init__(self, graph: Graph) -> None:
		self.submitted = graph
		self._calls: dict[NodeId, Call] = dict(graph.calls)
		self._parents: dict[NodeId, NodeId] = {}
		self._children: dict[NodeId, list[NodeId]] = {}
		self._displays: dict[NodeId, NodeId] = {}

	@property
	def calls(self) -> Mapping[NodeId, Call]:
		"""Every node's call."""
		return self._calls

	def parent(self, node: NodeId) -> NodeId | None:
		"""The node whose expansion brought this one in; None for a submitted node."""
		return self._parents.get(node)

	def display(self, node: NodeId) -> NodeId:
		"""The node at which a node's events are shown."""
		while node in self._displays:
			node = self._displays[node]
		return node

	def real(self, node: NodeId) -> NodeId:
		"""The submitted node that a node belongs to."""
		while node in self._parents:
			node = self._parents[node]
		return node

	def add(self, parent: NodeId, expand: Expand) -> tuple[AddedNode, ...]:
		"""Take in an expansion. Raises `NodeUsage` if an id is taken; then nothing is added."""
		taken = [node for node in expand.calls if node in self._calls]
		if taken:
			raise NodeUsage(
				f'The expansion of node {parent!r} brings ids that are taken: {", ".join(map(repr, taken[:5]))}. '
				'Ids are unique over the whole job.'
			)
		for node, call in expand.calls.items():
			self._calls[node] = call
			self._parents[node] = parent
			self._children.setdefault(parent, []).append(node)
			display = expand.displays.get(node)
			self._displays[node] = parent if display is None or display == node else NodeId(display)
		return tuple(self._added(node) for node in expand.calls)

	def forget_children(self, parent: NodeId) -> list[NodeId]:
		"""Take out what a node's expansion brought in, and theirs: it is about to expand anew. Gives the ids."""
		gone: list[NodeId] = []
		waiting = [parent]
		while waiting:
			owner = waiting.pop()
			children = self._children.pop(owner, [])
			gone += children
			waiting += children
		for node in gone:
			del self._calls[node]
			del self._parents[node]
			del self._displays[node]
		return gone

	def _added(self, node: NodeId) -> AddedNode:
		return AddedNode(node=node, kind=self._calls[node].kind, display=self.display(node))

	def unknown(self, nodes: Iterable[NodeId]) -> list[NodeId]:
		"""Those among nodes that do not exist here."""
		return [node for node in nodes if node not in self._calls]
