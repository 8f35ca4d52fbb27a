"""How tensors are kept in fewer bytes than they compute with, and how they become numbers again.

A coded tensor is held as int8, whatever the bytes mean: nothing then takes it for numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.errors import ModelError
from engine.ggufheader import BLOCKS
from nodes.diffusion.ggml import decoder


class Coding(Protocol):
	"""One way of keeping numbers."""

	@property
	def values(self) -> int:
		"""How many numbers stand together in a unit."""
		...

	@property
	def size(self) -> int:
		"""How many bytes a unit takes."""
		...

	def decode(self, stored: Tensor, dtype: torch.dtype) -> Tensor:
		"""int8 [..., units × size] → numbers of the dtype [..., units × values]."""
		...

	def encode(self, numbers: Tensor) -> Tensor:
		"""The way back. Raises `ModelError` for what can only be read."""
		...


@dataclass(frozen=True)
class EightBits:
	"""Numbers of eight bits with a point, all multiplied by one scale: `dtype` is one of torch's float8 types."""

	dtype: torch.dtype
	scale: float = 1.0
	values: int = 1
	size: int = 1

	def decode(self, stored: Tensor, dtype: torch.dtype) -> Tensor:
		numbers = stored.view(self.dtype).to(dtype)
		return numbers if self.scale == 1.0 else numbers.mul_(self.scale)

	def encode(self, numbers: Tensor) -> Tensor:
		"""What is beyond the type's range becomes its end."""
		limit = torch.finfo(self.dtype).max
		return (numbers / self.scale).clamp_(-limit, limit).to(self.dtype).view(torch.int8)


@dataclass(frozen=True)
class Blocks:
	"""ggml's quantised blocks; `kind` is the type's name, such as `Q4_K`."""

	kind: str

	@property
	def values(self) -> int:
		return BLOCKS[self.kind][0]

	@property
	def size(self) -> int:
		return BLOCKS[self.kind][1]

	def decode(self, stored: Tensor, dtype: torch.dtype) -> Tensor:
		numbers = decoder(self.kind)(stored.reshape(-1, self.size).view(torch.uint8))
		return numbers.to(dtype).reshape(*stored.shape[:-1], -1)

	def encode(self, numbers: Tensor) -> Tensor:
		raise ModelError(f'Weights cannot be quantised as {self.kind} here, only read.')
