"""The residents of a model store, and how room is made for more of them: who is sent away, and where to.

Every change is made under one lock, `changed`, which is also what waiting is done on; weights are moved without it, by
one that is marked as leaving or loading meanwhile.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.cancel import CancelToken
from engine.errors import OutOfDeviceMemory
from engine.loading import Loading
from engine.models import CPU, ModelRef, Movable, Place, Size, Weights
from engine.residency import Holding, Plan, Residency

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Resident:
	"""One set of weights in memory. While `load` is set, it is on its way there.

	`name` is that of its file, `patches` are what people call the patches of its weights. `size` is what it takes when it is whole. If that was too much, it is streamed in `room` bytes.
	`notes` are for everybody who uses it.
	"""

	ref: ModelRef[Any]
	holding: Holding
	id: str = field(default_factory=lambda: secrets.token_hex(8))
	name: str = ''
	patches: tuple[str, ...] = ()
	weights: Weights | None = None
	load: Loading | None = None
	size: Size = field(default_factory=lambda: Size(0))
	room: int | None = None
	notes: list[str] = field(default_factory=list)

	@property
	def nbytes(self) -> int:
		"""Bytes of weights that it holds, wherever."""
		return self.holding.nbytes

	@property
	def leases(self) -> int:
		"""How many use it now."""
		return self.holding.leases


class Rooms:
	"""Who is in memory, where, and who leaves. `trim` gives back to the system what was let go of."""

	def __init__(self, budgets: Mapping[Place, int], place: Place, trim: Callable[[], None]) -> None:
		self.place = place
		self.residency = Residency(budgets)
		self.residents: dict[ModelRef[Any], Resident] = {}
		# Reentrant: a signal handler may cancel a job in the very thread that holds it.
		self.changed = threading.Condition(threading.RLock())
		self.trim = trim
		self.is_sparing = False

	@contextmanager
	def woken_by(self, cancel: CancelToken) -> Iterator[None]:
		"""Have those who wait look again when this token is cancelled."""
		unsubscribe = cancel.subscribe(self._wake)
		try:
			yield
		finally:
			unsubscribe()

	def add(self, ref: ModelRef[Any]) -> Resident:
		"""A new resident, still without weights. Lock held."""
		resident = self.residents[ref] = Resident(ref, Holding(ref.part))
		self.residency.add(resident.holding)
		return resident

	def drop(self, resident: Resident) -> None:
		"""A resident is one no longer, nor are those that are based on it. Lock held."""
		for other in tuple(self.residents.values()):
			# One that is leaving, or on its way back, sees to that itself.
			if other.holding.based_on is resident.holding and not other.holding.leaving and other.load is None:
				self.drop(other)
		resident.weights = resident.load = None
		self.residency.remove(resident.holding)
		if self.residents.get(resident.ref) is resident:
			del self.residents[resident.ref]
		self.changed.notify_all()

	def forget(self, resident: Resident) -> None:
		"""A resident has weights no longer, and is to be loaded anew."""
		with self.changed:
			resident.weights = None
			resident.holding.bytes.clear()
			self.changed.notify_all()

	def release(self, resident: Resident) -> None:
		"""A lease ends."""
		with self.changed:
			resident.holding.leases -= 1
			self.changed.notify_all()

	def unload(self, id: str = '') -> int:
		"""Drop all weights that nobody uses, or just those of the resident named; gives the bytes freed."""
		with self.changed:
			before = sum(holding.nbytes for holding in self.residency)
			# The last one first: a base comes before what is based on it.
			for resident in sorted(self.residents.values(), key=lambda item: item.holding.based_on is None):
				if id in ('', resident.id) and self._is_unused(resident):
					self.drop(resident)
			freed = before - sum(holding.nbytes for holding in self.residency)
		self.trim()
		return freed

	def drop_unused(self, ref: ModelRef[Any], spare: int) -> bool:
		"""Drop a resident if nobody uses it, and if it could come again and leave so many bytes; tells whether it was dropped."""
		with self.changed:
			resident = self.residents.get(ref)
			if resident is None or not self._is_unused(resident):
				return False
			chain = [item for item in self.residents.values() if item.holding in resident.holding.chain()]
			least = sum(item.size.least or item.size.nbytes for item in chain)
			if least + spare > self.residency.room(self.place):
				return False
			self.drop(resident)
		self.trim()
		return True

	def is_ready(self, resident: Resident) -> bool:
		"""Whether it can be used as it is."""
		return resident.weights is not None and self.place in resident.holding.bytes

	def can_grow(self, resident: Resident, working: int) -> bool:
		"""Whether a resident that is streamed could be there whole by now. Lock held."""
		return (
			resident.room is not None
			and self._is_unused(resident)
			and resident.size.nbytes + working <= self.residency.room(self.place)
		)

	@contextmanager
	def sparing(self) -> Iterator[None]:
		"""Drop all that is not used, and plan less for a while: half of the room is left alone, as far as weights can be
		streamed, and whoever asks whether there is room is told that there is not."""
		self.unload()
		with self.changed:
			self.residency.spare(self.place, self.residency.budget(self.place) // 2)
			self.is_sparing = True
		try:
			yield
		finally:
			with self.changed:
				self.residency.spare(self.place, 0)
				self.is_sparing = False

	@contextmanager
	def working(self, label: str, nbytes: int, cancel: CancelToken) -> Iterator[None]:
		"""Keep room free for something that is worked out. Raises `OutOfDeviceMemory`."""
		holding = Holding(label, leases=1)
		with self.changed:
			self.residency.add(holding)
		try:
			self._claim(holding, self.place, Size(nbytes), 0, cancel)
			yield
		finally:
			with self.changed:
				self.residency.remove(holding)
				self.changed.notify_all()

	def claim_weights(
		self, resident: Resident, size: Size, working: int, cancel: CancelToken
	) -> tuple[int | None, bool]:
		"""Make room for weights of a size, with so many bytes to spare.

		Gives the room that they have if they must be streamed, and whether they may be in main memory meanwhile. Raises
		`OutOfDeviceMemory`.
		"""
		plan = self._claim(resident.holding, self.place, size, working, cancel)
		resident.size, resident.room = size, plan.room
		if plan.room is None or self.place == CPU:
			return plan.room, False
		try:
			self._claim(resident.holding, CPU, Size(size.nbytes), 0, cancel)
		except OutOfDeviceMemory:
			return plan.room, False
		return plan.room, True

	def settle(self, resident: Resident, weights: Weights, cancel: CancelToken) -> None:
		"""Count weights as what they are, now that they are there; streamed ones take their room. Raises `OutOfDeviceMemory`."""
		if resident.room is not None:
			return
		self._claim(resident.holding, self.place, Size(weights.nbytes), 0, cancel)
		resident.size = Size(weights.nbytes, resident.size.least)

	def bring_back(self, resident: Resident, load: Loading, working: int) -> Weights:
		"""Move weights from main memory to where they are computed with, with so many bytes to spare.

		Raises `OutOfDeviceMemory`.
		"""
		weights = resident.weights
		if not isinstance(weights, Movable):
			raise TypeError(f'{type(weights).__name__} cannot be moved, and was.')
		load.tell('device_setup', 0, weights.nbytes)
		self._claim(resident.holding, self.place, Size(weights.nbytes), working, load.token)
		weights.move(self.place)
		with self.changed:
			resident.holding.bytes.pop(CPU, None)
		return weights

	def _claim(
		self, holding: Holding, place: Place, size: Size, working: int, cancel: CancelToken, *, patient: bool = True
	) -> Plan:
		"""Have bytes at a place, and send others away for it. If `patient`, wait for those that are leaving already.

		Raises `OutOfDeviceMemory`.
		"""
		sent = False
		with self.woken_by(cancel):
			while True:
				with self.changed:
					cancel.check()
					# As if it were not there: what it holds already is part of what it wants.
					held = holding.bytes.pop(place, 0)
					try:
						plan = self.residency.plan(place, size, working)
						if plan.nbytes + working <= self.residency.free(place):
							held = plan.nbytes
							break
						resident = self._next_out(place)
						if resident is None and not patient:
							raise self.residency.refusal(place, plan.nbytes + working)
					except OutOfDeviceMemory:
						if not patient or not any(other.leaving for other in self.residency if other is not holding):
							raise
						resident = None
					finally:
						holding.bytes[place] = held
					if resident is None:
						self.changed.wait()
						continue
				self._send_away(resident, place)
				sent = True
		if sent:
			self.trim()
		return plan

	def _next_out(self, place: Place) -> Resident | None:
		"""Who leaves next, marked as leaving. Lock held."""
		holding = self.residency.victim(place)
		found = next((item for item in self.residents.values() if item.holding is holding), None)
		if found is not None:
			found.holding.leaving = True
		return found

	def _send_away(self, resident: Resident, place: Place) -> None:
		"""Have a resident leave: for main memory if there is room, else for good."""
		moved = place != CPU and resident.room is None and self._move_out(resident.holding, resident.weights)
		with self.changed:
			base = resident.holding.based_on
			if moved and (base is None or base in self.residency):
				resident.holding.bytes.pop(place, None)
				resident.holding.leaving = False
				self.changed.notify_all()
				return
			log.info('%s leaves memory.', resident.holding.label)
			self.drop(resident)

	def _move_out(self, holding: Holding, weights: Weights | None) -> bool:
		"""Move weights to main memory; tells whether they could be."""
		if not isinstance(weights, Movable):
			return False
		try:
			self._claim(holding, CPU, Size(weights.nbytes), 0, CancelToken(), patient=False)
		except OutOfDeviceMemory:
			holding.bytes.pop(CPU, None)
			return False
		try:
			weights.move(CPU)
		except Exception as error:
			# Such as main memory that has less than its budget: it is read anew when it is wanted. The log gets no traceback:
			# that would keep the weights.
			log.warning('%s cannot be moved to main memory: %s: %s', holding.label, type(error).__name__, str(error))
			return False
		return True

	def _is_unused(self, resident: Resident) -> bool:
		holding = resident.holding
		return (
			not holding.leases
			and not holding.leaving
			and not any(other.based_on is holding for other in self.residency)
		)

	def _wake(self) -> None:
		with self.changed:
			self.changed.notify_all()
