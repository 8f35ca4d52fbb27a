import sys
from dataclasses import dataclass

import numpy as np

from engine.cache import ENTRY_BYTES, CacheKey, Entry, MemoryCache
from engine.codec import size_of
from engine.events import SavedFile, Ui

A, B, C = CacheKey('a'), CacheKey('b'), CacheKey('c')


def entry(letters: int) -> Entry:
	"""An entry that holds a text of so many letters."""
	return Entry((('x' * letters,),))


COST = size_of(entry(1000).outputs) + ENTRY_BYTES


class TestMemoryCache:
	def test_what_was_put_is_there(self) -> None:
		"""Outputs, what was shown and how long it took come back."""
		cache = MemoryCache(10_000)
		kept = Entry(((1,), ('x',)), Ui.of_images(SavedFile(filename='a.png')), 2.5)
		cache.put(A, kept)

		assert cache.get(A) == kept
		assert A in cache
		assert cache.get(B) is None
		assert B not in cache
		assert 5 not in cache

	def test_an_entry_can_be_replaced(self) -> None:
		"""The new one counts, the old one's bytes are given back."""
		cache = MemoryCache(10 * COST)
		cache.put(A, entry(1000))
		cache.put(A, entry(10))
		found = cache.get(A)

		assert found is not None
		assert found.outputs == (('x' * 10,),)
		assert len(cache) == 1
		assert cache.nbytes == size_of(entry(10).outputs) + ENTRY_BYTES

	def test_the_least_recently_used_leaves_first(self) -> None:
		"""Reading an entry makes it recent; asking whether it is there does not."""
		cache = MemoryCache(2 * COST)
		cache.put(A, entry(1000))
		cache.put(B, entry(1000))
		cache.get(A)
		assert B in cache
		cache.put(C, entry(1000))

		assert (A in cache, B in cache, C in cache) == (True, False, True)
		assert cache.nbytes == 2 * COST

	def test_as_many_leave_as_must(self) -> None:
		"""A large entry drives out several small ones, and no more."""
		cache = MemoryCache(3 * COST)
		for key in (A, B, C):
			cache.put(key, entry(1000))
		cache.put(CacheKey('large'), entry(2000 - 100))

		assert (A in cache, B in cache, C in cache) == (False, False, True)
		assert cache.nbytes <= 3 * COST

	def test_a_too_large_entry_is_not_kept(self) -> None:
		"""What exceeds the whole budget drives nobody out; an older one of its key is gone all the same."""
		cache = MemoryCache(2 * COST)
		cache.put(A, entry(1000))
		cache.put(B, entry(10))
		cache.put(B, entry(10_000))

		assert A in cache
		assert B not in cache
		assert cache.nbytes == COST

	def test_an_entry_that_is_no_longer_good_is_no_hit(self) -> None:
		"""`in` and `get` both ask whether an entry is still good, each time."""
		good = True
		cache = MemoryCache(10_000, is_valid=lambda _: good)
		cache.put(A, entry(1))
		assert A in cache
		good = False

		assert A not in cache
		assert cache.get(A) is None

	def test_clear(self) -> None:
		"""Nothing is left, and the room is free again."""
		cache = MemoryCache(COST)
		cache.put(A, entry(1000))
		cache.clear()
		cache.put(B, entry(1000))

		assert A not in cache
		assert B in cache
		assert len(cache) == 1


@dataclass
class Pair:
	first: object
	second: object


class TestSizeOf:
	def test_an_array_counts_its_elements_once(self) -> None:
		"""The bytes of an array, and about nothing beside, whether it owns them or is a view."""
		array = np.zeros(100_000, dtype=np.float32)

		assert 400_000 <= size_of(array) < 401_000
		assert 400_000 <= size_of(array.reshape(10, -1)) < 401_000

	def test_containers_add_up(self) -> None:
		"""Mappings with their keys, lists, tuples, sets and dataclasses count all that they hold."""
		text = 'x' * 1000

		for made in (
			[text],
			(text,),
			{text},
			frozenset({text}),
			{'key': text},
			{text: 1},
			Pair(text, 1),
			[[Pair({1: [text]}, 0)]],
		):
			assert size_of(made) > sys.getsizeof(text), made

	def test_a_shared_part_counts_once(self) -> None:
		"""The same object held twice takes no more room."""
		text = 'x' * 10_000

		assert size_of([text, text, [text]]) < 11_000

	def test_a_circle_ends(self) -> None:
		"""A list that holds itself has a size."""
		circle: list[object] = ['x' * 1000]
		circle.append(circle)

		assert 1000 < size_of(circle) < 2000

	def test_a_deep_nest_needs_no_recursion(self) -> None:
		"""A list in a list in a list, very often."""
		nest: list[object] = []
		for _ in range(10_000):
			nest = [nest]

		assert size_of(nest) > 10_000 * sys.getsizeof([])


class TestNames:
	def test_two_names_of_one_entry(self) -> None:
		"""Its bytes count once, and it leaves under both."""
		cache = MemoryCache(COST)
		cache.put(A, entry(1000), also=B)

		assert cache.get(A) is cache.get(B)
		assert cache.nbytes == COST

		cache.put(C, entry(1000))

		assert (A in cache, B in cache, C in cache) == (False, False, True)

	def test_a_third_name(self) -> None:
		"""What is found by content gets the key under which it was sought."""
		cache = MemoryCache(10 * COST)
		cache.put(A, entry(1000), also=B)
		found = cache.get(B)
		assert found is not None
		cache.put(C, found, also=B)

		assert cache.get(C) is found
		assert len(cache) == 1


class TestModes:
	def test_classic_keeps_what_the_prompt_has(self) -> None:
		"""What it has no step for is dropped when it begins."""
		cache = MemoryCache(10 * COST, mode='classic')
		for key in (A, B):
			cache.put(key, entry(10))
		cache.begin([A])

		assert (A in cache, B in cache) == (True, False)

	def test_lru_keeps_the_last_prompts(self) -> None:
		"""As many as are asked for."""
		cache = MemoryCache(0, mode='lru', entries=2)
		for key in (A, B, C):
			cache.begin([key])
			cache.put(key, entry(10))
			cache.finish()
		cache.begin([])

		assert (A in cache, B in cache, C in cache) == (False, False, True)

	def test_none_keeps_nothing_beyond_the_job(self) -> None:
		"""Within it, equal steps still find each other."""
		cache = MemoryCache(10 * COST, mode='none')
		cache.begin([A])
		cache.put(A, entry(10))
		inside = A in cache
		cache.finish()

		assert inside
		assert A not in cache

	def test_ram_lets_older_and_larger_ones_go_first(self) -> None:
		"""As much as memory runs short of."""
		free = [10**9]
		cache = MemoryCache(0, mode='ram', headroom=1000, available=lambda: free[0], size=lambda value: 2**26)
		cache.begin([A])
		cache.put(A, entry(10))
		cache.begin([B])
		cache.put(B, entry(10))
		free[0] = 0
		cache.begin([C])
		cache.put(C, entry(10))

		assert A not in cache
		assert C in cache


class TestPressure:
	def test_memory_runs_short(self) -> None:
		"""The least recently used leave, until there is room for others on the machine."""
		free = [10**9]
		cache = MemoryCache(2**40, headroom=2**26, available=lambda: free[0], size=lambda value: 2**26)
		cache.put(A, entry(10))
		cache.put(B, entry(10))
		cache.get(A)
		free[0] = 0
		cache.put(C, entry(10))

		assert B not in cache
		assert C in cache

	def test_enough_memory(self) -> None:
		"""Nothing leaves."""
		cache = MemoryCache(2**40, headroom=10, available=lambda: 2**40, size=lambda value: 2**26)
		for key in (A, B, C):
			cache.put(key, entry(10))

		assert len(cache) == 3
