"""The weights that are in memory: loaded once however many ask, leased, and dropped when room is short.

Knows sizes, places and leases, knows no torch: loaders are handed in. Room is made before weights are read, so that a
place never holds more than its budget; weights for which there is not room enough are streamed.

One lock guards everything here; nothing is loaded or moved while it is held.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from engine.cancel import CancelToken
from engine.errors import ModelError, ModelFileChanged, OutOfDeviceMemory
from engine.loading import CALLED_OFF, UNWANTED, Asker, Loading, Watch
from engine.models import (
	CPU,
	FileDigest,
	Load,
	Loaders,
	ModelRef,
	Patchable,
	PatchMeasure,
	Place,
	Setting,
	Size,
	Weights,
	own_size,
)
from engine.rooms import Resident, Rooms

T = TypeVar('T')


class ModelStore:
	"""Loads, keeps and drops weights.

	Models are computed with at `place`, where there are `budget` bytes for weights and for what is worked out with them.
	Elsewhere than in main memory, weights that leave go to main memory, if they can move and `host_budget` has room.
	`trim` is called when weights were dropped, to give their memory back to the system. `everywhere` has a setting for parts of
	models that is put on after those of each recipe.
	"""

	def __init__(
		self,
		loaders: Loaders,
		find: Callable[[FileDigest], Path],
		*,
		budget: int,
		place: Place = CPU,
		exact: bool = False,
		host_budget: int = 0,
		trim: Callable[[], None] = lambda: None,
		everywhere: Mapping[str, Setting] | None = None,
	) -> None:
		self._loaders = loaders
		self._find = find
		self._exact = exact
		self._everywhere = everywhere or {}
		self._rooms = Rooms({CPU: host_budget, place: budget}, place, trim)
		self._changed = self._rooms.changed
		self._residents = self._rooms.residents
		self._residency = self._rooms.residency

	@property
	def rooms(self) -> Rooms:
		"""The budgets, and who holds what of them."""
		return self._rooms

	@contextmanager
	def use(
		self,
		ref: ModelRef[T],
		*,
		working_bytes: int = 0,
		cancel: CancelToken | None = None,
		watch: Watch = lambda step: None,
		note: Callable[[str], None] = lambda text: None,
	) -> Iterator[T]:
		"""Lease the weights that `ref` describes; they stay resident at least until the block ends.

		`working_bytes` of room are kept free for what is computed with them meanwhile. `watch` is told how the load comes
		on, in another thread; `note` what there is to know of the weights, whoever has loaded them. Raises `ModelNotFound`, `UnknownFormat`, `UnknownFamily`, `PatchMismatch`,
		`OutOfDeviceMemory`, `JobCancelled` or `ModelLoadCancelled`. If the block raises `ModelFileChanged`, all
		that nobody uses is dropped: what is streamed from that file is of no use any more.
		"""
		try:
			with ExitStack() as leases:
				yield self._lease(ref, leases, Asker(cancel or CancelToken(), watch, note), working_bytes)
		except ModelFileChanged:
			self.unload()
			raise

	def has_room(self, ref: ModelRef[Any], working_bytes: int) -> bool:
		"""Whether a model could be there whole with so many bytes to work with; of one that is, as of now.

		Never on a second try, after memory has run out: what was told before was wrong.
		"""
		if self._rooms.is_sparing:
			return False
		needed, held = working_bytes, 0
		measured = None
		for one in dict.fromkeys((ref.unpatched, ref.identity)):
			with self._changed:
				resident = self._residents.get(one)
				if resident is not None and self._rooms.is_ready(resident):
					held += resident.holding.bytes[self._rooms.place] if self._stays(resident) else 0
					needed += resident.size.nbytes
					continue
			measured = measured or self._measured(ref)
			needed += measured[bool(one.patches)].nbytes
		with self._changed:
			return needed <= self._residency.room_to_plan(self._rooms.place) + held

	def _stays(self, resident: Resident) -> bool:
		return any(resident.holding in holding.chain() for holding in self._residency if holding.leases)

	def load_of(self, ref: ModelRef[Any]) -> Load:
		"""The load by which the base of a model would be read here. Raises `ModelNotFound`."""
		paths = tuple(map(self._find, ref.files))
		return Load(paths, ref.part, ref.dtype, ref.option, self._rooms.place, self._exact, finder=self._find)

	def _measured(self, ref: ModelRef[Any]) -> tuple[Size, Size]:
		"""What a model's base takes, and what its patched set has of its own, as headers tell."""
		load = self.load_of(ref)
		base = self._loaders.measure(load) or Size(0)
		return base, own_size(base, [patch.touch(load) for patch in ref.weight_patches])

	def unload(self, id: str = '') -> int:
		"""Drop all weights that nobody uses, or just those of the resident named; gives the bytes freed."""
		return self._rooms.unload(id)

	def cancel_load(self, id: str, reason: str = CALLED_OFF) -> bool:
		"""End a load: who waits for it gets `ModelLoadCancelled`. Tells whether there is such a load."""
		with self._changed:
			for resident in self._residents.values():
				if resident.load is not None and resident.load.id == id:
					self._stop(resident, resident.load, reason)
					return True
		return False

	def residents(self) -> tuple[Resident, ...]:
		"""What is in memory now or is being loaded, least recently used first."""
		with self._changed:
			by_holding = {resident.holding: resident for resident in self._residents.values()}
			return tuple(by_holding[holding] for holding in self._residency if holding in by_holding)

	def _lease(self, ref: ModelRef[T], leases: ExitStack, asker: Asker, working: int = 0) -> T:
		"""The weights as the recipe's settings show them, leased until `leases` are closed."""
		reserve = 0
		while True:
			with ExitStack() as taken:
				resident = self._fitted(ref.identity, taken, asker, working, reserve)
				try:
					shown = self._shown(ref, resident, taken, asker)
				except OutOfDeviceMemory as error:
					short = error
				else:
					leases.push(taken.pop_all())
					return cast(T, shown)
			# The frames that it failed in hold the weights that are to make room.
			traceback.clear_frames(short.__traceback__)
			reserve += short.needed
			if not short.needed or not self._rooms.drop_unused(ref.identity, working + reserve):
				raise short
			# It had left no room for what its settings need: once more, with less of it there.

	def _fitted(self, ref: ModelRef[Any], leases: ExitStack, asker: Asker, working: int, reserve: int) -> Resident:
		"""The same as `_leased`, of a resident that is there with too little room left to work in as well."""
		try:
			return self._leased(ref, leases, asker, working, reserve)
		except OutOfDeviceMemory:
			if not working or not self._rooms.drop_unused(ref, working + reserve):
				raise
		return self._leased(ref, leases, asker, working, reserve)

	def _shown(self, ref: ModelRef[Any], resident: Resident, leases: ExitStack, asker: Asker) -> Any:
		"""The weights as settings show them, with what those need leased too."""

		def use(other: ModelRef[Any]) -> Any:
			return self._lease(other, leases, asker)

		for note in resident.notes:
			asker.note(note)
		shown: Any = resident.weights
		more = self._everywhere.get(ref.part)
		for setting in ref.settings if more is None else (*ref.settings, more):
			shown = setting.apply(shown, use)
		return shown

	def _leased(self, ref: ModelRef[Any], leases: ExitStack, asker: Asker, working: int, reserve: int = 0) -> Resident:
		"""The resident, leased, with room to work in until `leases` are closed; placed as if it took `reserve` bytes more."""
		with ExitStack() as taken:
			resident = self._acquire(ref, asker, working + reserve)
			taken.callback(self._rooms.release, resident)
			if working:
				taken.enter_context(self._rooms.working(f'work with {resident.holding.label}', working, asker.cancel))
			leases.push(taken.pop_all())
		return resident

	def _acquire(self, ref: ModelRef[Any], asker: Asker, working: int) -> Resident:
		"""The resident with a lease on it, loaded if need be."""
		with self._rooms.woken_by(asker.cancel), self._changed:
			while True:
				asker.cancel.check()
				resident = self._residents.get(ref)
				if resident is not None and self._rooms.can_grow(resident, working):
					self._rooms.drop(resident)
					resident = None
				if resident is None:
					resident = self._rooms.add(ref)
				if any(holding.leaving for holding in resident.holding.chain()):
					# Called off, or sent away: afterwards it is where it is to come from, or loaded anew.
					self._changed.wait()
					continue
				if resident.load is None and not self._rooms.is_ready(resident):
					self._begin(resident, working)
				if resident.load is None:
					resident.holding.leases += 1
					self._residency.touch(resident.holding)
				else:
					self._join(resident, resident.load, asker)
				return resident

	def _join(self, resident: Resident, load: Loading, asker: Asker) -> None:
		"""Wait for a load, which gives a lease to everybody who waits for it. Lock held."""
		load.askers.append(asker)
		try:
			while not load.over and not asker.cancel.cancelled and not load.token.cancelled:
				self._changed.wait()
			asker.cancel.check()
			load.check()
		except BaseException:
			if not load.over:
				load.askers.remove(asker)
				if not load.askers:
					self._stop(resident, load, UNWANTED)
			elif load.error is None:
				self._rooms.release(resident)
			raise

	def _begin(self, resident: Resident, working: int) -> None:
		"""Start the load of what is not in memory, or not where it is computed with. Lock held."""
		load = resident.load = Loading(resident.ref, self._rooms.place, resident.id, name=resident.name)
		resident.holding.leases += 1
		load.start(lambda: self._run(resident, load, working))

	def _stop(self, resident: Resident, load: Loading, reason: str) -> None:
		load.token.stop(reason)
		resident.holding.leaving = True
		self._changed.notify_all()

	def _run(self, resident: Resident, load: Loading, working: int) -> None:
		"""A load, in its own thread: everybody who waits gets a lease, or its error."""
		with self._changed:
			pass  # Whoever began it has joined it by then, and is told all of it.
		weights: Weights | None = None
		try:
			with ExitStack() as leases:
				weights = self._brought(resident, load, leases, working)
			load.end('ready')
			with self._changed:
				load.token.check()
				resident.weights, resident.load, load.over = weights, None, True
				resident.holding.leases += len(load.askers) - 1
				self._residency.touch(resident.holding)
				self._changed.notify_all()
				# No longer here: it may be sent away at once.
				weights = None
			return
		except BaseException as error:
			weights = None
			load.fail(error)
			load.end('cancelled' if load.token.cancelled else 'failed')
			with self._changed:
				load.over = True
				self._rooms.drop(resident)
		# Not before the error is gone, and all that it was about.
		self._rooms.trim()

	def _brought(self, resident: Resident, load: Loading, leases: ExitStack, working: int) -> Weights:
		"""The weights, brought back from main memory, or read."""
		if resident.weights is not None:
			with ExitStack() as held, suppress(OutOfDeviceMemory):
				if self._has_base(resident, load, held):
					weights = self._rooms.bring_back(resident, load, working)
					leases.push(held.pop_all())
					return weights
			# There is not room for all of it, or what it shared tensors with is there no longer.
			self._rooms.forget(resident)
		return self._load(resident, load, leases, working)

	def _has_base(self, resident: Resident, load: Loading, leases: ExitStack) -> bool:
		"""Whether the base of a changed set is the one that it was made from; it is leased then, and where it is to be."""
		if not resident.ref.patches:
			return True
		base = self._leased(resident.ref.unpatched, leases, Asker(load.token, load.pass_on), 0)
		return base.holding is resident.holding.based_on

	def _load(self, resident: Resident, load: Loading, leases: ExitStack, working: int) -> Weights:
		"""Read the weights into room that was made for them before."""
		ref = resident.ref
		paths = tuple(map(self._find, ref.files))
		load.name = resident.name = paths[0].name
		resident.patches = tuple(patch.title(lambda digest: self._find(digest).name) for patch in ref.weight_patches)
		resident.holding.label = ' + '.join((f'{ref.part} of {load.name}', *resident.patches))
		load.tell('initialization')

		def use(other: ModelRef[Any]) -> Any:
			return self._lease(other, leases, Asker(load.token, load.pass_on, resident.notes.append))

		handed = Load(
			paths,
			ref.part,
			ref.dtype,
			ref.option,
			self._rooms.place,
			self._exact,
			cancel=load.token,
			finder=self._find,
			user=use,
			reader=self._read_from,
			on_progress=load.tell,
			note=resident.notes.append,
		)
		resident.notes.clear()
		if ref.patches:
			return self._patched(resident, load, handed, leases, working)
		size = self._loaders.measure(handed)
		if size is not None:
			handed.room, handed.in_memory = self._rooms.claim_weights(resident, size, working, load.token)
		weights = self._loaders[ref.part](handed)
		self._rooms.settle(resident, weights, load.token)
		return weights

	def _read_from(self, ref: ModelRef[Any]) -> Any:
		"""A model that is no resident: none of its weights is there until it is asked for."""
		plain = Load(
			tuple(map(self._find, ref.files)),
			ref.part,
			ref.dtype,
			ref.option,
			self._rooms.place,
			self._exact,
			room=0,
			finder=self._find,
			reader=self._read_from,
		)
		weights = self._loaders[ref.part](plain)
		if not ref.weight_patches:
			return weights
		if not isinstance(weights, Patchable):
			raise ModelError(f'The model part {ref.part!r} cannot be patched.')
		return weights.patched(ref.weight_patches, plain)

	def _patched(self, resident: Resident, load: Loading, handed: Load, leases: ExitStack, working: int) -> Weights:
		"""Make a changed set of a base, which stays as long as the set does."""
		base = self._based(resident, load, handed, leases, working)
		weights = base.patched(resident.ref.weight_patches, handed)
		self._rooms.settle(resident, weights, load.token)
		return weights

	def _based(self, resident: Resident, load: Loading, handed: Load, leases: ExitStack, working: int) -> Patchable:
		"""The base of a changed set, leased, and room for the set. If it leaves none, it comes once more with less of it there."""
		ref, reserve = resident.ref, 0
		while True:
			with ExitStack() as held:
				base = self._acquire(ref.unpatched, Asker(load.token, load.pass_on), reserve)
				held.callback(self._rooms.release, base)
				if not isinstance(base.weights, Patchable):
					raise ModelError(f'The model part {ref.part!r} cannot be patched.')
				with self._changed:
					resident.holding.based_on = base.holding
				if not isinstance(base.weights, PatchMeasure):
					leases.push(held.pop_all())
					return base.weights
				size = base.weights.patched_size(ref.weight_patches, handed)
				try:
					handed.room, handed.in_memory = self._rooms.claim_weights(resident, size, working, load.token)
				except OutOfDeviceMemory:
					needed = (size.least or size.nbytes) + working
					if needed <= reserve:
						raise
					reserve = needed
				else:
					leases.push(held.pop_all())
					return base.weights
			with self._changed:
				resident.holding.based_on = None
			self._rooms.unload(base.id)
