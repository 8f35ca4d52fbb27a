"""Changes of weights as data, such as travel on the wires. Importing this module imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.models import FileDigest, Load, ModelRef, Touch, WeightPatch

if TYPE_CHECKING:
	from nodes.diffusion.patches.apply import Changes
	from nodes.diffusion.patches.target import Target


class TensorPatch(WeightPatch):
	"""A change that can be told tensor by tensor."""

	def changes(self, target: Target, load: Load) -> Changes:
		"""What is done to which of the target's tensors. Raises `PatchMismatch`."""
		raise NotImplementedError

	def touched(self, target: Target, load: Load) -> Collection[str]:
		"""Which of the target's tensors it may change, told without reading any: all of them."""
		return target.tensors.keys()

	def kept(self, load: Load) -> int:
		"""Bytes that it holds for as long as weights are changed time and again."""
		return 0


@dataclass(frozen=True)
class LoraPatch(TensorPatch):
	"""A LoRA or a relative of it, from a file, so many times."""

	file: FileDigest
	strength: float

	def files(self) -> tuple[FileDigest, ...]:
		"""The LoRA's file."""
		return (self.file,)

	def changes(self, target: Target, load: Load) -> Changes:
		"""See `TensorPatch`; a part of the file that is for another target is left alone."""
		from nodes.diffusion.patches.lora import changes

		return changes(load.find(self.file), self.strength, target, load.note, load.cancel.check)

	def title(self, name: Callable[[FileDigest], str]) -> str:
		"""See `WeightPatch`; with its strength."""
		return f'{super().title(name)} × {self.strength:g}'

	def touch(self, load: Load) -> Touch:
		"""See `WeightPatch`."""
		from nodes.diffusion.patches.lora_size import touch

		return touch(load.find(self.file), load)

	def touched(self, target: Target, load: Load) -> Collection[str]:
		"""See `TensorPatch`."""
		from nodes.diffusion.patches.lora import touched

		return touched(load.find(self.file), target)

	def kept(self, load: Load) -> int:
		"""See `TensorPatch`."""
		from nodes.diffusion.patches.lora import float32_bytes

		return float32_bytes(load.find(self.file))


@dataclass(frozen=True)
class MergePatch(TensorPatch):
	"""Two models of one kind added up: mine · own weights + theirs · the other's.

	`blocks` are exceptions: (start of the tensor's name in the original layout, mine, theirs), the longest that fits
	counts.
	"""

	other: ModelRef[Any]
	mine: float
	theirs: float
	blocks: tuple[tuple[str, float, float], ...] = ()

	def refs(self) -> tuple[ModelRef[Any], ...]:
		"""The other model."""
		return (self.other,)

	def title(self, name: Callable[[FileDigest], str]) -> str:
		"""See `WeightPatch`; with the shares."""
		return f'{super().title(name)} ({self.mine:g} : {self.theirs:g})'

	def changes(self, target: Target, load: Load) -> Changes:
		"""See `TensorPatch`."""
		from nodes.diffusion.patches.merge import changes

		return changes(self, target, load)
