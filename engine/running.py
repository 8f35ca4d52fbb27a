"""The job at a worker: where it has come to, and for how long it has been there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.events import AnyEvent, GraphExpanded, NodeFinished, NodeStarted, NodeWaits
from engine.jobs import Job

LATE_SECONDS = 2.0


class WakingClock:
	"""Seconds in which this process was awake, as long as it is asked more often than each `LATE_SECONDS`.

	A server that was stopped itself, or busy, must not take its workers for hung.
	"""

	def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
		self._monotonic = monotonic
		self._last = monotonic()
		self._missed = 0.0

	def now(self) -> float:
		"""The time."""
		at = self._monotonic()
		self._missed += max(0.0, at - self._last - LATE_SECONDS)
		self._last = at
		return at - self._missed


class NodeAtWork(NamedTuple):
	"""A node whose function is being called."""

	node: str
	kind: str
	since: float


@dataclass(eq=False)
class Running:
	"""A job, since when it shall stop, which node its worker was ended for, and the nodes that are at work."""

	job: Job
	interrupted: float | None = None
	blamed: NodeAtWork | None = None
	# The one that began last is at the end.
	_nodes: dict[str, NodeAtWork] = field(default_factory=dict)

	@property
	def last(self) -> NodeAtWork | None:
		"""The node that began last, of those at work."""
		return next(reversed(self._nodes.values()), None)

	@property
	def node(self) -> str | None:
		"""Its id."""
		return None if self.last is None else self.last.node

	@property
	def kind(self) -> str:
		"""Its kind."""
		return '' if self.last is None else self.last.kind

	def note(self, event: AnyEvent, now: float) -> None:
		"""Take in what was told of the job."""
		match event:
			case NodeStarted():
				self._nodes.pop(event.node, None)
				self._nodes[event.node] = NodeAtWork(event.node, event.kind, now)
			case NodeFinished() | NodeWaits() | GraphExpanded():
				self._nodes.pop(event.node, None)

	def seen(self, node: str, kind: str, now: float) -> None:
		"""A node is at work of which nothing was told yet."""
		self._nodes.setdefault(node, NodeAtWork(node, kind, now))

	def overdue(self, now: float, limit_of: Callable[[str], float | None]) -> tuple[NodeAtWork, float] | None:
		"""A node that is at work for longer than the limit of its kind, and that limit."""
		for at_work in self._nodes.values():
			limit = limit_of(at_work.kind)
			if limit is not None and now - at_work.since > limit:
				return at_work, limit
		return None
