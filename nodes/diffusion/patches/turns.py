"""Changes that depend on the weight itself: what is multiplied from the left (OFT, BOFT) or from the right (GLoRA).

They keep to `deltas.Delta`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from nodes.diffusion.layout import Piece


@dataclass(frozen=True, eq=False)
class Rotated:
	"""OFT (Qiu et al. 2023): blocks of rows are turned by R = (1 + Q)(1 − Q)⁻¹ with Q antisymmetric.

	`rotations` is [blocks, size, size]; W' = W + strength · (Rᵀ − 1) W, block by block.
	"""

	rotations: Tensor

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return self.rotations.shape[0] * self.rotations.shape[1], prod(weight.shape[1:])

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`. Raises `ValueError` where only some rows are there."""
		_must_be_whole(piece)
		blocks, size, _ = self.rotations.shape
		rows = weight.reshape(blocks, size, -1)
		turned = torch.bmm(self.rotations.transpose(1, 2).to(weight.device), rows)
		weight.add_((turned - rows).reshape(weight.shape), alpha=strength)


@dataclass(frozen=True, eq=False)
class Butterfly:
	"""BOFT (Liu et al. 2024): several rotations as OFT's, one after the other, of rows from ever farther apart.

	`rotations` is [steps, blocks, size, size]. In step m the rows are taken in the order that pairs those 2^m · size / 2
	apart; at another strength each rotation is mixed with none.
	"""

	rotations: Tensor

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return self.rotations.shape[1] * self.rotations.shape[2], prod(weight.shape[1:])

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`. Raises `ValueError` where only some rows are there."""
		_must_be_whole(piece)
		steps, blocks, size, _ = self.rotations.shape
		one = torch.eye(size, device=weight.device)
		rows = weight.reshape(len(weight), -1)
		width = rows.shape[1]
		for step in range(steps):
			apart = 2**step * size // 2
			turn = torch.lerp(one, self.rotations[step].to(weight.device), strength)
			paired = rows.reshape(-1, 2, apart, width).transpose(1, 2).reshape(blocks, size, width)
			turned = torch.bmm(turn, paired)
			rows = turned.reshape(-1, apart, 2, width).transpose(1, 2).reshape(-1, width)
		weight.copy_(rows.reshape(weight.shape))


@dataclass(frozen=True, eq=False)
class Generalised:
	"""GLoRA (Chavan et al. 2023): W' = W + strength · scale · (W · A + B), both of low rank.

	A = `into` [in, rank] · `out_of` [rank, in] is over the channels that come in; B = `up` [out, rank] · `down` [rank, in · h · w].
	"""

	into: Tensor
	out_of: Tensor
	up: Tensor
	down: Tensor
	scale: float

	def shape(self, weight: Tensor) -> tuple[int, ...]:
		"""See `Delta`."""
		return len(self.up), self.down.shape[1]

	def onto(self, weight: Tensor, strength: float, piece: Piece) -> None:
		"""See `Delta`. Raises `ValueError` for a weight that this model keeps the other way round."""
		if piece.transposed:
			raise ValueError('it multiplies what this model keeps the other way round')
		into, out_of, up, down = (one.to(weight.device) for one in (self.into, self.out_of, self.up, self.down))
		change = torch.einsum('oi...,ir,rj->oj...', weight, into, out_of)
		change += (up[piece.start : piece.stop] @ down).reshape(weight.shape)
		weight.add_(change, alpha=strength * self.scale)


def generalised(a1: Tensor, a2: Tensor, b1: Tensor, b2: Tensor, alpha: float | None) -> Generalised:
	"""From a file's four tensors; in older files the first of each pair is the one that stands to the right.

	Where both readings are possible, which takes square matrices of full rank, the newer one counts.
	"""
	a1, a2, b1, b2 = (one.flatten(1) for one in (a1, a2, b1, b2))
	if not a1.shape[1] == a2.shape[0] == b1.shape[1] == b2.shape[0]:
		a1, a2, b1, b2 = a2, a1, b2, b1
	rank = len(a2)
	return Generalised(a1, a2, b1, b2, 1.0 if alpha is None else alpha / rank)


def rotations(blocks: Tensor, bound: float) -> Tensor:
	"""Cayley's parametrisation of rotations, of the last two dimensions; a `bound` above 0 is one for the length of what
	they are made from."""
	skew = blocks - blocks.transpose(-1, -2)
	if bound > 0:
		skew = skew * min(1.0, bound / (float(skew.norm()) + 1e-8))
	one = torch.eye(blocks.shape[-1])
	turned: Tensor = torch.linalg.solve(one - skew, one + skew)
	return turned


def of_parts(parts: Mapping[str, Tensor]) -> Rotated | Butterfly | Generalised | None:
	"""The change that a layer's tensors describe, if it is one of these. Raises `KeyError` with the role of a missing one."""
	alpha = float(parts['alpha']) if 'alpha' in parts else None
	if 'oft_blocks' in parts:
		turned = rotations(parts['oft_blocks'], alpha or 0.0)
		return Rotated(turned) if turned.dim() == 3 else Butterfly(turned)
	if 'glora_a1' in parts:
		a1, a2, b1, b2 = (parts[f'glora_{name}'] for name in ('a1', 'a2', 'b1', 'b2'))
		return generalised(a1, a2, b1, b2, alpha)
	return None


def _must_be_whole(piece: Piece) -> None:
	if (piece.start, piece.stop, piece.transposed) != (None, None, False):
		raise ValueError('it turns rows together that this model keeps in several parts')
