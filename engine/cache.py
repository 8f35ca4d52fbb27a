"""Outputs by key. What has its key here is not computed again.

An entry is a hit only while it is still good: a picture whose file was deleted is computed, and saved, anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NewType, Protocol

from engine.codec import size_of
from engine.events import Ui
from engine.graph import NodeId
from engine.memory import available_memory, total_memory
from engine.settings import CacheMode

CacheKey = NewType('CacheKey', str)
Items = tuple[object, ...]
"""The values of one output: one, or those of a list."""
Outputs = tuple[Items, ...]

ENTRY_BYTES = 1024
"""What an entry takes besides its outputs: keys, digests, its places in the tables. Of small values it is the most."""
MOST_NAMES = 64
"""Names of one entry; the oldest are forgotten."""
CHECK_BYTES = 64 * 2**20
CHECK_SECONDS = 0.1
"""After so many new bytes, or so long, it is worth asking how much memory is left."""
LEAST_HEADROOM = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Entry:
	"""What a node gave: its outputs, what it showed, how long it took.

	`digests` has a digest for each output: of its content, or of its key where the value has no content that could be
	told (`Codecs.digest`).
	"""

	outputs: Outputs
	ui: Ui | None = None
	seconds: float = 0.0
	kind: str = ''
	digests: tuple[str, ...] = ()
	nbytes: int = field(default=0, compare=False)


class OutputCache(Protocol):
	"""Where entries are kept. `get` and `in` agree: both tell only of entries that are still good."""

	def __contains__(self, key: object) -> bool: ...

	def get(self, key: CacheKey) -> Entry | None:
		"""The entry; None if there is none that is good."""
		...

	def put(self, key: CacheKey, entry: Entry, *, also: CacheKey | None = None, owner: NodeId | None = None) -> None:
		"""Keep an entry, if there is room. `also` is a second name for the same entry.

		`owner` is the submitted node whose expansion brought in the node that gave it.
		"""
		...

	def clear(self) -> None:
		"""Forget everything."""
		...

	def begin(self, keys: Collection[CacheKey], nodes: Collection[NodeId] = ()) -> None:
		"""A job begins whose steps have these keys, and are of these nodes."""
		...

	def finish(self) -> None:
		"""The job is over."""
		...


@dataclass(slots=True)
class _Kept:
	"""An entry, the names by which it is found, the last prompt that used it, its owner, and what it takes."""

	serial: int
	entry: Entry
	names: list[CacheKey]
	prompt: int
	owner: NodeId | None
	nbytes: int


class MemoryCache:
	"""Keeps entries in memory. What leaves, and when, is up to `mode`.

	`bytes`    what exceeds `budget` bytes, the least recently used first; and as much as memory runs short of
	`classic`  when a job begins, what it has no step for, nor the owner
	`lru`      what none of the last `entries` jobs had a step for, nor the owner
	`ram`      as much as memory runs short of: of older jobs first, and the largest first
	`none`     everything, when the job is over

	Memory runs short when less than `headroom` bytes are `available`, which is asked at the first `put` after a tenth of
	a second or 64 MiB. `size` tells how many bytes an entry's outputs hold. Any thread may use it.
	"""

	def __init__(
		self,
		budget: int,
		*,
		mode: CacheMode = 'bytes',
		entries: int = 0,
		headroom: int | None = None,
		is_valid: Callable[[Entry], bool] = lambda entry: True,
		available: Callable[[], int] = available_memory,
		size: Callable[[object], int] = size_of,
	) -> None:
		self._budget = budget
		self._mode = mode
		self._prompts = max(1, entries if mode == 'lru' else 1)
		self._headroom = max(LEAST_HEADROOM, total_memory() // 20) if headroom is None else headroom
		self._is_valid = is_valid
		self._available = available
		self._size = size
		self._lock = threading.Lock()
		self._names: dict[CacheKey, _Kept] = {}
		self._kept: OrderedDict[int, _Kept] = OrderedDict()  # least recently used first
		self._used = 0
		self._serial = 0
		self._prompt = 0
		self._unchecked = 0
		self._checked_at = time.monotonic()

	def __contains__(self, key: object) -> bool:
		kept = self._names.get(CacheKey(key)) if isinstance(key, str) else None
		return kept is not None and self._is_valid(kept.entry)

	def __len__(self) -> int:
		return len(self._kept)

	@property
	def nbytes(self) -> int:
		"""The bytes that the entries take, with what each needs besides its outputs."""
		return self._used

	def get(self, key: CacheKey) -> Entry | None:
		"""The entry, which becomes the most recently used; None if there is none that is good."""
		with self._lock:
			kept = self._names.get(key)
			if kept is None:
				return None
			self._touch(kept)
			entry = kept.entry
		return entry if self._is_valid(entry) else None

	def put(self, key: CacheKey, entry: Entry, *, also: CacheKey | None = None, owner: NodeId | None = None) -> None:
		"""Keep an entry, under a second name too if one is given; its bytes count once.

		One that is larger than the whole budget is not kept. An entry whose very outputs are there under the second
		name already gets one more name.
		"""
		nbytes = entry.nbytes or self._size(entry.outputs)
		with self._lock:
			same = None if also is None else self._names.get(also)
			if same is not None and same.entry.outputs is entry.outputs:
				self._name(same, key)
				self._touch(same)
				return
			for name in (key, also):
				if name is not None and name in self._names:
					self._unname(name)
			cost = nbytes + ENTRY_BYTES
			if self._mode == 'bytes' and cost > self._budget:
				return
			if nbytes != entry.nbytes:
				entry = Entry(entry.outputs, entry.ui, entry.seconds, entry.kind, entry.digests, nbytes)
			self._serial += 1
			names = [key] if also is None or also == key else [key, also]
			kept = self._kept[self._serial] = _Kept(self._serial, entry, names, self._prompt, owner, cost)
			self._used += cost
			for name in names:
				self._names[name] = kept
			self._make_room(cost)

	def clear(self) -> None:
		"""Forget everything."""
		with self._lock:
			self._kept.clear()
			self._names.clear()
			self._used = 0

	def begin(self, keys: Collection[CacheKey], nodes: Collection[NodeId] = ()) -> None:
		"""A job begins whose steps have these keys, and are of these nodes."""
		with self._lock:
			self._prompt += 1
			for key in keys:
				kept = self._names.get(key)
				if kept is not None:
					kept.prompt = self._prompt
			if self._mode in ('classic', 'lru'):
				for kept in self._kept.values():
					if kept.owner in nodes:
						kept.prompt = self._prompt
				oldest = self._prompt - self._prompts
				for kept in [kept for kept in self._kept.values() if kept.prompt <= oldest]:
					self._drop(kept)

	def finish(self) -> None:
		"""The job is over."""
		if self._mode == 'none':
			self.clear()

	def _touch(self, kept: _Kept) -> None:
		self._kept.move_to_end(kept.serial)
		kept.prompt = self._prompt

	def _name(self, kept: _Kept, name: CacheKey) -> None:
		if self._names.get(name) is kept:
			return
		self._unname(name)
		self._names[name] = kept
		kept.names.append(name)
		if len(kept.names) > MOST_NAMES:
			del self._names[kept.names.pop(0)]

	def _unname(self, name: CacheKey) -> None:
		"""Take a name from its entry; one without names is gone."""
		kept = self._names.pop(name, None)
		if kept is not None:
			kept.names.remove(name)
			if not kept.names:
				self._drop(kept)

	def _drop(self, kept: _Kept) -> None:
		del self._kept[kept.serial]
		self._used -= kept.nbytes
		for name in kept.names:
			del self._names[name]

	def _make_room(self, added: int) -> None:
		"""Drop what exceeds the budget, and what memory runs short of. The lock is held."""
		if self._mode == 'bytes':
			while self._used > self._budget:
				self._drop(next(iter(self._kept.values())))
		elif self._mode != 'ram':
			return
		self._unchecked += added
		now = time.monotonic()
		if self._unchecked < CHECK_BYTES and now - self._checked_at < CHECK_SECONDS:
			return
		self._unchecked = 0
		self._checked_at = now
		short = self._headroom - self._available()
		if short <= 0:
			return
		leaving = list(self._kept.values())
		if self._mode == 'ram':
			leaving.sort(key=lambda kept: (kept.prompt, -kept.nbytes))
		for kept in leaving:
			if short <= 0:
				return
			short -= kept.nbytes
			self._drop(kept)
