"""Failed attempts to come in: each is answered later than the one before, and too many not at all for a while.

Tokens cannot be guessed, so this is against noise. Who has the right token is never kept waiting for what others, who may
share its address behind a proxy, have tried.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

from server.errors import TooManyAttempts

WINDOW_SECONDS = 60.0
MOST_ATTEMPTS = 10
FIRST_DELAY = 0.05
LONGEST_DELAY = 2.0
MOST_ADDRESSES = 1000


class Attempts:
	"""Counts by address, in a moving window. `clock` and `sleep` are for tests."""

	def __init__(
		self,
		*,
		clock: Callable[[], float] = time.monotonic,
		sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
	) -> None:
		self._clock = clock
		self._sleep = sleep
		self._failed: OrderedDict[str, deque[float]] = OrderedDict()

	async def failed(self, address: str) -> None:
		"""Count an attempt that failed, and wait. Raises `TooManyAttempts` at once if there were too many."""
		place, now = network(address), self._clock()
		times = self._failed.setdefault(place, deque(maxlen=MOST_ATTEMPTS))
		self._failed.move_to_end(place)
		if len(self._failed) > MOST_ADDRESSES:
			self._failed.popitem(last=False)
		while times and times[0] <= now - WINDOW_SECONDS:
			times.popleft()
		if len(times) == MOST_ATTEMPTS:
			raise TooManyAttempts(int(times[0] + WINDOW_SECONDS - now) + 1)
		times.append(now)
		await self._sleep(min(FIRST_DELAY * 2 ** (len(times) - 1), LONGEST_DELAY))


def network(address: str) -> str:
	"""Who counts as one: an IPv4 address, or the 64 bits that one IPv6 host or household has to itself."""
	try:
		parsed = ipaddress.ip_address(address.partition('%')[0])
	except ValueError:
		return address
	if isinstance(parsed, ipaddress.IPv6Address):
		return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
	return str(parsed)
