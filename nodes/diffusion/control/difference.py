"""ControlNets that are kept as a difference to the denoiser that they were made from."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from engine.errors import PatchMismatch
from engine.models import Load, ModelRef
from nodes.diffusion.files import open_source
from nodes.diffusion.patches.apply import Changes
from nodes.diffusion.patches.merge import Targeted
from nodes.diffusion.patches.target import Target

MARKER = 'difference'
"""The tensor by which such a file says what it is."""


def changes(model: ModelRef[Any], target: Target, load: Load) -> Changes:
	"""The denoiser's weights, added where the ControlNet has such. Raises `PatchMismatch` if one has another shape."""
	if MARKER not in open_source(load.path).shapes:
		return Changes({})
	weights = load.use(model.identity)
	done = {}
	for theirs in weights.targets() if isinstance(weights, Targeted) else ():
		for name, tensor in theirs.tensors.items():
			own = target.tensors.get(name)
			if own is None:
				continue
			if own.shape != tensor.shape:
				raise PatchMismatch(
					f'{load.path.name} holds a difference to another model: its {name} is {list(own.shape)}, '
					f'that of the model is {list(tensor.shape)}.'
				)
			done[name] = (partial(_added, theirs, name),)
	if not done:
		raise PatchMismatch(f'{load.path.name} holds a difference to another model: no weight is named alike.')
	return Changes(done)


def _added(theirs: Target, name: str, weight: Tensor) -> None:
	weight.add_(theirs.numbers(name).to(weight))
