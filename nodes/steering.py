"""What sampling nodes hand to each other: noise, noise levels, samplers, and guiders.

Importing this module imports no torch: tensors are named only for the type checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.models import ModelRef
from engine.sockets import socket
from nodes.values import Conditioning, DiffusionModel

if TYPE_CHECKING:
	from torch import Tensor


@socket('NOISE')
@dataclass(frozen=True)
class Noise:
	"""The noise that sampling starts from, and the seed of what samplers add; with `empty` it starts from none."""

	seed: int = 0
	empty: bool = False


@socket('SIGMAS')
@dataclass(frozen=True, eq=False)
class Sigmas:
	"""The noise levels that a sampler goes through, first to last: `values` is float32 [steps + 1]."""

	values: Tensor


@socket('SAMPLER')
@dataclass(frozen=True)
class Sampler:
	"""A sampler by its name in `nodes.diffusion.names`, with options as its function takes them."""

	name: str
	options: tuple[tuple[str, str | float | bool], ...] = ()


@socket('GUIDER')
@dataclass(frozen=True, eq=False)
class Guider:
	"""How a model is steered; each subclass another way."""

	model: ModelRef[DiffusionModel]


@dataclass(frozen=True, eq=False)
class BasicGuider(Guider):
	"""By one side alone."""

	positive: Conditioning


@dataclass(frozen=True, eq=False)
class CfgGuider(BasicGuider):
	"""Away from a negative side."""

	negative: Conditioning
	cfg: float


@dataclass(frozen=True, eq=False)
class TwoModelsGuider(CfgGuider):
	"""Away from what another model makes of the negative side."""

	unwanted: ModelRef[DiffusionModel]


@dataclass(frozen=True, eq=False)
class DualCfgGuider(BasicGuider):
	"""From a negative side to a middle one, and from there to the positive one.

	`cfg` is the strength of the second stretch, `cfg_middle` that of the first; if `nested`, the first goes to what the
	second gave.
	"""

	middle: Conditioning
	negative: Conditioning
	cfg: float
	cfg_middle: float
	nested: bool = False


@dataclass(frozen=True, eq=False)
class PerpNegGuider(BasicGuider):
	"""Away only from what of the negative side is not in the positive one; `empty` is what nothing is asked for with."""

	negative: Conditioning
	empty: Conditioning
	cfg: float
	negative_scale: float
