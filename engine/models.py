"""Weights: what travels on the wires is a recipe for them, and the weights appear only inside a lease.

A `ModelRef` is small, hashable and cacheable, so a cached picture never loads a model. Here are the recipes, the patches
that change what they describe, and what loaders are handed; `engine.modelstore` keeps the weights themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, NewType, Protocol, TypeVar, runtime_checkable

from engine.cancel import CancelToken
from engine.errors import ModelError, ModelNotFound
from engine.events import LoadPhase

FileDigest = NewType('FileDigest', str)
Place = NewType('Place', str)
"""Where weights are computed with, by torch's names: `cpu`, `cuda:0`, `mps`."""

Phase = LoadPhase
"""What a load is about: building the empty network, reading its weights, moving them, making them fast."""

CPU = Place('cpu')
AUTO = 'auto'
"""The precision that is decided by device, part and family."""

T = TypeVar('T')
T_co = TypeVar('T_co', covariant=True)


class Patch:
	"""A change to a model, as data.

	Subclasses of `WeightPatch` and `Setting` are frozen dataclasses of plain values, digests, refs and tensors, which
	their pack registers with `Codecs.add_dataclass`, so that a patched recipe can be cached.
	"""


class WeightPatch(Patch):
	"""A change of weights, such as a LoRA. It must be hashable: it is part of what the patched weights are known by."""

	def files(self) -> tuple[FileDigest, ...]:
		"""The files it reads."""
		return ()

	def refs(self) -> tuple[ModelRef[Any], ...]:
		"""Other models that it needs while it is applied, as merging does: leased meanwhile, or read from where it lasts."""
		return ()

	def title(self, name: Callable[[FileDigest], str]) -> str:
		"""What it is, for people; `name` tells what a file is called."""
		files = (*self.files(), *(ref.file for ref in self.refs()))
		return ' '.join([type(self).__name__.removesuffix('Patch'), *map(name, files)])

	def touch(self, load: Load) -> Touch:
		"""What it changes of a model that `load` would read, as far as headers tell: all of it, unless it knows better."""
		return Touch()


class Setting(Patch):
	"""A change of behaviour only, such as another noise schedule: it copies no weights, and costs nothing."""

	def apply(self, model: Any, use: Use) -> Any:
		"""A light view of `model`; `use` leases another model for as long as this one is leased."""
		raise NotImplementedError


@dataclass(frozen=True)
class ModelRef(Generic[T]):
	"""A recipe for weights, not the weights: a file, the part of it that is meant, and the precision.

	`more` are further files that make up one model with the first. `option` is what the loader needs to know besides,
	such as the kind of model that a text encoder serves. `patches` are applied in order.
	"""

	file: FileDigest
	part: str
	dtype: str = 'auto'
	more: tuple[FileDigest, ...] = ()
	option: str = ''
	patches: tuple[Patch, ...] = ()

	@property
	def files(self) -> tuple[FileDigest, ...]:
		"""All files of the model itself, the first one first."""
		return (self.file, *self.more)

	@property
	def unpatched(self) -> ModelRef[T]:
		"""The same without any patch."""
		return replace(self, patches=()) if self.patches else self

	@property
	def identity(self) -> ModelRef[T]:
		"""The same without settings: what the weights are known by."""
		return replace(self, patches=self.weight_patches) if self.settings else self

	@property
	def weight_patches(self) -> tuple[WeightPatch, ...]:
		"""The patches that change weights, in order."""
		return tuple(patch for patch in self.patches if isinstance(patch, WeightPatch))

	@property
	def settings(self) -> tuple[Setting, ...]:
		"""The patches that change behaviour only, in order."""
		return tuple(patch for patch in self.patches if isinstance(patch, Setting))

	def patched(self, *patches: Patch) -> ModelRef[T]:
		"""The same with these patches added at the end."""
		return replace(self, patches=self.patches + patches)


class Use(Protocol):
	"""Leases a model for as long as another lease, or a load, lasts."""

	def __call__(self, ref: ModelRef[T], /) -> T: ...


class Weights(Protocol):
	"""What a loader gives back: an object that knows how many bytes of weights are its own."""

	@property
	def nbytes(self) -> int: ...


class Size(NamedTuple):
	"""What weights will take, as far as their file's header tells: all of them, and the fewest bytes at a time with which
	they can be used by streaming (0: they cannot)."""

	nbytes: int
	least: int = 0


class Touch(NamedTuple):
	"""What a change of weights touches, told from headers: the bytes of weights by any name; None if it is all of them.

	`kept` are bytes that it holds for as long as weights are changed time and again.
	"""

	weights: Mapping[str, int] | None = None
	kept: int = 0


def own_size(base: Size, touches: Sequence[Touch]) -> Size:
	"""What a changed set of weights will have of its own beside its base: each weight once, however many change it."""
	if not touches:
		return Size(0)
	known: dict[str, int] = {}
	for touch in touches:
		if touch.weights is not None:
			known |= touch.weights
	all_of_it = any(touch.weights is None for touch in touches)
	nbytes = base.nbytes if all_of_it else min(sum(known.values()), base.nbytes)
	largest = base.least if all_of_it else min(max(known.values(), default=0), base.least)
	return Size(nbytes, largest + sum(touch.kept for touch in touches) if base.least else 0)


@runtime_checkable
class Movable(Weights, Protocol):
	"""Weights that can change their place, and so wait in main memory for their next use."""

	def move(self, place: Place) -> None:
		"""Be there, whole, and nowhere else."""
		...


@runtime_checkable
class Patchable(Weights, Protocol):
	"""Weights of which a changed set can be made."""

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> Weights:
		"""A set that shares every tensor which no patch changes, and counts only the bytes of the others.

		With a room, the others are to come when they are needed, such as by being changed each time. The tensors of this one
		are never written to: dropping the patched set is the exact removal of the patches.
		Raises `PatchMismatch` for a patch that does not fit.
		"""
		...


@runtime_checkable
class PatchMeasure(Protocol):
	"""Patchable weights that can tell beforehand what a patched set will have of its own."""

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size: ...


def _nowhere(digest: FileDigest) -> Path:
	raise ModelNotFound(digest, 'models')


def _nothing(ref: ModelRef[Any]) -> Any:
	raise ModelError(f'The model part {ref.part!r} cannot be leased here.')


def _unread(ref: ModelRef[Any]) -> Any:
	raise ModelError(f'The model part {ref.part!r} cannot be read from here.')


@dataclass
class Load:
	"""What a loader is handed: the files to read, for what, and the means to tell how far it has come.

	`paths` are those of the recipe's files in order, each a file or a folder in diffusers' layout. `place` is where will
	be computed, `exact` whether in whole precision unless the recipe names another. `room` tells how many bytes of weights
	may be there at a time, if they cannot be there all: then they are to be streamed, from main memory if `in_memory` says that
	there is room for them, else from the files; with 0 the weights are only to be read from. `on_progress` is
	called with the phase, and the bytes done and in all of it; `note` with what users should know of the weights, such as
	tensors of a patch that fit nothing: whoever uses them is told.
	"""

	paths: tuple[Path, ...]
	part: str
	dtype: str = 'auto'
	option: str = ''
	place: Place = CPU
	exact: bool = False
	room: int | None = None
	in_memory: bool = False
	cancel: CancelToken = field(default_factory=CancelToken)
	finder: Callable[[FileDigest], Path] = _nowhere
	user: Use = _nothing
	reader: Use = _unread
	on_progress: Callable[[Phase, int, int], None] = lambda phase, done, total: None
	note: Callable[[str], None] = lambda text: None
	_phase: Phase = field(default='initialization', init=False)
	_done: int = field(default=0, init=False)
	_total: int = field(default=0, init=False)

	@property
	def path(self) -> Path:
		"""The first of the files."""
		return self.paths[0]

	def phase(self, phase: Phase, total: int = 0) -> None:
		"""Begin a phase, of `total` bytes if it can be told. Raises what a cancelled load raises."""
		self._phase, self._done, self._total = phase, 0, total
		self.on_progress(phase, 0, total)
		self.cancel.check()

	def advance(self, nbytes: int) -> None:
		"""So many more bytes of the phase are done. Raises what a cancelled load raises: `ModelLoadCancelled`."""
		self._done += nbytes
		self.on_progress(self._phase, self._done, self._total)
		self.cancel.check()

	def find(self, digest: FileDigest) -> Path:
		"""The file of that content. Raises `ModelNotFound`."""
		return self.finder(digest)

	def use(self, ref: ModelRef[T]) -> T:
		"""Another model's weights, for as long as this load lasts."""
		return self.user(ref)

	def read_from(self, ref: ModelRef[T]) -> T:
		"""Another model with none of its weights in memory, for as long as it is wanted: each is read when it is asked for."""
		return self.reader(ref)


class Loader(Protocol[T_co]):
	"""Reads one part of a model file.

	Raises `UnknownFormat`, `UnknownFamily` or another `ModelError` with a sentence for the user. Tells its phases, and
	each tensor that it has read, so that it can be cancelled.
	"""

	def __call__(self, load: Load, /) -> T_co: ...


class Measure(Protocol):
	"""Tells from the headers of a load's files what the weights will take, in the precision that is asked for.

	None if that cannot be told. Raises what the loader would raise of a file that cannot be read.
	"""

	def __call__(self, load: Load, /) -> Size | None: ...


class Loaders:
	"""Part name → loader, and how to know its size beforehand. Filled by packs when they register."""

	def __init__(self) -> None:
		self._loaders: dict[str, Loader[Weights]] = {}
		self._measures: dict[str, Measure] = {}

	def add(self, part: str, loader: Loader[Weights], measure: Measure | None = None) -> None:
		"""Name the loader of a part. With a `measure`, room is made before the weights are read."""
		if part in self._loaders:
			raise ModelError(f'There is a loader for {part!r} already.')
		self._loaders[part] = loader
		if measure is not None:
			self._measures[part] = measure

	def measure(self, load: Load) -> Size | None:
		"""What the weights will take; None if their pack cannot tell."""
		measure = self._measures.get(load.part)
		return None if measure is None else measure(load)

	def __getitem__(self, part: str) -> Loader[Weights]:
		try:
			return self._loaders[part]
		except KeyError:
			raise ModelError(f'No loader is known for the model part {part!r}.') from None
