"""The mathematics of LoRA and its relatives: from small factors to what is added to a weight.

All is computed in float32. A weight is [out, in] or, of a convolution, [out, in, height, width].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion.layout import Piece
from nodes.diffusion.patches import turns

Parts = Mapping[str, Tensor]
"""A layer's tensors of a file by role, float32; see `lora_names.ROLES`."""


class Delta(Protocol):
	"""What a layer's weight changes by."""

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""The shape of the whole layer that it is for, as [out, in · height · width] or [out]."""
		...

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""Change, in place, rows of a float32 weight: those that `piece` takes of the layer."""
		...


@dataclass(frozen=True, eq=False)
class LowRank:
	"""LoRA (Hu et al. 2021): up [out, rank] · down [rank, in · height · width] · scale."""

	up: Tensor
	down: Tensor
	scale: float

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return len(self.up), self.down.shape[1]

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`; one matrix product that adds as it goes."""
		up, down = self.up.to(weight.device), self.down.to(weight.device)
		if piece.transposed:
			weight.add_(piece.of(up @ down), alpha=strength * self.scale)
		else:
			flat = weight.view(len(weight), -1)
			flat.addmm_(up[piece.start : piece.stop], down, alpha=strength * self.scale)


@dataclass(frozen=True, eq=False)
class Full:
	"""A difference that was written out, or has been computed."""

	difference: Tensor

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return flat_shape(self.difference)

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`."""
		weight.add_(piece.of(self.difference).reshape(weight.shape).to(weight.device), alpha=strength)


@dataclass(frozen=True, eq=False)
class Replacement:
	"""A weight that takes the place of the layer's, as training of norms and first layers is kept; in full or not."""

	weight: Tensor

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return flat_shape(self.weight)

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`; the strength does not count."""
		weight.copy_(piece.of(self.weight).reshape(weight.shape))


@dataclass(frozen=True, eq=False)
class Decomposed:
	"""DoRA (Liu et al. 2024): the changed weight is brought to learned lengths of its rows, or of its columns.

	W' = magnitude · (W + change) / length, mixed with W by the strength. As in ComfyUI, `magnitude` is of rows if it has as
	many as the layer, [out, 1 …], and then the lengths are those of W; else it is of columns, [1, in, 1 …], and they are
	those of W + change. PEFT's vectors [out], which ComfyUI does not read, are of the rows of W + change, as in the paper.
	"""

	change: Delta
	magnitude: Tensor

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return self.change.shape(weight)

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`. Raises `ValueError` where lengths of columns are needed and only some rows are there."""
		changed = weight.clone()
		self.change.onto(changed, 1.0, piece)
		wide = [1] * (weight.dim() - 2)
		if len(self.magnitude) == self.shape(weight)[0]:
			measured = changed if self.magnitude.dim() == 1 else weight
			lengths = measured.reshape(len(weight), -1).norm(dim=1).reshape(-1, 1, *wide)
			wanted = piece.of(self.magnitude.reshape(-1, 1)).reshape(-1, 1, *wide)
		elif (piece.start, piece.stop) == (None, None):
			lengths = changed.transpose(0, 1).reshape(changed.shape[1], -1).norm(dim=1).reshape(1, -1, *wide)
			wanted = self.magnitude.reshape(1, -1, *wide)
		else:
			raise ValueError('its magnitudes go by columns of a weight that this model keeps in several parts')
		changed.mul_(wanted.to(weight.device) / (lengths + torch.finfo(torch.float32).eps))
		weight.lerp_(changed, strength)


def delta_of(parts: Parts) -> Delta | None:
	"""What a layer's tensors say of its weight; None if they say nothing of it.

	Raises `KeyError` with the role of a tensor that should be there.
	"""
	change = _change(parts)
	if change is not None and 'dora_scale' in parts:
		return Decomposed(change, parts['dora_scale'])
	return change


def bias_of(parts: Parts) -> Delta | None:
	"""What they say of its bias; None if nothing."""
	for role in ('diff_b', 'up_bias'):
		if role in parts:
			return Full(parts[role])
	return None


def _change(parts: Parts) -> Delta | None:
	if 'up' in parts or 'down' in parts:
		return _low_rank(parts)
	if 'hada_w1_a' in parts:
		return Full(_hadamard(parts))
	if 'lokr_w1' in parts or 'lokr_w1_a' in parts:
		return Full(_kronecker(parts))
	if 'diff' in parts:
		return Full(parts['diff'])
	if 'set_weight' in parts:
		return Replacement(parts['set_weight'])
	return turns.of_parts(parts)


def _scale(parts: Parts, rank: int) -> float:
	return float(parts['alpha']) / rank if 'alpha' in parts else 1.0


def _low_rank(parts: Parts) -> Delta:
	up, down = parts['up'], parts['down']
	scale = _scale(parts, len(down))
	if 'mid' in parts:
		return Full(_tucker(parts['mid'], up.flatten(1).t(), down.flatten(1)) * scale)
	return LowRank(up.flatten(1), down.flatten(1), scale)


def _hadamard(parts: Parts) -> Tensor:
	"""LoHa (Hyeon-Woo et al. 2022, FedPara): the product, element by element, of two low-rank matrices."""
	first, second = (
		_tucker(parts[f'hada_t{index}'], parts[f'hada_w{index}_a'], parts[f'hada_w{index}_b'])
		if f'hada_t{index}' in parts
		else parts[f'hada_w{index}_a'] @ parts[f'hada_w{index}_b']
		for index in (1, 2)
	)
	return first * second * _scale(parts, len(parts['hada_w1_b']))


def _kronecker(parts: Parts) -> Tensor:
	"""LoKr (Edalati et al. 2022, KronA; Yeh et al. 2023, LyCORIS): the Kronecker product of a small and a larger matrix."""
	rank = 0
	factors = []
	for index in (1, 2):
		name = f'lokr_w{index}'
		if name in parts:
			factors.append(parts[name])
			continue
		a, b = parts[f'{name}_a'], parts[f'{name}_b']
		rank = len(b)
		core = parts.get(f'lokr_t{index}')
		factors.append(a @ b if core is None else _tucker(core, a, b))
	small, large = factors
	small = small.reshape(*small.shape, *[1] * (large.dim() - small.dim()))
	# A factor that was written out has no rank, and then alpha does not count.
	return torch.kron(small, large.contiguous()) * (_scale(parts, rank) if rank else 1.0)


def _tucker(core: Tensor, outer: Tensor, inner: Tensor) -> Tensor:
	"""A convolution from its core [r, s, h, w], what goes out of it [r, out], and what comes in [s, in]."""
	return torch.einsum('rshw,ro,si->oihw', core, outer, inner)


def flat_shape(tensor: Tensor) -> tuple[int, ...]:
	"""A shape in which a convolution is a matrix, and a norm's weight a vector."""
	return (len(tensor),) if tensor.dim() < 2 else (len(tensor), math.prod(tensor.shape[1:]))
