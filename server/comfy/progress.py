"""How far the nodes of a running job have come, and how much of that is worth telling."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from server.comfy.places import Places
from server.schemas.messages import NodeState, ProgressState, ProgressStateData

WHOLE_SECONDS = 0.1
LONG_BAR = 200
LONG_BAR_SECONDS = 0.05


class Tick(NamedTuple):
	"""How far a node has come."""

	done: int
	total: int


class NodeStates:
	"""The states of one job's nodes, and which of them nobody was told yet.

	Changes are told as they come. The whole, which some clients ask for, grows with the graph: it is told ten times a
	second at most. Of bars above 200 ticks, twenty ticks a second and the last one are told; sampling steps are fewer,
	and clients count them. A tick that a picture follows is told in any case.
	"""

	def __init__(self, job: str, places: Places, clock: Callable[[], float] = time.monotonic) -> None:
		self._job = job
		self._places = places
		self._clock = clock
		self._nodes: dict[str, NodeState] = {}
		self._changed: dict[str, NodeState] = {}
		self._told_at = float('-inf')
		self._ticked_at: dict[str, float] = {}
		self._withheld: dict[str, Tick] = {}

	@property
	def finished(self) -> list[str]:
		"""The nodes that have their results."""
		return [node for node, state in self._nodes.items() if state.state == 'finished']

	@property
	def begun(self) -> bool:
		"""Whether any node has begun."""
		return bool(self._nodes)

	@property
	def pending(self) -> bool:
		"""Whether something has changed since it was last told."""
		return bool(self._changed)

	@property
	def wait(self) -> float:
		"""How many seconds from now the whole may be told again."""
		return max(0.0, self._told_at + WHOLE_SECONDS - self._clock())

	def start(self, node: str) -> None:
		"""A node has begun."""
		self._put(node, 0, 1, 'running')

	def tick(self, node: str, done: int, total: int) -> bool:
		"""A node has come further; tells whether this tick is worth telling."""
		last = self._nodes.get(node)
		# Another node may tell the progress of one that has its results; that one stays where it is.
		if last is None or last.state != 'finished':
			self._put(node, done, total, 'running')
		self._withheld.pop(node, None)
		if total <= LONG_BAR:
			return True
		now = self._clock()
		if 0 < done < total and now - self._ticked_at.get(node, float('-inf')) < LONG_BAR_SECONDS:
			self._withheld[node] = Tick(done, total)
			return False
		self._ticked_at[node] = now
		return True

	def owed(self, node: str) -> Tick | None:
		"""The last tick of a node, if it was not told; to be told now, since a picture belongs to it."""
		return self._withheld.pop(node, None)

	def finish(self, node: str) -> None:
		"""A node has its results."""
		last = self._nodes.get(node)
		total = last.max if last is not None else 1
		self._put(node, total, total, 'finished')

	def fail(self, node: str) -> None:
		"""A node has failed."""
		last = self._nodes.get(node)
		if last is not None:
			self._put(node, last.value, last.max, 'error')

	def changes(self) -> ProgressState:
		"""What has changed since the last call, or since the whole was told."""
		changed, self._changed = self._changed, {}
		return self._message(changed)

	def whole(self) -> ProgressState:
		"""Every node that has begun."""
		self._changed = {}
		self._told_at = self._clock()
		return self._message(self._nodes)

	def _message(self, nodes: dict[str, NodeState]) -> ProgressState:
		# Built of what is valid already; a thousand nodes need not be looked through again.
		return ProgressState(data=ProgressStateData.model_construct(prompt_id=self._job, nodes=nodes))

	def _put(self, node: str, value: int, most: int, state: Literal['running', 'finished', 'error']) -> None:
		place = self._places.of(node)
		self._nodes[node] = self._changed[node] = NodeState(
			value=value,
			max=most,
			state=state,
			node_id=node,
			prompt_id=self._job,
			display_node_id=place.display,
			parent_node_id=place.parent,
			real_node_id=place.real,
		)
