"""The objects that foreign nodes keep their state in, from prompt to prompt."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from engine.context import Context
from engine.graph import NodeId
from engine.live import LiveGraph


@dataclass(frozen=True, slots=True)
class Kept:
	"""An instance, with the submitted node that it belongs to and that node's kind."""

	instance: object
	real: NodeId
	kind: str


class Instances:
	"""One instance per node id and class, kept while the node stays in the prompt, or the node that expanded to it."""

	def __init__(self) -> None:
		self._kept: dict[tuple[str, type[Any]], Kept] = {}
		self._graph: weakref.ref[LiveGraph] | None = None

	def of(self, context: Context, cls: type[Any]) -> Any:
		"""The instance of the running node; it is made at the node's first call."""
		if self._graph is None or self._graph() is not context.graph:
			self._begin(context.graph)
		key = (context.node, cls)
		kept = self._kept.get(key)
		if kept is None:
			real = context.graph.real(NodeId(context.node))
			call = context.graph.submitted.calls.get(real)
			kept = self._kept[key] = Kept(cls(), real, '' if call is None else call.kind)
		return kept.instance

	def _begin(self, graph: LiveGraph) -> None:
		"""Another job: let go of the instances whose node it has not."""
		self._graph = weakref.ref(graph)
		calls = graph.submitted.calls
		self._kept = {
			key: kept for key, kept in self._kept.items() if kept.real in calls and calls[kept.real].kind == kept.kind
		}
