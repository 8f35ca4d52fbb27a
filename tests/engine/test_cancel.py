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


class TestSubscribers:
	def test_they_are_called_once(self) -> None:
		"""However often somebody cancels."""
		token, heard = CancelToken(), list[str]()
		token.subscribe(lambda: heard.append('first'))
		token.subscribe(lambda: heard.append('second'))
		token.cancel()
		token.cancel()

		assert heard == ['first', 'second']

	def test_who_comes_late_is_called_at_once(self) -> None:
		"""The stop was asked for already."""
		token, heard = CancelToken(), list[str]()
		token.cancel()
		token.subscribe(lambda: heard.append('late'))

		assert heard == ['late']

	def test_who_has_left_is_not_called(self) -> None:
		"""Leaving twice, or after the stop, does no harm."""
		token, heard = CancelToken(), list[str]()
		leave = token.subscribe(lambda: heard.append('gone'))
		leave()
		leave()
		token.cancel()
		leave()

		assert heard == []

	def test_a_subscriber_may_look_at_the_token(self) -> None:
		"""It is set by then, and no lock is held."""
		token, seen = CancelToken(), list[bool]()
		token.subscribe(lambda: seen.append(token.cancelled))
		token.cancel()

		assert seen == [True]
