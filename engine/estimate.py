"""How far a job has come and how long it will still take, as far as earlier calls of the same kinds tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from engine.events import JobProgress

FORGET = 0.3
TELL_SECONDS = 0.1
UNKNOWN_SECONDS = 0.01
SURE_FRACTION = 0.05


class Timings:
	"""Seconds that a call of each kind takes: a mean in which recent calls count more."""

	def __init__(self, known: Mapping[str, tuple[int, float]] | None = None) -> None:
		self._seconds = {kind: seconds for kind, (_, seconds) in (known or {}).items()}

	def learn(self, kind: str, seconds: float) -> None:
		"""A call has taken so long."""
		before = self._seconds.get(kind)
		self._seconds[kind] = seconds if before is None else before + FORGET * (seconds - before)

	def of(self, kind: str) -> float | None:
		"""The expected seconds; None if no call is known."""
		return self._seconds.get(kind)


class Progress:
	"""The progress of one run. Tells of it ten times a second at most."""

	def __init__(self, job: str, timings: Timings, *, clock: Callable[[], float] = time.monotonic) -> None:
		self._job = job
		self._timings = timings
		self._clock = clock
		self._began = self._told = clock()
		self._expected: dict[str, float] = {}
		self._running: dict[str, tuple[float, float]] = {}
		self._total = 0.0
		self._done = 0.0
		self._unknown = 0

	def expect(self, node: str, kind: str) -> None:
		"""One more node will run."""
		seconds = self._timings.of(kind)
		if seconds is None:
			self._unknown += 1
		weight = max(seconds or UNKNOWN_SECONDS, 1e-6)
		self._expected[node] = weight
		self._total += weight

	def start(self, node: str, kind: str) -> None:
		"""A node's call begins."""
		if node not in self._expected:
			self.expect(node, kind)  # It came by an expansion, or was asked for.
		self._running[node] = (self._clock(), 0.0)

	def tick(self, node: str, done: int, total: int) -> None:
		"""A running node has come so far."""
		if node in self._running and total > 0:
			self._running[node] = (self._running[node][0], min(max(done / total, 0.0), 1.0))

	def finish(self, node: str, kind: str) -> None:
		"""A node has its results."""
		weight = self._expected.pop(node, None)
		self._running.pop(node, None)
		if weight is not None:
			self._done += weight
			if self._unknown and self._timings.of(kind) is None:
				self._unknown -= 1

	def due(self) -> JobProgress | None:
		"""The event to tell now; None while one was told a moment ago."""
		now = self._clock()
		if now - self._told < TELL_SECONDS:
			return None
		self._told = now
		return self.event(now)

	def event(self, now: float) -> JobProgress:
		"""How far the run is at a moment of the clock."""
		partly = sum(self._expected.get(node, 0.0) * fraction for node, (_, fraction) in self._running.items())
		fraction = (self._done + partly) / self._total if self._total else 1.0
		return JobProgress(
			job=self._job, fraction=round(min(fraction, 1.0), 4), seconds_left=self._seconds_left(fraction, now)
		)

	def _seconds_left(self, fraction: float, now: float) -> float | None:
		if not self._unknown:
			left = sum(self._expected.values())
			for node, (began, part) in self._running.items():
				weight = self._expected.get(node, 0.0)
				# What the node itself tells is better than what others of its kind took.
				left += ((now - began) / part * (1 - part) if part else max(weight - (now - began), 0.0)) - weight
			return round(max(left, 0.0), 2)
		if fraction < SURE_FRACTION:
			return None
		return round((now - self._began) / fraction * (1 - fraction), 2)
