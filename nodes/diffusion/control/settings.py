"""Changes of control networks as data. Importing this module imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import ModelError
from engine.models import Load, ModelRef, Setting, Use
from nodes.diffusion.patches.recipes import TensorPatch

if TYPE_CHECKING:
	from torch import Tensor

	from nodes.diffusion.patches.apply import Changes
	from nodes.diffusion.patches.target import Target

POOLED = 'pooled'
"""A `ModelRef`'s option: the network's answers are averaged over the picture, as those of "shuffle" are."""

UNION_KINDS = {
	'openpose': 0,
	'depth': 1,
	'hed/pidi/scribble/ted': 2,
	'canny/lineart/anime_lineart/mlsd': 3,
	'normal': 4,
	'segment': 5,
	'tile': 6,
	'repaint': 7,
}
"""The hints that union ControlNets know, by the number that they give them."""


@dataclass(frozen=True)
class UnionKind(Setting):
	"""What kind of hint a union ControlNet is shown; None leaves it to find out. Others take no notice."""

	kind: int | None

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `ModelError` for a kind that this union does not know."""
		kinds = getattr(model, 'kinds', 0)
		if not kinds:
			return model
		if self.kind is not None and self.kind >= kinds:
			raise ModelError(f'This union ControlNet knows {kinds} kinds of hints, and not number {self.kind + 1}.')
		return model.of_kind(self.kind)


@dataclass(frozen=True, eq=False)
class BlockwisePatch(Setting):
	"""A blockwise ControlNet that steers a model by a picture. See `nodes.diffusion.control.blockwise.Hint`."""

	patch: ModelRef[Any]
	vae: ModelRef[Any]
	pixels: Tensor
	mask: Tensor | None
	strength: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` for a model of another family or size."""
		from nodes.diffusion.control.blockwise import steered

		return steered(model, use(self.patch), use(self.vae), self.pixels, self.mask, self.strength)


@dataclass(frozen=True)
class DifferencePatch(TensorPatch):
	"""The weights of a denoiser added to those of the same name, for a ControlNet file that only holds the difference."""

	model: ModelRef[Any]

	def refs(self) -> tuple[ModelRef[Any], ...]:
		"""The denoiser."""
		return (self.model,)

	def changes(self, target: Target, load: Load) -> Changes:
		"""See `TensorPatch`; nothing for a file that holds whole weights."""
		from nodes.diffusion.control.difference import changes

		return changes(self.model, target, load)
