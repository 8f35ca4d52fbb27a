"""What packs know of computing and the engine does not: how a device says that it is full, and what results depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from engine.errors import OutOfDeviceMemory
from engine.models import Load, Place, Setting, Touch

FLOAT32 = 4


class Picture(NamedTuple):
	"""What is known of what a node will work on: pixels (0: unknown), pictures at a time, the family of its model.

	`controls` is how many networks steer it besides; `encodes` says that a VAE shows them pictures. `each` are the bytes of a
	value that the model computes with.
	"""

	width: int = 0
	height: int = 0
	batch: int = 1
	family: str = ''
	controls: int = 0
	encodes: bool = False
	each: int = FLOAT32


class Working(NamedTuple):
	"""Bytes that are needed to work with a model, beside its weights.

	`tiled` is what is enough in tiles, `passes` with one prompt after the other; 0 where that is not possible.
	"""

	nbytes: int = 0
	tiled: int = 0
	passes: int = 0

	@property
	def least(self) -> int:
		"""The fewest bytes that will do."""
		return min(filter(None, self), default=0)


Changes = Callable[[Path, Mapping[str, JsonValue], Load], Touch]
"""What a file, at a node with such constants, changes of a model that is loaded so."""


@dataclass(frozen=True)
class Compute:
	"""Filled by packs when they register; none of the calls may import a heavy library that is not imported yet.

	- `full` tell whether an exception says that a device, or the machine, has no memory left;
	- `trims` give back to the system what was let go of;
	- `profiles` name what the results of a place depend on besides the graph, such as precisions (true: the exact ones);
	- `parts` maps sockets of models to the parts that come in there, `forecasters` parts to what working with them takes;
	- `carried` are the sockets whose models come along, from a node's inputs, inside of what it gives at a socket;
	- `beside` are those among them whose models are used by way of another one, each with those that then come along too;
	- `steering` are the sockets of what counts as `Picture.controls`;
	- `changes` tell, by the folder of a file that a node on a model's way names, what the file changes;
	- `precisions` maps inputs of loaders, and of nodes on a model's way, and what is chosen there, to names of precisions;
	- `widths` tell of a model's load how many bytes a value has that is computed with (0: not known);
	- `compilers` map parts to the setting that has them compiled, `keepers` are told in which folder they may keep that.
	"""

	full: list[Callable[[BaseException], bool]] = field(default_factory=list)
	trims: list[Callable[[], None]] = field(default_factory=list)
	profiles: list[Callable[[Place, bool], str]] = field(default_factory=list)
	parts: dict[str, str] = field(default_factory=dict)
	forecasters: dict[str, Callable[[Picture], Working]] = field(default_factory=dict)
	carried: dict[str, tuple[str, ...]] = field(default_factory=dict)
	beside: dict[str, tuple[str, ...]] = field(default_factory=dict)
	steering: set[str] = field(default_factory=set)
	changes: dict[str, Changes] = field(default_factory=dict)
	precisions: dict[str, Mapping[str, str]] = field(default_factory=dict)
	widths: list[Callable[[Load], int]] = field(default_factory=list)
	compilers: dict[str, Setting] = field(default_factory=dict)
	keepers: list[Callable[[Path], None]] = field(default_factory=list)

	def is_full(self, error: BaseException) -> bool:
		"""Whether an exception says that memory ran out in the midst of computing.

		A refusal of the model store's own is none of these: it knew beforehand, and trying again changes nothing.
		"""
		if isinstance(error, OutOfDeviceMemory):
			return False
		return isinstance(error, MemoryError) or any(told(error) for told in self.full)

	def working(self, part: str, picture: Picture) -> Working:
		"""What it takes to work on a picture with a part of a model; nothing if that is not known."""
		forecaster = self.forecasters.get(part)
		return Working() if forecaster is None else forecaster(picture)

	def each(self, load: Load) -> int:
		"""The bytes of a value that the model of a load computes with: those of float32 if nobody knows."""
		return next(filter(None, (width(load) for width in self.widths)), FLOAT32)

	def trim(self) -> None:
		"""Give memory back to the system."""
		for call in self.trims:
			call()

	def keep_in(self, folder: Path) -> None:
		"""Tell packs where to keep what they compile, so that other processes and later runs have it too."""
		for call in self.keepers:
			call(folder)

	def profile(self, place: Place, *, exact: bool = False, compiled: bool = False) -> str:
		"""What results depend on at a place: the kind of device, then what packs name. Fit for a folder's name."""
		kind = place.partition(':')[0]
		names = [kind, *(name(place, exact) for name in self.profiles), 'compiled' if compiled else '']
		return '-'.join(filter(None, names))
