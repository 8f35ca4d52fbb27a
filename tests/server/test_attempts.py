"""Failed attempts to come in."""

from __future__ import annotations

import pytest

from server.attempts import LONGEST_DELAY, MOST_ADDRESSES, MOST_ATTEMPTS, WINDOW_SECONDS, Attempts, network
from server.errors import TooManyAttempts


class Time:
	"""A clock that stands still, and a sleep that is only noted."""

	def __init__(self) -> None:
		self.now = 100.0
		self.slept: list[float] = []
		self.attempts = Attempts(clock=lambda: self.now, sleep=self.sleep)

	async def sleep(self, seconds: float) -> None:
		"""Note it."""
		self.slept.append(seconds)

	async def fail(self, times: int, address: str = '10.0.0.1') -> None:
		"""So many wrong tokens."""
		for _ in range(times):
			await self.attempts.failed(address)


class TestDelays:
	"""Wrong tokens wait."""

	async def test_each_waits_longer(self) -> None:
		"""Up to a limit."""
		time = Time()
		await time.fail(MOST_ATTEMPTS)

		assert time.slept == sorted(time.slept)
		assert time.slept[0] < time.slept[1] < time.slept[2]
		assert time.slept[-1] == LONGEST_DELAY

	async def test_too_many_are_refused_at_once(self) -> None:
		"""With the seconds after which the first of them is forgotten."""
		time = Time()
		await time.fail(1)
		time.now += 20
		await time.fail(MOST_ATTEMPTS - 1)
		with pytest.raises(TooManyAttempts) as refused:
			await time.fail(1)

		assert len(time.slept) == MOST_ATTEMPTS
		assert refused.value.headers == {'Retry-After': str(int(WINDOW_SECONDS) - 20 + 1)}

	async def test_they_are_forgotten(self) -> None:
		"""A minute later it begins anew."""
		time = Time()
		await time.fail(MOST_ATTEMPTS)
		time.now += WINDOW_SECONDS
		await time.fail(1)

		assert time.slept[-1] == time.slept[0]

	async def test_each_address_has_its_own(self) -> None:
		"""What one does is not held against another."""
		time = Time()
		await time.fail(MOST_ATTEMPTS, '10.0.0.1')
		await time.fail(1, '10.0.0.2')

		assert time.slept[-1] == time.slept[0]

	async def test_memory_is_bounded(self) -> None:
		"""Of very many addresses the oldest are forgotten, not the busiest."""
		time = Time()
		await time.fail(MOST_ATTEMPTS, '10.9.9.9')
		for number in range(MOST_ADDRESSES):
			await time.fail(1, f'10.0.{number // 250}.{number % 250}')
			if number == MOST_ADDRESSES // 2:
				with pytest.raises(TooManyAttempts):
					await time.fail(1, '10.9.9.9')

		with pytest.raises(TooManyAttempts):
			await time.fail(1, '10.9.9.9')
		assert len(time.attempts._failed) == MOST_ADDRESSES


class TestNetwork:
	"""Who counts as one."""

	@pytest.mark.parametrize(
		('address', 'found'),
		[
			('10.0.0.1', '10.0.0.1'),
			('::ffff:10.0.0.1', '10.0.0.1'),
			('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'),
			('fe80::1%eth0', 'fe80::/64'),
			('', ''),
			('/tmp/socket', '/tmp/socket'),
		],
	)
	def test_network(self, address: str, found: str) -> None:
		"""One IPv6 household has more addresses than can be counted."""
		assert network(address) == found
