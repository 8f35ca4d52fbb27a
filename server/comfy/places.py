"""Where the nodes of a job are shown: a node that came in by an expansion belongs to one of the submitted graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.events import Event, GraphExpanded
from engine.graph import Graph, NodeId


@dataclass(frozen=True, slots=True)
class Place:
	"""The node at which another's events are shown, the one that became it, and the submitted one."""

	display: str
	parent: str | None
	real: str


class Places:
	"""The places of a job's nodes; grows as the job's graph does."""

	def __init__(self, graph: Graph, events: Iterable[Event] = ()) -> None:
		self._graph = graph
		self._added: dict[str, Place] = {}
		for event in events:
			if isinstance(event, GraphExpanded):
				self.expand(event)

	def expand(self, event: GraphExpanded) -> None:
		"""A node became others."""
		real = self.of(event.node).real
		for added in event.added:
			self._added[added.node] = Place(added.display, event.node, real)

	def of(self, node: str) -> Place:
		"""Where a node is shown: a submitted one at itself."""
		return self._added.get(node) or Place(node, None, node)

	def submitted(self, node: str | None, kind: str) -> tuple[str, str]:
		"""The submitted node that a node belongs to, and its kind. `kind` is the node's own."""
		if node is None:
			return '', kind
		real = self.of(node).real
		call = self._graph.calls.get(NodeId(real))
		return real, kind if real == node or call is None else call.kind
