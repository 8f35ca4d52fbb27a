"""Outputs by key. What has its key here is not computed again.

An entry is a hit only while it is still good: a picture whose file was deleted is computed, and saved, anew.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NewType, Protocol

from engine.events import Ui

CacheKey = NewType('CacheKey', str)
Outputs = tuple[object, ...]


@dataclass(frozen=True)
class Entry:
	"""What a node gave: its outputs, what it showed, and how long it took."""

	outputs: Outputs
	ui: Ui | None = None
	seconds: float = 0.0
	nbytes: int = field(default=0, compare=False)


class OutputCache(Protocol):
	"""Where entries are kept. `get` and `in` agree: both tell only of entries that are still good."""

	def __contains__(self, key: object) -> bool: ...

	def get(self, key: CacheKey) -> Entry | None: ...

	def put(self, key: CacheKey, entry: Entry) -> None: ...

	def clear(self) -> None: ...


class MemoryCache:
	"""Keeps entries in memory up to a budget of bytes; the least recently used leave first."""

	def __init__(self, budget: int, *, is_valid: Callable[[Entry], bool] = lambda entry: True) -> None:
		self._budget = budget
		self._is_valid = is_valid
		self._lock = threading.Lock()
		self._entries: OrderedDict[CacheKey, Entry] = OrderedDict()
		self._used = 0

	def __contains__(self, key: object) -> bool:
		with self._lock:
			entry = self._entries.get(CacheKey(key)) if isinstance(key, str) else None
		return entry is not None and self._is_valid(entry)

	def __len__(self) -> int:
		return len(self._entries)

	@property
	def nbytes(self) -> int:
		"""The bytes that the entries hold."""
		return self._used

	def get(self, key: CacheKey) -> Entry | None:
		"""The entry, which becomes the most recently used; None if there is none that is good."""
		with self._lock:
			entry = self._entries.get(key)
			if entry is not None:
				self._entries.move_to_end(key)
		return entry if entry is not None and self._is_valid(entry) else None

	def put(self, key: CacheKey, entry: Entry) -> None:
		"""Keep an entry. One that is larger than the whole budget is not kept."""
		nbytes = size_of(entry.outputs)
		with self._lock:
			self._drop(key)
			if nbytes > self._budget:
				return
			self._entries[key] = dataclasses.replace(entry, nbytes=nbytes)
			self._used += nbytes
			while self._used > self._budget:
				self._drop(next(iter(self._entries)))

	def clear(self) -> None:
		"""Forget everything."""
		with self._lock:
			self._entries.clear()
			self._used = 0

	def _drop(self, key: CacheKey) -> None:
		gone = self._entries.pop(key, None)
		if gone is not None:
			self._used -= gone.nbytes


def size_of(value: object) -> int:
	"""About how many bytes a value holds: arrays and tensors tell, containers and dataclasses add up."""
	total = 0
	waiting: list[object] = [value]
	seen: set[int] = set()
	while waiting:
		item = waiting.pop()
		if id(item) in seen:
			continue
		seen.add(id(item))
		nbytes = getattr(item, 'nbytes', None)
		if isinstance(nbytes, int):
			# An array that owns its memory counts it in getsizeof too.
			total += max(nbytes, sys.getsizeof(item))
			continue
		if isinstance(item, Mapping):
			waiting.extend([*item.keys(), *item.values()])
		elif isinstance(item, list | tuple | set | frozenset):
			waiting.extend(item)
		elif dataclasses.is_dataclass(item) and not isinstance(item, type):
			waiting.extend(getattr(item, part.name) for part in dataclasses.fields(item))
		total += sys.getsizeof(item)
	return total
