"""Memory over disk, and what the settings ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cache import CacheKey, Entry, MemoryCache
from engine.codec import Codecs
from engine.disk import DiskCache
from engine.settings import CacheMode, Settings
from engine.tiers import TieredCache, disk_of, open_cache

A, B = CacheKey('a'), CacheKey('b')
ENTRY = Entry(((['x'],),), seconds=1.0, digests=('d',))


@pytest.fixture
def cache(tmp_path: Path) -> TieredCache:
	"""Both, over an empty folder."""
	codecs = Codecs()
	return TieredCache(MemoryCache(2**20, size=codecs.size), DiskCache(tmp_path, budget=2**20, codecs=codecs))


class TestTiers:
	"""Memory is asked first, then the disk."""

	def test_kept_in_both(self, cache: TieredCache) -> None:
		"""Under both names."""
		cache.put(A, ENTRY, also=B)

		assert all(key in tier for key in (A, B) for tier in (cache, cache.memory, cache.disk))

	def test_what_is_found_on_disk_comes_into_memory(self, cache: TieredCache) -> None:
		"""It is decoded once, and then shared."""
		cache.put(A, ENTRY)
		cache.memory.clear()
		assert A in cache
		assert A not in cache.memory
		found = cache.get(A)

		assert found == ENTRY
		assert cache.get(A) is found
		assert cache.disk.stats().hits == 1

	def test_what_the_disk_cannot_hold_is_in_memory(self, cache: TieredCache) -> None:
		"""An opaque value lives as long as the process."""
		cache.put(A, Entry(((object(),),)))

		assert A in cache
		assert A not in cache.disk

	def test_a_name_more_is_no_entry_more(self, cache: TieredCache) -> None:
		"""What was found on disk by its content, and gets its key, is held in memory once."""
		cache.put(A, ENTRY, also=B)
		cache.memory.clear()
		found = cache.get(B)
		assert found is not None
		cache.put(CacheKey('c'), found, also=B)

		assert len(cache.memory) == 1
		assert CacheKey('c') in cache.disk

	def test_clear_spares_pins(self, cache: TieredCache) -> None:
		"""They stay on disk."""
		cache.put(A, ENTRY)
		cache.put(B, ENTRY)
		cache.disk.pin([A])
		cache.clear()

		assert len(cache.memory) == 0
		assert (A in cache, B in cache) == (True, False)

	def test_only_what_is_good_is_a_hit(self, tmp_path: Path) -> None:
		"""In memory and on disk, a picture whose file was deleted is no hit; once it is back, it is one."""
		good = [True]
		made = open_cache(Settings(base=tmp_path), Codecs(), lambda entry: good[0])
		made.put(A, ENTRY)
		good[0] = False
		assert A not in made
		assert made.get(A) is None
		good[0] = True

		assert made.get(A) == ENTRY


class TestOpenCache:
	"""The cache that the settings describe."""

	def test_by_default_there_are_both(self, tmp_path: Path) -> None:
		"""The disk's part lies in the cache folder, and is there again the next time."""
		asked = Settings(base=tmp_path)
		open_cache(asked, Codecs()).put(A, ENTRY)
		again = open_cache(asked, Codecs())
		disk = disk_of(again)

		assert disk is not None
		assert disk.folder.is_relative_to(asked.cache_folder)
		assert again.get(A) == ENTRY

	@pytest.mark.parametrize('mode', ['classic', 'lru', 'ram', 'none'])
	def test_other_modes_keep_nothing_on_disk(self, tmp_path: Path, mode: CacheMode) -> None:
		"""They are ComfyUI's."""
		made = open_cache(Settings(base=tmp_path, cache_mode=mode), Codecs())
		made.put(A, ENTRY)

		assert A in made
		assert disk_of(made) is None
		assert not (tmp_path / 'cache').exists()

	def test_no_bytes_no_disk(self, tmp_path: Path) -> None:
		"""`disk_bytes` of 0 turns it off."""
		assert disk_of(open_cache(Settings(base=tmp_path, disk_bytes=0), Codecs())) is None

	def test_a_folder_that_cannot_be_used(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
		"""It is told, and memory does alone."""
		(tmp_path / 'cache').write_text('a file where a folder is wanted')
		made = open_cache(Settings(base=tmp_path), Codecs())
		made.put(A, ENTRY)

		assert disk_of(made) is None
		assert made.get(A) == ENTRY
		assert 'cannot be used' in caplog.text
