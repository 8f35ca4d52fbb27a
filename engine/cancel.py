"""The token through which a running job is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.errors import JobCancelled


class CancelToken:
	"""Set once, from any thread; looked at by the running node between its steps."""

	def __init__(self) -> None:
		self._event = threading.Event()
		# Reentrant: a signal handler may cancel in the very thread that holds it.
		self._lock = threading.RLock()
		self._calls: list[Callable[[], None]] = []

	def cancel(self) -> None:
		"""Ask for the stop; everybody who subscribed is called, once."""
		with self._lock:
			if self._event.is_set():
				return
			self._event.set()
			calls = tuple(self._calls)
		for call in calls:
			call()

	def subscribe(self, call: Callable[[], None]) -> Callable[[], None]:
		"""Have a call made when the stop is asked for: in the asking thread, or at once if it was asked already.

		Gives the call that ends the subscription.
		"""
		with self._lock:
			asked = self._event.is_set()
			if not asked:
				self._calls.append(call)
		if asked:
			call()

		def unsubscribe() -> None:
			with self._lock:
				if call in self._calls:
					self._calls.remove(call)

		return unsubscribe

	@property
	def cancelled(self) -> bool:
		"""Whether a stop has been asked for."""
		return self._event.is_set()

	def check(self) -> None:
		"""Raise `JobCancelled` if a stop has been asked for."""
		if self._event.is_set():
			raise JobCancelled('The job was interrupted.')

	def wait(self, seconds: float) -> bool:
		"""Sleep that ends early on cancel; tells whether it was cancelled."""
		return self._event.wait(seconds)
