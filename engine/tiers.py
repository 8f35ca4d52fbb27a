"""Memory over disk: two caches as one, and the cache that the settings ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from engine.cache import CacheKey, Entry, MemoryCache, OutputCache
from engine.codec import Codecs
from engine.disk import DiskCache
from engine.graph import NodeId
from engine.settings import Settings

log = logging.getLogger(__name__)


class TieredCache:
	"""Looks in memory first, then on disk; what is found there comes into memory. Keeps everything in both."""

	def __init__(self, memory: MemoryCache, disk: DiskCache) -> None:
		self.memory = memory
		self.disk = disk

	def __contains__(self, key: object) -> bool:
		return key in self.memory or key in self.disk

	def get(self, key: CacheKey) -> Entry | None:
		"""The entry; None if neither has one that is good."""
		entry = self.memory.get(key)
		if entry is None:
			entry = self.disk.get(key)
			if entry is not None:
				self.memory.put(key, entry)
		return entry

	def put(self, key: CacheKey, entry: Entry, *, also: CacheKey | None = None, owner: NodeId | None = None) -> None:
		"""Keep an entry in both."""
		self.memory.put(key, entry, also=also, owner=owner)
		self.disk.put(key, entry, also=also)

	def clear(self) -> None:
		"""Forget everything but what is pinned on disk."""
		self.memory.clear()
		self.disk.clear()

	def begin(self, keys: Collection[CacheKey], nodes: Collection[NodeId] = ()) -> None:
		"""A job begins whose steps have these keys, and are of these nodes."""
		self.memory.begin(keys, nodes)
		self.disk.begin(keys)

	def finish(self) -> None:
		"""The job is over."""
		self.memory.finish()
		self.disk.finish()


def open_cache(
	settings: Settings, codecs: Codecs, is_valid: Callable[[Entry], bool] = lambda entry: True, *, profile: str = 'cpu'
) -> OutputCache:
	"""The cache that the settings ask for; in memory only if the disk cannot be used, which is told in the log."""
	memory = MemoryCache(
		settings.cache_bytes,
		mode=settings.cache_mode,
		entries=settings.cache_entries,
		headroom=settings.headroom_bytes,
		is_valid=is_valid,
		size=codecs.size,
	)
	if settings.cache_mode != 'bytes' or settings.disk_bytes == 0:
		return memory
	folder = settings.cache_folder
	try:
		disk = DiskCache(folder, budget=settings.disk_bytes, codecs=codecs, is_valid=is_valid, profile=profile)
	except OSError as error:
		log.warning('The disk cache in %s cannot be used: %s', folder, error)
		return memory
	return TieredCache(memory, disk)


def disk_of(cache: OutputCache) -> DiskCache | None:
	"""The part of a cache that is on disk, if it has one."""
	return cache.disk if isinstance(cache, TieredCache) else None
