import pytest

from engine.errors import OutOfDeviceMemory
from engine.models import CPU, Place, Size
from engine.residency import Holding, Plan, Residency

GPU = Place('cuda:0')


def holding(name: str, nbytes: int, *, leases: int = 0, on: Holding | None = None, place: Place = CPU) -> Holding:
	"""So many bytes at a place."""
	return Holding(name, {place: nbytes}, leases, on)


def of(budget: int, *holdings: Holding) -> Residency:
	"""Holdings in the order of their last use."""
	residency = Residency({CPU: budget})
	for item in holdings:
		residency.add(item)
	return residency


class TestWhoLeaves:
	def test_the_least_recently_used(self) -> None:
		"""Use makes recent; what is leased or leaving is passed over."""
		a, b, c, d = holding('a', 1), holding('b', 1), holding('c', 1, leases=1), holding('d', 1)
		residency = of(10, a, b, c, d)
		residency.touch(a)
		assert residency.victim(CPU) is b
		b.leaving = True

		assert residency.victim(CPU) is d

	def test_sets_before_their_base(self) -> None:
		"""Even a set without bytes of its own goes first; a leased set keeps its base."""
		base = holding('base', 3)
		changed = holding('set', 0, on=base)
		residency = of(10, base, changed)

		assert residency.victim(CPU) is changed
		changed.leases = 1
		assert residency.victim(CPU) is None
		assert residency.room(CPU) == 7

	def test_elsewhere(self) -> None:
		"""What holds nothing at a place does not leave it."""
		residency = of(10, holding('a', 1, place=GPU))

		assert residency.victim(CPU) is None
		assert residency.victim(GPU) is not None

	def test_a_used_set_makes_its_base_recent(self) -> None:
		"""Both were used."""
		base, other = holding('base', 1), holding('other', 1)
		changed = holding('set', 1, on=base)
		residency = of(10, base, changed, other)
		residency.touch(changed)

		assert list(residency) == [other, base, changed]


class TestPlan:
	def test_whole(self) -> None:
		"""What may leave counts as room."""
		residency = of(10, holding('a', 6), holding('b', 2, leases=1))

		assert residency.plan(CPU, Size(8)) == Plan(8)

	def test_streamed(self) -> None:
		"""As much at a time as there is room for, beside what is worked out."""
		residency = of(10, holding('b', 2, leases=1))

		assert residency.plan(CPU, Size(20, least=3), working=4) == Plan(4, 4)

	@pytest.mark.parametrize(
		('size', 'working', 'needed'), [(Size(9), 0, 9), (Size(20, least=9), 0, 9), (Size(5), 5, 10)]
	)
	def test_refused(self, size: Size, working: int, needed: int) -> None:
		"""With what would be needed at least, what could be free, and who holds the rest."""
		residency = of(10, holding('a', 6), holding('b', 2, leases=1))
		with pytest.raises(OutOfDeviceMemory) as caught:
			residency.plan(CPU, size, working)

		assert (caught.value.needed, caught.value.holders) == (needed, ('b (0 MiB)',))

	def test_an_unknown_place(self) -> None:
		"""There is no room."""
		with pytest.raises(OutOfDeviceMemory):
			of(10).plan(GPU, Size(1))

	def test_a_smaller_limit(self) -> None:
		"""It counts from then on; nobody is sent away by it."""
		residency = of(10, holding('a', 6, leases=1))
		residency.limit(CPU, 4)

		assert (residency.free(CPU), residency.used(CPU)) == (-2, 6)
