import pytest

from engine.estimate import Progress, Timings


class Clock:
	"""Time that passes when told."""

	now = 100.0

	def __call__(self) -> float:
		return self.now


@pytest.fixture
def clock() -> Clock:
	return Clock()


def progress(clock: Clock, **seconds: float) -> Progress:
	"""Of a job with one node of each kind, whose seconds are known where they are given."""
	timings = Timings({kind: (1, value) for kind, value in seconds.items() if value >= 0})
	found = Progress('job', timings, clock=clock)
	for kind in seconds:
		found.expect(kind.lower(), kind)
	return found


class TestTimings:
	def test_nothing_is_known_at_first(self) -> None:
		"""None is another thing than no time at all."""
		assert Timings().of('KSampler') is None

	def test_recent_calls_count_more(self) -> None:
		"""A change of speed is followed, not at once."""
		timings = Timings({'KSampler': (10, 1.0)})
		timings.learn('KSampler', 2.0)
		once = timings.of('KSampler')
		for _ in range(30):
			timings.learn('KSampler', 2.0)
		at_last = timings.of('KSampler')

		assert once is not None
		assert 1.0 < once < 1.5
		assert at_last == pytest.approx(2.0, abs=0.01)


class TestProgress:
	def test_weighs_by_seconds(self, clock: Clock) -> None:
		"""A node that takes nine tenths of the time is nine tenths of the way."""
		found = progress(clock, Quick=1.0, Slow=9.0)
		found.start('quick', 'Quick')
		clock.now += 1.0
		found.finish('quick', 'Quick')
		event = found.event(clock.now)

		assert (event.fraction, event.seconds_left) == (0.1, 9.0)

	def test_counts_what_a_node_tells(self, clock: Clock) -> None:
		"""Half of its steps took two seconds: two more are left, whatever others of its kind took."""
		found = progress(clock, Slow=9.0)
		found.start('slow', 'Slow')
		clock.now += 2.0
		found.tick('slow', 10, 20)
		event = found.event(clock.now)

		assert (event.fraction, event.seconds_left) == (0.5, 2.0)

	def test_a_node_that_tells_nothing(self, clock: Clock) -> None:
		"""Its expected seconds pass; they never become less than none."""
		found = progress(clock, Slow=9.0)
		found.start('slow', 'Slow')
		clock.now += 4.0

		assert found.event(clock.now).seconds_left == 5.0

		clock.now += 60.0

		assert found.event(clock.now).seconds_left == 0.0

	def test_unknown_kinds_are_guessed_from_what_passed(self, clock: Clock) -> None:
		"""Nothing at first; then in proportion."""
		found = progress(clock, A=-1.0, B=-1.0)

		assert found.event(clock.now).seconds_left is None

		found.start('a', 'A')
		clock.now += 3.0
		found.finish('a', 'A')
		event = found.event(clock.now)

		assert (event.fraction, event.seconds_left) == (0.5, 3.0)

	def test_nodes_may_join_on_the_way(self, clock: Clock) -> None:
		"""By an expansion: the way becomes longer."""
		found = progress(clock, A=1.0)
		found.start('a', 'A')
		found.finish('a', 'A')
		found.start('a.1', 'A')

		assert found.event(clock.now).fraction == 0.5

	def test_is_told_ten_times_a_second_at_most(self, clock: Clock) -> None:
		"""However often something happens."""
		found = progress(clock, A=1.0)
		told = []
		for _ in range(100):
			clock.now += 0.01
			told.append(found.due())

		assert 9 <= sum(event is not None for event in told) <= 10
