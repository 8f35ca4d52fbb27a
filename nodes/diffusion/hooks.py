"""Where a model's settings take part in guidance: functions over the guesses of one look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from nodes.diffusion.parametrisation import Parametrisation

if TYPE_CHECKING:
	from nodes.diffusion.guidance import Guided


@dataclass(frozen=True, eq=False)
class Look:
	"""One look at x [batch, channels, …] at a sigma, and what was guessed.

	`wanted` and `unwanted` are the guesses of the two sides; where no negative side was looked at, `unwanted` is 0. `again`
	guesses once more, with another model (made by `dataclasses.replace` of `model`), of x or another one, for the
	positive (True) or negative side.
	"""

	x: Tensor
	sigma: Tensor
	wanted: Tensor
	unwanted: Tensor
	cfg: float
	model: Any  # a `Denoiser`, whose fields hooks replace; its class is above this module
	again: Again

	@property
	def levels(self) -> Parametrisation:
		"""The model's noise levels."""
		levels: Parametrisation = self.model.parametrisation
		return levels


class Again(Protocol):
	"""See `Look.again`."""

	def __call__(self, model: Any, *, x: Tensor | None = None, positive: bool = True) -> Tensor: ...


Before = Callable[[Look], Look]
"""Changes the guesses of both sides before they are combined."""
Combine = Callable[[Look], Tensor]
"""Gives the guided guess instead of classifier-free guidance."""
After = Callable[[Look, Tensor], Tensor]
"""Changes the guided guess."""


Around = Callable[['Guided', Parametrisation], 'Guided']
"""Stands between a sampler and the steered model of a run."""


class MaskHook(Protocol):
	"""Changes the mask of a latent [batch, 1, h, w] at a sigma of a run over `sigmas`."""

	def __call__(self, mask: Tensor, sigma: Tensor, sigmas: Tensor, levels: Parametrisation) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Hooks:
	"""What a model's settings do in guidance.

	`both_sides` says that the negative side is looked at even where guidance of 1 would not need it. `run` is called when
	a run begins, and gives the model for it: settings with state between looks start anew with each. `around` is called then
	too, innermost first.
	"""

	before: tuple[Before, ...] = ()
	combine: Combine | None = None
	after: tuple[After, ...] = ()
	mask: MaskHook | None = None
	both_sides: bool = False
	run: tuple[Callable[[Any], Any], ...] = ()
	around: tuple[Around, ...] = ()

	def with_before(self, hook: Before) -> Hooks:
		"""The same, with one more that comes before."""
		return replace(self, before=(*self.before, hook))

	def with_after(self, hook: After, *, both_sides: bool = False) -> Hooks:
		"""The same, with one more that comes after."""
		return replace(self, after=(*self.after, hook), both_sides=self.both_sides or both_sides)


NO_HOOKS = Hooks()
