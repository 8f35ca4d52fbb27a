"""GGML's quantised blocks, back to numbers with torch.

A block keeps a few dozen or hundred values as small whole numbers with shared scales. Source: the reference in ggml
(https://github.com/ggml-org/ggml, `ggml-quants.c`); a test compares every type with gguf-py's. Types without a function
here go through gguf-py, which is slower.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Decode = Callable[[Tensor], Tensor]
"""uint8 [blocks, bytes of one] → float32 [blocks, values of one]."""

NON_LINEAR = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
"""The sixteen steps of IQ4."""


def _halves(blocks: Tensor) -> Tensor:
	"""Pairs of bytes as float16, widened."""
	return blocks.contiguous().view(torch.float16).float()


def _nibbles(packed: Tensor) -> Tensor:
	"""[…, n] bytes to […, 2n] numbers under 16: the low halves of all, then the high halves."""
	return torch.cat([packed & 15, packed >> 4], dim=-1)


def _fifth_bits(packed: Tensor) -> Tensor:
	"""[blocks, 4] bytes to their [blocks, 32] bits, worth 16 each."""
	bits = torch.arange(8, dtype=torch.uint8, device=packed.device)
	return (((packed[..., None] >> bits) & 1) << 4).flatten(-2)


def _shifted(packed: Tensor, shifts: tuple[int, ...], mask: int) -> Tensor:
	"""[…, n] bytes to […, shifts, n] numbers: those of the first shift first."""
	steps = torch.tensor(shifts, dtype=torch.uint8, device=packed.device)
	return (packed[..., None, :] >> steps[:, None]) & mask


def _q4_0(blocks: Tensor) -> Tensor:
	return _halves(blocks[:, :2]) * (_nibbles(blocks[:, 2:]).float() - 8)


def _q4_1(blocks: Tensor) -> Tensor:
	return _halves(blocks[:, :2]) * _nibbles(blocks[:, 4:]).float() + _halves(blocks[:, 2:4])


def _q5_0(blocks: Tensor) -> Tensor:
	numbers = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks[:, 2:6])
	return _halves(blocks[:, :2]) * (numbers.float() - 16)


def _q5_1(blocks: Tensor) -> Tensor:
	numbers = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks[:, 4:8])
	return _halves(blocks[:, :2]) * numbers.float() + _halves(blocks[:, 2:4])


def _q8_0(blocks: Tensor) -> Tensor:
	return _halves(blocks[:, :2]) * blocks[:, 2:].contiguous().view(torch.int8).float()


def _q2_k(blocks: Tensor) -> Tensor:
	scales, packed = blocks[:, :16], blocks[:, 16:80]
	wide, least = _halves(blocks[:, 80:82]), _halves(blocks[:, 82:84])
	numbers = _shifted(packed.reshape(-1, 2, 32), (0, 2, 4, 6), 3).reshape(-1, 16, 16)
	steps, floors = wide * (scales & 15).float(), least * (scales >> 4).float()
	return (steps[..., None] * numbers.float() - floors[..., None]).flatten(1)


def _q3_k(blocks: Tensor) -> Tensor:
	mask, packed, coded = blocks[:, :32], blocks[:, 32:96], blocks[:, 96:108]
	high = _shifted(coded[:, 8:], (0, 2, 4, 6), 3).flatten(1)
	scales = (_nibbles(coded[:, :8]) | (high << 4)).float() - 32
	low = _shifted(packed.reshape(-1, 2, 32), (0, 2, 4, 6), 3).reshape(-1, 16, 16)
	bits = _shifted(mask, (0, 1, 2, 3, 4, 5, 6, 7), 1).reshape(-1, 16, 16)
	numbers = low.float() - 4 * (1 - bits.float())
	return (_halves(blocks[:, 108:110]) * scales)[..., None].mul(numbers).flatten(1)


def _six_bits(coded: Tensor) -> tuple[Tensor, Tensor]:
	"""The eight scales and eight floors that twelve bytes hold."""
	first, second, both = coded[:, :4], coded[:, 4:8], coded[:, 8:]
	scales = torch.cat([first & 63, (both & 15) | ((first >> 6) << 4)], dim=-1)
	floors = torch.cat([second & 63, (both >> 4) | ((second >> 6) << 4)], dim=-1)
	return scales.float(), floors.float()


def _q4_k(blocks: Tensor) -> Tensor:
	scales, floors = _six_bits(blocks[:, 4:16])
	numbers = _shifted(blocks[:, 16:].reshape(-1, 4, 32), (0, 4), 15).reshape(-1, 8, 32)
	steps = _halves(blocks[:, :2]) * scales
	return (steps[..., None] * numbers.float() - (_halves(blocks[:, 2:4]) * floors)[..., None]).flatten(1)


def _q5_k(blocks: Tensor) -> Tensor:
	scales, floors = _six_bits(blocks[:, 4:16])
	low = _shifted(blocks[:, 48:].reshape(-1, 4, 32), (0, 4), 15).reshape(-1, 8, 32)
	numbers = low | (_shifted(blocks[:, 16:48], (0, 1, 2, 3, 4, 5, 6, 7), 1) << 4)
	steps = _halves(blocks[:, :2]) * scales
	return (steps[..., None] * numbers.float() - (_halves(blocks[:, 2:4]) * floors)[..., None]).flatten(1)


def _q6_k(blocks: Tensor) -> Tensor:
	low = _shifted(blocks[:, :128].reshape(-1, 2, 64), (0, 4), 15).reshape(-1, 2, 4, 32)
	high = _shifted(blocks[:, 128:192].reshape(-1, 2, 32), (0, 2, 4, 6), 3)
	numbers = (low | (high << 4)).float().reshape(-1, 16, 16) - 32
	scales = blocks[:, 192:208].contiguous().view(torch.int8).float()
	return ((_halves(blocks[:, 208:]) * scales)[..., None] * numbers).flatten(1)


def _iq4_nl(blocks: Tensor) -> Tensor:
	steps = torch.tensor(NON_LINEAR, dtype=torch.float32, device=blocks.device)
	return _halves(blocks[:, :2]) * steps[_nibbles(blocks[:, 2:]).long()]


def _iq4_xs(blocks: Tensor) -> Tensor:
	steps = torch.tensor(NON_LINEAR, dtype=torch.float32, device=blocks.device)
	low = torch.stack([blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4], dim=-1).flatten(1)
	high = _shifted(blocks[:, 2:4], (0, 2, 4, 6), 3).movedim(-1, -2).flatten(1)
	scales = (low | (high << 4)).float() - 32
	numbers = steps[_nibbles(blocks[:, 8:].reshape(-1, 8, 16)).long()]
	return ((_halves(blocks[:, :2]) * scales)[..., None] * numbers).flatten(1)


DECODERS: dict[str, Decode] = {
	'Q4_0': _q4_0,
	'Q4_1': _q4_1,
	'Q5_0': _q5_0,
	'Q5_1': _q5_1,
	'Q8_0': _q8_0,
	'Q2_K': _q2_k,
	'Q3_K': _q3_k,
	'Q4_K': _q4_k,
	'Q5_K': _q5_k,
	'Q6_K': _q6_k,
	'IQ4_NL': _iq4_nl,
	'IQ4_XS': _iq4_xs,
}


def decoder(kind: str) -> Decode:
	"""The function for a type of blocks, by its name in ggml."""
	return DECODERS.get(kind) or _through_gguf(kind)


def _through_gguf(kind: str) -> Decode:
	def decode(blocks: Tensor) -> Tensor:
		from gguf import GGMLQuantizationType, dequantize

		with np.errstate(all='ignore'):  # A scale that is no number makes values that are none.
			values = dequantize(blocks.cpu().numpy(), GGMLQuantizationType[kind])
		return torch.from_numpy(values).to(blocks.device)

	return decode
