"""How far the nodes of a running job have come, and when it is worth telling."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from server.schemas.messages import NodeState, ProgressState, ProgressStateData

LARGE_GRAPH = 200
LARGE_GRAPH_SECONDS = 0.1
LONG_BAR = 200
LONG_BAR_SECONDS = 0.05


class JobProgress:
	"""The progress of one job. The message about it holds every node that has begun, so it is not told too often.

	Small graphs are told every change. Of graphs above 200 nodes the whole is told ten times a second at most; of bars
	above 200 ticks, twenty ticks a second and the last one. Sampling steps are fewer, and clients count them.
	"""

	def __init__(self, job: str, nodes: int, clock: Callable[[], float] = time.monotonic) -> None:
		self._job = job
		self._large = nodes > LARGE_GRAPH
		self._clock = clock
		self._nodes: dict[str, NodeState] = {}
		self._told_at = float('-inf')
		self._ticked_at = float('-inf')
		self.pending = False

	def start(self, node: str) -> None:
		"""A node has begun."""
		self._put(node, 0, 1, 'running')

	def tick(self, node: str, done: int, total: int) -> bool:
		"""A node has come further; tells whether this tick is worth telling."""
		self._put(node, done, total, 'running')
		now = self._clock()
		if total > LONG_BAR and 0 < done < total and now - self._ticked_at < LONG_BAR_SECONDS:
			return False
		self._ticked_at = now
		return True

	def finish(self, node: str) -> None:
		"""A node has its results."""
		last = self._nodes.get(node)
		total = last.max if last is not None else 1
		self._put(node, total, total, 'finished')

	def message(self, *, now: bool = False) -> ProgressState | None:
		"""The whole; None while it was told a moment ago and the graph is large. `now` insists."""
		moment = self._clock()
		if self._large and not now and moment - self._told_at < LARGE_GRAPH_SECONDS:
			return None
		self._told_at = moment
		self.pending = False
		return ProgressState(data=ProgressStateData(prompt_id=self._job, nodes=dict(self._nodes)))

	def _put(self, node: str, value: int, most: int, state: Literal['running', 'finished']) -> None:
		self.pending = True
		self._nodes[node] = NodeState(
			value=value,
			max=most,
			state=state,
			node_id=node,
			prompt_id=self._job,
			display_node_id=node,
			parent_node_id=None,
			real_node_id=node,
		)
