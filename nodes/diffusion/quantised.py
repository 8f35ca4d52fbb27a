"""Layers whose weights stay coded in memory, and are made numbers each time they are used.

They are torch's own layers but for that, so what looks for linear layers and convolutions finds them.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Conv2d, Embedding, Linear, Module, Parameter

from nodes.diffusion.codings import Coding


class CodedWeight(Module):
	"""A layer whose `weight` is coded: int8 [rows, bytes].

	Attributes:
		coding: how the weight is kept.
		shape: of the weight as numbers.
		compute: the dtype of the numbers where the input has none.
	"""

	coding: Coding
	shape: torch.Size
	compute: torch.dtype

	def decoded(self, dtype: torch.dtype, weight: Tensor | None = None) -> Tensor:
		"""The weight, or another one that is kept alike, as numbers in its shape: a tensor of its own."""
		stored = self.get_parameter('weight') if weight is None else weight
		return self.coding.decode(stored, dtype).reshape(self.shape)


class CodedLinear(CodedWeight, Linear):
	"""A linear layer: [..., in] → [..., out]."""

	def forward(self, input: Tensor) -> Tensor:
		return F.linear(input, self.decoded(input.dtype), self.bias)


class CodedConv2d(CodedWeight, Conv2d):
	"""A convolution: [batch, in, h, w] → [batch, out, h, w]."""

	def forward(self, input: Tensor) -> Tensor:
		output: Tensor = self._conv_forward(input, self.decoded(input.dtype), self.bias)  # torch leaves it untyped
		return output


class CodedEmbedding(CodedWeight, Embedding):
	"""A table: numbers [...] → [..., width]."""

	def forward(self, input: Tensor) -> Tensor:
		return self.coding.decode(self.weight[input], self.compute)


KINDS: dict[type[Module], type[CodedWeight]] = {
	Linear: CodedLinear,
	Conv2d: CodedConv2d,
	Embedding: CodedEmbedding,
}


def can_be_coded(layer: Module) -> bool:
	"""Whether there is a layer like this with a coded weight. Subclasses compute something else, so they do not count."""
	return type(layer) in KINDS


def coded(layer: Module, weight: Parameter, coding: Coding, compute: torch.dtype) -> CodedWeight:
	"""A layer like this, whose weight is kept coded; `weight` is int8 [rows, bytes]."""
	kind = KINDS[type(layer)]
	made = kind.__new__(kind)
	# What torch keeps of a module (its settings, other weights, hooks) goes over as it is.
	made.__dict__ = {name: held.copy() if isinstance(held, dict) else held for name, held in layer.__dict__.items()}
	made.shape = cast(Any, layer).weight.shape
	made.coding, made.compute = coding, compute
	made._parameters['weight'] = weight
	return made
