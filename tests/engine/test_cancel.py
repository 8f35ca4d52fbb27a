import threading

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, JobCancelled


class TestToken:
	def test_before(self) -> None:
		"""A fresh token stops nobody."""
		token = CancelToken()
		token.check()

		assert not token.cancelled
		assert not token.wait(0)

	def test_after(self) -> None:
		"""A cancelled token raises at each look, and a wait ends at once."""
		token = CancelToken()
		token.cancel()
		token.cancel()

		assert token.cancelled
		assert token.wait(600)
		with pytest.raises(JobCancelled):
			token.check()
		with pytest.raises(Cancelled):
			token.check()

	def test_a_wait_ends_when_another_thread_cancels(self) -> None:
		"""Who waits wakes up and learns that it was a cancel."""
		token = CancelToken()
		woken: list[bool] = []
		thread = threading.Thread(target=lambda: woken.append(token.wait(600)))
		thread.start()
		token.cancel()
		thread.join(60)

		assert woken == [True]
