"""The weights that are in memory: loaded once however many ask, leased, and dropped when room is short.

Knows sizes and leases, knows no torch: loaders are handed in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from engine.cancel import CancelToken
from engine.errors import ModelError, OutOfDeviceMemory
from engine.models import FileDigest, Load, Loaders, ModelRef, Patchable, Weights

T = TypeVar('T')


@dataclass
class Resident:
	"""One set of weights in memory. A patched set pins the one that it shares tensors with."""

	ref: ModelRef[Any]
	weights: Weights
	nbytes: int
	leases: int = 0
	base: Resident | None = None
	pins: int = 0


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
	def use(self, ref: ModelRef[T], *, working_bytes: int = 0, cancel: CancelToken | None = None) -> Iterator[T]:
		"""Lease the weights that `ref` describes; they stay resident at least until the block ends.

		`working_bytes` of room are kept free for what is computed with them. Raises `ModelNotFound`, `UnknownFormat`,
		`UnknownFamily`, `PatchMismatch`, `OutOfDeviceMemory` or `JobCancelled`.
		"""
		with ExitStack() as leases:
			yield self._lease(ref, leases, cancel or CancelToken(), working_bytes)

	def unload(self) -> int:
		"""Drop all weights that nobody leases; gives the bytes freed."""
		with self._lock:
			before = self._used()
			self._shrink(before + self._budget)
			return before - self._used()

	def residents(self) -> tuple[Resident, ...]:
		"""What is in memory now, least recently used first."""
		with self._lock:
			return tuple(self._residents.values())

	def _lease(self, ref: ModelRef[T], leases: ExitStack, cancel: CancelToken, working_bytes: int = 0) -> T:
		"""The weights as the recipe's settings show them, leased until `leases` are closed."""
		resident = self._acquire(ref.identity, cancel)
		leases.callback(self._release, resident)
		if working_bytes:
			with self._lock:
				self._shrink(working_bytes)

		def use(other: ModelRef[Any]) -> Any:
			return self._lease(other, leases, cancel)

		shown: Any = resident.weights
		for setting in ref.settings:
			shown = setting.apply(shown, use)
		return cast(T, shown)

	def _release(self, resident: Resident) -> None:
		with self._lock:
			resident.leases -= 1
			self._shrink(0)

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
		paths = tuple(map(self._find, ref.files))
		self._on_load(paths[0], ref.part)
		with ExitStack() as leases:

			def use(other: ModelRef[Any]) -> Any:
				return self._lease(other, leases, cancel)

			load = Load(paths, ref.part, ref.dtype, ref.option, cancel=cancel, finder=self._find, user=use)
			base: Resident | None = None
			if ref.patches:
				base = self._acquire(ref.unpatched, cancel)
				leases.callback(self._release, base)
				if not isinstance(base.weights, Patchable):
					raise ModelError(f'The model part {ref.part!r} cannot be patched.')
				weights = base.weights.patched(ref.weight_patches, load)
			else:
				weights = self._loaders[ref.part](load)
			return self._admit(ref, weights, base)

	def _admit(self, ref: ModelRef[Any], weights: Weights, base: Resident | None) -> Resident:
		"""Make room for weights, and take them in with a lease."""
		with self._lock:
			self._shrink(weights.nbytes)
			free = self._budget - self._used()
			if weights.nbytes > free:
				holders = [f'{held.ref.part} ({held.nbytes / 2**20:.0f} MiB)' for held in self._residents.values()]
				raise OutOfDeviceMemory(weights.nbytes, free, holders)
			resident = Resident(ref, weights, weights.nbytes, leases=1, base=base)
			self._residents[ref] = resident
			if base is not None:
				base.pins += 1
			return resident

	def _shrink(self, incoming: int) -> None:
		"""Drop unused weights, least recently used first, until `incoming` bytes fit. The lock is held.

		A base goes only after all sets that were patched from it.
		"""
		while self._used() + incoming > self._budget:
			unused = (resident for resident in self._residents.values() if not resident.leases and not resident.pins)
			resident = next(unused, None)
			if resident is None:
				return
			del self._residents[resident.ref]
			if resident.base is not None:
				resident.base.pins -= 1

	def _used(self) -> int:
		return sum(resident.nbytes for resident in self._residents.values())
