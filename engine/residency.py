"""Who holds how many bytes where, and who has to leave when room is short. Arithmetic only: no torch, no locks.

A `Holding` counts bytes at one place or several. It stays while somebody leases it, or while a holding that stays is
based on it; all others may leave, the least recently used first, those that are based on another before that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.errors import OutOfDeviceMemory
from engine.models import Place, Size

MIB = 2**20


@dataclass(eq=False)
class Holding:
	"""Bytes in use. `label` tells people what by; `based_on` is the holding that this one shares tensors with.

	One that is `leaving` is on its way out, leased or not: its bytes will be free, but are not yet.
	"""

	label: str
	bytes: dict[Place, int] = field(default_factory=dict)
	leases: int = 0
	based_on: Holding | None = None
	leaving: bool = False

	@property
	def nbytes(self) -> int:
		"""Bytes at all places."""
		return sum(self.bytes.values())

	def chain(self) -> Iterator[Holding]:
		"""It, what it is based on, and so on."""
		holding: Holding | None = self
		while holding is not None:
			yield holding
			holding = holding.based_on


class Plan(NamedTuple):
	"""How weights are to be placed: `nbytes` of them are there at a time; all, unless there is no more `room` than that."""

	nbytes: int
	room: int | None = None


class Residency:
	"""The holdings, least recently used first, and the bytes that each place has for them.

	Whatever is not named in `budgets` has no room at all.
	"""

	def __init__(self, budgets: Mapping[Place, int]) -> None:
		self._budgets = dict(budgets)
		self._spared: dict[Place, int] = {}
		self._holdings: dict[Holding, None] = {}

	def __iter__(self) -> Iterator[Holding]:
		return iter(self._holdings)

	def __contains__(self, holding: object) -> bool:
		return holding in self._holdings

	def add(self, holding: Holding) -> None:
		"""Count a holding, as the one that was used last."""
		self._holdings[holding] = None

	def remove(self, holding: Holding) -> None:
		"""Count a holding no longer."""
		self._holdings.pop(holding, None)

	def touch(self, holding: Holding) -> None:
		"""A holding is used, and so is what it is based on."""
		if holding.based_on is not None:
			self.touch(holding.based_on)
		if holding in self._holdings:
			del self._holdings[holding]
			self._holdings[holding] = None

	@property
	def places(self) -> tuple[Place, ...]:
		"""The places that have a budget."""
		return tuple(self._budgets)

	def budget(self, place: Place) -> int:
		"""Bytes that there are at a place."""
		return self._budgets.get(place, 0)

	def limit(self, place: Place, nbytes: int) -> None:
		"""Have so many bytes at a place from now on; what holds more is not sent away by that."""
		self._budgets[place] = max(nbytes, 0)

	def spare(self, place: Place, nbytes: int) -> None:
		"""Plan as if there were so many bytes less at a place, as far as weights can be streamed; 0 ends it."""
		self._spared[place] = nbytes

	def used(self, place: Place) -> int:
		"""Bytes that are held at a place."""
		return sum(holding.bytes.get(place, 0) for holding in self._holdings)

	def free(self, place: Place) -> int:
		"""Bytes that nobody holds at a place; negative where more is held than there may be."""
		return self.budget(place) - self.used(place)

	def room(self, place: Place) -> int:
		"""Bytes that would be free at a place if everything that may leave had left."""
		return self.budget(place) - sum(holding.bytes.get(place, 0) for holding in self._staying())

	def room_to_plan(self, place: Place) -> int:
		"""The same, without what is left alone for now."""
		return self.room(place) - self._spared.get(place, 0)

	def victim(self, place: Place) -> Holding | None:
		"""Who has to leave a place next; None if all that is there stays, or is leaving already."""
		# One without bytes here may be what keeps another from leaving.
		bases = {holding.based_on for holding in self._holdings if place in holding.bytes}
		staying = self._staying()
		return next(
			(
				holding
				for holding in self._holdings
				if holding not in staying
				and holding not in bases
				and not holding.leaving
				and place in holding.bytes
				and any(held.bytes.get(place, 0) for held in holding.chain())
			),
			None,
		)

	def plan(self, place: Place, size: Size, working: int = 0) -> Plan:
		"""How weights of a size can be placed, with so many bytes to spare for working with them.

		Raises `OutOfDeviceMemory` if they cannot.
		"""
		room = self.room(place) - working
		spare = self.room_to_plan(place) - working
		if size.nbytes <= spare or (size.nbytes <= room and not size.least):
			return Plan(size.nbytes)
		if size.least and size.least <= room:
			streamed = max(size.least, spare)
			return Plan(streamed, streamed)
		raise self.refusal(place, (size.least or size.nbytes) + working)

	def refusal(self, place: Place, needed: int) -> OutOfDeviceMemory:
		"""The error of somebody who needs more bytes than can be had."""
		held = [
			f'{holding.label} ({holding.bytes[place] / MIB:.0f} MiB)'
			for holding in self._staying()
			if holding.bytes.get(place, 0)
		]
		return OutOfDeviceMemory(needed, self.room(place), held)

	def _staying(self) -> dict[Holding, None]:
		"""Those that are leased, and what they are based on."""
		return {
			kept: None
			for holding in self._holdings
			if holding.leases and not holding.leaving
			for kept in holding.chain()
		}
