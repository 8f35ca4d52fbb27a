"""Linear layers whose weights are quantised when they are read, by torchao (Or et al. 2025)."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter

from engine.errors import NotInstalled
from nodes.diffusion.precision import ADVICE, LIBRARY, PURPOSE

CONFIGS = {
	'int8_weight_only': 'Int8WeightOnlyConfig',
	'int8_dynamic_activation': 'Int8DynamicActivationInt8WeightConfig',
	'float8_weight_only': 'Float8WeightOnlyConfig',
}
"""torchao's names for the methods in `precision.QUANTISED`."""


class QuantisedLinear(Linear):
	"""A linear layer whose `weight` is one of torchao's tensors: [..., in] → [..., out]. A `Coded` layer for patches.

	Attributes:
		shape: of the weight.
		compute: the dtype that it computes in.
	"""

	shape: torch.Size
	compute: torch.dtype

	def decoded(self, dtype: torch.dtype, weight: Tensor | None = None) -> Tensor:
		"""The weight, or another one that is kept alike, as numbers: a tensor of its own."""
		stored = self.weight if weight is None else weight
		numbers: Tensor = cast(Any, stored).dequantize()  # of torchao's tensors
		return numbers.to(dtype)


def can_be_quantised(layer: Module) -> bool:
	"""Whether a layer is torch's own linear layer: subclasses compute something else."""
	return type(layer) is Linear


def quantised_layer(layer: Module, weight: Parameter, compute: torch.dtype) -> QuantisedLinear:
	"""A layer like this one, for a weight that is to be quantised: `weight` stands in until that is read."""
	made = QuantisedLinear.__new__(QuantisedLinear)
	# What torch keeps of a module (its settings, other weights, hooks) goes over as it is.
	made.__dict__ = {name: held.copy() if isinstance(held, dict) else held for name, held in layer.__dict__.items()}
	made.shape, made.compute = weight.shape, compute
	made._parameters['weight'] = weight
	return made


def quantised(weight: Tensor, method: str) -> Tensor:
	"""A weight [out, in] as torchao keeps it. Raises `NotInstalled`."""
	library = torchao()
	rows, columns = weight.shape
	holder = Linear(columns, rows, bias=False, device='meta')
	holder.weight = Parameter(weight, requires_grad=False)
	library.quantize_(holder, getattr(library, CONFIGS[method])())
	return holder.weight.detach()


@cache
def torchao() -> Any:
	"""torchao's functions for quantising. Raises `NotInstalled` with the command that installs it."""
	try:
		return importlib.import_module('torchao.quantization')
	except ImportError as error:
		raise NotInstalled(LIBRARY, PURPOSE, ADVICE) from error
