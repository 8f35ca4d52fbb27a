"""The token through which a running job is asked to stop."""

from __future__ import annotations

import threading

from engine.errors import JobCancelled


class CancelToken:
	"""Set once, from any thread; looked at by the running node between its steps."""

	def __init__(self) -> None:
		self._event = threading.Event()

	def cancel(self) -> None:
		"""Ask for the stop."""
		self._event.set()

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
