"""What a run of a graph would do, summed up."""

from __future__ import annotations

from engine.outlook import outlook

TIMES = {'Slow': 4.0, 'Fast': 0.5}


class TestOutlook:
	"""Seconds of what is pending."""

	def test_sums_what_is_known(self) -> None:
		"""A node counts as often as it is there; of which kind no call is known, is told."""
		found = outlook(['0'], [('1', 'Slow'), ('2', 'Fast'), ('3', 'Fast'), ('4', 'New')], TIMES.get)

		assert (found.cached, found.pending) == (('0',), ('1', '2', '3', '4'))
		assert (found.seconds, found.untimed) == (5.0, ('4',))

	def test_nothing_is_known(self) -> None:
		"""Then there is no guess."""
		assert outlook([], [('4', 'New')], TIMES.get).seconds is None

	def test_all_is_in_the_cache(self) -> None:
		"""That takes no time."""
		assert outlook(['1'], [], TIMES.get).seconds == 0
