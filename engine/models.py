"""Weights: what travels on the wires is a recipe for them, and the weights appear only inside a lease.

A `ModelRef` is small, hashable and cacheable, so a cached picture never loads a model. `ModelStore.use(ref)` loads the
weights (once, however many ask at the same time), keeps them resident while there is room, and moves the least
recently used out when there is not. Knows sizes and leases, knows no torch: loaders are handed in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NewType, Protocol, TypeVar, cast

from engine.cancel import CancelToken
from engine.errors import ModelError, OutOfDeviceMemory

FileDigest = NewType('FileDigest', str)
T = TypeVar('T')
T_co = TypeVar('T_co', covariant=True)


@dataclass(frozen=True)
class ModelRef(Generic[T]):
	"""A recipe for weights, not the weights: a file, the part of it that is meant, and the precision."""

	file: FileDigest
	part: str
	dtype: str = 'auto'


class Weights(Protocol):
	"""What a loader gives back: an object that knows how many bytes it holds."""

	@property
	def nbytes(self) -> int: ...


class Loader(Protocol[T_co]):
	"""Reads one part of a model file.

	Raises `UnknownFormat`, `UnknownFamily` or another `ModelError` with a sentence for the user; looks at `cancel`
	between tensors.
	"""

	def __call__(self, path: Path, *, dtype: str, cancel: CancelToken) -> T_co: ...


class Loaders:
	"""Part name → loader. Filled by packs when they register."""

	def __init__(self) -> None:
		self._loaders: dict[str, Loader[Weights]] = {}

	def add(self, part: str, loader: Loader[Weights]) -> None:
		"""Name the loader of a part."""
		if part in self._loaders:
			raise ModelError(f'There is a loader for {part!r} already.')
		self._loaders[part] = loader

	def __getitem__(self, part: str) -> Loader[Weights]:
		try:
			return self._loaders[part]
		except KeyError:
			raise ModelError(f'No loader is known for the model part {part!r}.') from None


@dataclass
class Resident:
	"""One set of weights in memory."""

	ref: ModelRef[Any]
	weights: Weights
	nbytes: int
	leases: int = 0


@dataclass
class _Pending:
	"""A load that somebody has begun; others wait for it instead of loading the same again."""

	done: threading.Event = field(default_factory=threading.Event)


class ModelStore:
	"""Loads, keeps and drops weights within a budget of bytes."""

	def __init__(
		self,
		loaders: Loaders,
		find: Callable[[FileDigest], Path],
		*,
		budget: int,
		on_load: Callable[[Path, str], None] = lambda path, part: None,
	) -> None:
		self._loaders = loaders
		self._find = find
		self._budget = budget
		self._on_load = on_load
		self._lock = threading.Lock()
		self._residents: dict[ModelRef[Any], Resident] = {}  # least recently used first
		self._pending: dict[ModelRef[Any], _Pending] = {}

	@contextmanager
	def use(self, ref: ModelRef[T], *, cancel: CancelToken | None = None) -> Iterator[T]:
		"""Lease the weights that `ref` describes; they stay resident at least until the block ends.

		Raises `ModelNotFound`, `UnknownFormat`, `UnknownFamily`, `OutOfDeviceMemory` or `JobCancelled`.
		"""
		resident = self._acquire(ref, cancel or CancelToken())
		try:
			yield cast(T, resident.weights)
		finally:
			with self._lock:
				resident.leases -= 1
				self._shrink(0)

	def unload(self) -> int:
		"""Drop all weights that nobody leases; gives the bytes freed."""
		with self._lock:
			before = self._used()
			for ref in [ref for ref, resident in self._residents.items() if not resident.leases]:
				del self._residents[ref]
			return before - self._used()

	def residents(self) -> tuple[Resident, ...]:
		"""What is in memory now, least recently used first."""
		with self._lock:
			return tuple(self._residents.values())

	def _acquire(self, ref: ModelRef[Any], cancel: CancelToken) -> Resident:
		while True:
			with self._lock:
				resident = self._residents.pop(ref, None)
				if resident is not None:
					self._residents[ref] = resident
					resident.leases += 1
					return resident
				pending = self._pending.get(ref)
				if pending is None:
					mine = self._pending[ref] = _Pending()
					break
			while not pending.done.wait(0.1):
				cancel.check()
		try:
			return self._load(ref, cancel)
		finally:
			with self._lock:
				del self._pending[ref]
			mine.done.set()

	def _load(self, ref: ModelRef[Any], cancel: CancelToken) -> Resident:
		path = self._find(ref.file)
		self._on_load(path, ref.part)
		weights = self._loaders[ref.part](path, dtype=ref.dtype, cancel=cancel)
		with self._lock:
			self._shrink(weights.nbytes)
			free = self._budget - self._used()
			if weights.nbytes > free:
				holders = [f'{held.ref.part} ({held.nbytes / 2**20:.0f} MiB)' for held in self._residents.values()]
				raise OutOfDeviceMemory(weights.nbytes, free, holders)
			resident = Resident(ref, weights, weights.nbytes, leases=1)
			self._residents[ref] = resident
			return resident

	def _shrink(self, incoming: int) -> None:
		"""Drop unleased weights, least recently used first, until `incoming` bytes fit. The lock is held."""
		for ref in list(self._residents):
			if self._used() + incoming <= self._budget:
				return
			if not self._residents[ref].leases:
				del self._residents[ref]

	def _used(self) -> int:
		return sum(resident.nbytes for resident in self._residents.values())
