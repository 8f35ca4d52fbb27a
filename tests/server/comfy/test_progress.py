"""How far nodes have come, and when that is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.comfy.progress import JobProgress


@pytest.fixture
def clock() -> Callable[[], float]:
	"""A clock that goes on by a millisecond at each look."""
	moments = iter(range(1, 10**9))
	return lambda: next(moments) / 1000


class TestTick:
	"""Ticks of one node."""

	@pytest.mark.parametrize('total', [1, 20, 200])
	def test_short_bars_are_told_in_full(self, clock: Callable[[], float], total: int) -> None:
		"""Sampling steps are counted by clients: none is left out."""
		progress = JobProgress('job', 1, clock)

		assert all(progress.tick('1', done, total) for done in range(1, total + 1))

	def test_long_bars_are_thinned_out(self, clock: Callable[[], float]) -> None:
		"""Of a long bar the first tick, the last, and one each twentieth of a second are told."""
		progress = JobProgress('job', 1, clock)
		told = [done for done in range(1001) if progress.tick('1', done, 1000)]

		assert told[0] == 0
		assert told[-1] == 1000
		assert 15 < len(told) < 30


class TestMessage:
	"""The state of all nodes."""

	def test_small_graph(self, clock: Callable[[], float]) -> None:
		"""Each change is told; a finished node stands at its maximum."""
		progress = JobProgress('job', 200, clock)
		progress.start('1')
		first = progress.message()
		progress.tick('1', 3, 7)
		progress.finish('1')
		last = progress.message()

		assert first is not None
		assert (first.data.nodes['1'].value, first.data.nodes['1'].max) == (0, 1)
		assert last is not None
		assert (last.data.nodes['1'].value, last.data.nodes['1'].max, last.data.nodes['1'].state) == (7, 7, 'finished')
		assert not progress.pending

	def test_large_graph(self, clock: Callable[[], float]) -> None:
		"""A tenth of a second lies between two; what is pending can be insisted on."""
		progress = JobProgress('job', 201, clock)
		messages = []
		for node in range(500):
			progress.start(f'{node}')
			messages.append(progress.message())

		assert 4 < sum(message is not None for message in messages) < 8
		assert progress.pending
		last = progress.message(now=True)
		assert last is not None
		assert len(last.data.nodes) == 500
