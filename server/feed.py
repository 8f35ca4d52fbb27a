"""A client's view of what happens: what it missed first, then what comes, without a gap between the two.

Who does not read fast enough misses ticks and previews, which tell nothing that the next one does not; and is sent away
once too much waits that must not be missed: it comes back and asks from where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from engine.errors import EngineError
from engine.events import Event, ModelDownload, ModelsChanged, NodePreview, QueueChanged
from engine.jobs import PASSING
from server.store.store import Store

MOST_WAITING = 20_000
MOST_PASSING = 1000
"""So many events may wait for a client; ticks and previews only while no more than these do."""
PAGE = 500
Told = AsyncGenerator[tuple[int, Event], None]


class TooSlow(EngineError):
	"""A client reads more slowly than things happen."""


@dataclass(frozen=True, slots=True)
class Interest:
	"""What a client wants to hear of: one job or all, previews or not."""

	job: str | None = None
	previews: bool = False

	def covers(self, event: Event) -> bool:
		"""Whether it wants this one."""
		if isinstance(event, NodePreview) and not self.previews:
			return False
		return self.job is None or event.job == self.job


class Feed:
	"""Numbered events for one client. `after` is the number of the last one that it has; None begins with what comes."""

	def __init__(self, store: Store, interest: Interest, after: int | None) -> None:
		self._store = store
		self._interest = interest
		self._after = after
		self._waiting: deque[tuple[int, Event]] = deque()
		self._filled = asyncio.Event()
		self._lost = False

	async def missed(self) -> Told:
		"""What is written down, up to now."""
		after, until = self._after, self._store.log.last
		while after is not None and after < until:
			found = await self._store.archive.events(after, job=self._interest.job, most=PAGE)
			if not found:
				return
			for number, event in found:
				if number > until:
					return
				after = number
				if self._interest.covers(event):
					yield number, event

	async def all(self) -> Told:
		"""What was missed, then what comes. Raises `TooSlow`."""
		self._store.log.listeners.add(self._hear)
		try:
			async for item in self.missed():
				yield item
			while True:
				while self._waiting:
					yield self._waiting.popleft()
				if self._lost:
					raise TooSlow('Events come faster than they are read; ask again from the last one that was read.')
				self._filled.clear()
				await self._filled.wait()
		finally:
			self._store.log.listeners.discard(self._hear)

	def _hear(self, number: int, event: Event) -> None:
		if self._lost or not self._interest.covers(event):
			return
		passing = isinstance(event, (*PASSING, QueueChanged, ModelsChanged, ModelDownload))
		if len(self._waiting) < (MOST_PASSING if passing else MOST_WAITING):
			self._waiting.append((number, event))
		elif not passing:
			# It is sent away when it reads again, if it ever does: nothing is held for it until then.
			self._lost = True
			self._waiting.clear()
		self._filled.set()
