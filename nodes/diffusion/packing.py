"""Layers in bfloat16 on the CPU, whose weights oneDNN keeps in the order in which the processor multiplies them.

Without that, oneDNN puts them in order anew at each call, which costs as much as the mathematics where pictures are small.
A weight is packed when its layer is first called: a model that was just loaded, or is only patched, costs nothing. Whoever
shares the weight finds the packed one; `unpacked` gives its values back, bit for bit.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import Conv2d, Linear, Module, Parameter

SIDE = 32
"""Sides of the maps that convolutions' weights are packed for: always the same, so that results depend on no earlier call."""

BATCH = 2
_packing = threading.Lock()


class PackedLinear(Linear):
	"""Computes as `Linear` does."""

	def forward(self, input: Tensor) -> Tensor:
		if not self.weight.is_mkldnn:
			with _packing:
				if not self.weight.is_mkldnn:
					_replace(self.weight, torch.ops.mkldnn._reorder_linear_weight)
		made: Tensor = torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, 'none', [], '')
		return made


class PackedConv2d(Conv2d):
	"""Computes as `Conv2d` does, with channels last in memory: what comes otherwise is brought in that order."""

	def forward(self, input: Tensor) -> Tensor:
		shape = (self.padding, self.stride, self.dilation, self.groups)
		if not self.weight.is_mkldnn:
			with _packing:
				if not self.weight.is_mkldnn:
					maps = [BATCH, self.in_channels, SIDE, SIDE]
					_replace(self.weight, torch.ops.mkldnn._reorder_convolution_weight, *shape, maps)
		last = input.contiguous(memory_format=torch.channels_last)
		made: Tensor = torch.ops.mkldnn._convolution_pointwise(last, self.weight, self.bias, *shape, 'none', [], '')
		return made


def pack(module: Module) -> None:
	"""Have a network's linear layers and convolutions pack their weights, which must be bfloat16 and on the CPU.

	A weight that several modules share, and layers of other kinds, are left as they are.
	"""
	if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
		return
	layers = [*module.modules()]
	owners = Counter(id(weight) for layer in layers for weight in layer._parameters.values() if weight is not None)
	for layer in layers:
		if type(layer) not in (Linear, Conv2d) or owners[id(layer.weight)] > 1 or layer.weight.dtype != torch.bfloat16:
			continue
		if type(layer) is Linear:
			layer.__class__ = PackedLinear
		elif type(layer) is Conv2d and layer.padding_mode == 'zeros' and not isinstance(layer.padding, str):
			layer.__class__ = PackedConv2d


def unpacked(weight: Tensor) -> Tensor:
	"""The values of a weight in their usual order; itself, if it is not packed."""
	# Another thread may be about to pack it: what is detached stays as it is.
	now = weight.detach()
	return now.to_dense() if now.is_mkldnn else now


def _replace(weight: Tensor, reorder: Callable[..., Tensor], *more: object) -> None:
	"""Put packed values in the place of plain ones, for all that hold this very weight."""
	with torch.inference_mode(False), torch.no_grad():
		plain = weight.detach()
		if plain.dim() > 2:
			# oneDNN packs for maps that lie as the weight does: the other order costs several times as much.
			plain = plain.contiguous(memory_format=torch.channels_last)
		packed = Parameter(reorder(plain, *more), requires_grad=False)
	swap: Callable[[Tensor, Tensor], None] = torch.utils.swap_tensors  # has no annotations
	swap(weight, packed)
