"""A device of so many bytes, and weights that live on it: what is taken is counted, and taking too much fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.errors import OutOfDeviceMemory
from engine.loading import Watch
from engine.models import CPU, FileDigest, Load, Loaders, ModelRef, Patch, Place, Setting, Size, Use, WeightPatch
from engine.modelstore import ModelStore


class Memory:
	"""Bytes in use by place, and the most that ever were; if it is stuck, moves to main memory fail halfway."""

	def __init__(self, limits: dict[Place, int]) -> None:
		self.limits = limits
		self.used = dict.fromkeys(limits, 0)
		self.most = dict.fromkeys(limits, 0)
		self.is_stuck = False
		self._lock = threading.Lock()

	def take(self, place: Place, nbytes: int) -> None:
		with self._lock:
			used = self.used[place] + nbytes
			assert used <= self.limits[place], f'{used} bytes at {place}, which has {self.limits[place]}'
			self.used[place] = used
			self.most[place] = max(self.most[place], used)

	def give(self, place: Place, nbytes: int) -> None:
		with self._lock:
			self.used[place] -= nbytes


class Piece:
	"""Memory that is taken for as long as this object lives."""

	def __init__(self, memory: Memory, place: Place, nbytes: int) -> None:
		self.memory, self.place, self.nbytes = memory, place, 0
		memory.take(place, nbytes)
		self.nbytes = nbytes

	def __del__(self) -> None:
		self.memory.give(self.place, self.nbytes)


class FakeModel:
	"""Weights of so many blocks; streamed, no more of them are there than its room holds."""

	def __init__(self, memory: Memory, name: str, blocks: Sequence[int], load: Load) -> None:
		self.memory, self.name, self.blocks, self.place = memory, name, blocks, load.place
		self.room = load.room
		self.running = threading.Lock()
		self.moves = 0
		self.pieces: list[Piece] = []
		self.host: list[Piece] = []
		load.phase('loading_model', sum(blocks))
		for block in blocks:
			if self.room is None:
				self.pieces.append(Piece(memory, load.place, block))
			elif load.in_memory:
				self.host.append(Piece(memory, CPU, block))
			load.advance(block)

	@property
	def nbytes(self) -> int:
		return sum(self.blocks) if self.room is None else self.room

	def move(self, place: Place) -> None:
		self.moves += 1
		if self.memory.is_stuck and place == CPU:
			self.pieces[:1] = [Piece(self.memory, place, piece.nbytes) for piece in self.pieces[:1]]
			raise RuntimeError('no memory can be pinned')
		for index, piece in enumerate(self.pieces):
			self.pieces[index] = Piece(self.memory, place, piece.nbytes)
		self.place = place

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> FakeModel:
		changed = [patch.nbytes for patch in patches if isinstance(patch, FakePatch)]
		for patch in patches:
			for other in patch.refs():
				load.use(other)
		load.room = None
		return FakeModel(self.memory, f'{self.name}+', changed, load)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		return Size(sum(patch.nbytes for patch in patches if isinstance(patch, FakePatch)))

	def forward(self) -> int:
		"""Go through all blocks; those that are not there come one by one."""
		if self.room is not None:
			with self.running:
				for block in self.blocks:
					Piece(self.memory, self.place, block)
		return sum(self.blocks)


@dataclass(frozen=True)
class FakePatch(WeightPatch):
	"""Changes so many bytes."""

	nbytes: int
	others: tuple[ModelRef[Any], ...] = ()

	def refs(self) -> tuple[ModelRef[Any], ...]:
		return self.others


@dataclass(frozen=True)
class FakeSetting(Setting):
	"""Needs another model, for as long as its own is leased."""

	other: ModelRef[Any]

	def apply(self, model: Any, use: Use) -> Any:
		use(self.other)
		return model


class Bench:
	"""A store on a fake device. The file `a:3,4` has a model of blocks of three and four bytes."""

	def __init__(
		self,
		budget: int,
		*,
		host: int = 0,
		place: Place = CPU,
		during: Callable[[Load], None] = lambda load: None,
	) -> None:
		self.memory = Memory({CPU: host, place: budget})
		self.place = place
		self.loads: list[str] = []
		self.during = during
		loaders = Loaders()
		loaders.add('unet', self.load, self.measure)
		self.store = ModelStore(loaders, lambda digest: Path(digest), budget=budget, place=place, host_budget=host)

	def measure(self, load: Load) -> Size:
		blocks = self.blocks(load)
		return Size(sum(blocks), max(blocks))

	def load(self, load: Load) -> FakeModel:
		self.loads.append(load.path.name)
		self.during(load)
		return FakeModel(self.memory, load.path.name, self.blocks(load), load)

	def blocks(self, load: Load) -> list[int]:
		return [int(size) for size in load.path.name.partition(':')[2].split(',')]

	def run(
		self,
		ref: ModelRef[FakeModel],
		working: int = 0,
		*,
		cancel: CancelToken | None = None,
		watch: Watch = lambda step: None,
	) -> int:
		"""Lease a model, go through it with some working memory, and let it go."""
		with self.store.use(ref, working_bytes=working, cancel=cancel, watch=watch) as model:
			work = Piece(self.memory, self.place, working)
			total = model.forward()
			# No longer than the lease: it may be sent away at once.
			del work, model
		return total

	def try_run(self, ref: ModelRef[FakeModel], working: int = 0) -> bool:
		try:
			self.run(ref, working)
		except OutOfDeviceMemory:
			return False
		return True

	def settle(self) -> None:
		"""Wait until no load runs any more."""
		changed, residents = self.store.rooms.changed, self.store.rooms.residents
		with changed:
			assert changed.wait_for(lambda: not any(resident.load for resident in residents.values()), 30)


def fake(name: str, *patches: Patch) -> ModelRef[FakeModel]:
	"""The recipe of a fake model."""
	return ModelRef[FakeModel](FileDigest(name), 'unet').patched(*patches)
