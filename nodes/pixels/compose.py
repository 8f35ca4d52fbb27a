"""Putting one picture, latent or mask on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from nodes.pixels.batch import repeated_to


def composite(
	destination: Tensor,
	source: Tensor,
	x: int,
	y: int,
	mask: Tensor | None = None,
	*,
	unit: int = 1,
	fit: bool = False,
) -> Tensor:
	"""Paste a source on a destination, both [batch, c, h, w], where the mask [batch, h, w] is 1.

	`x` and `y` are in units of 1/`unit` of an element (8 for latents), rounded down; what stands over is cut off. With
	`fit` the source is stretched over all of the destination first.
	"""
	height, width = destination.shape[-2:]
	if fit:
		source = interpolate(source, size=(height, width), mode='bilinear')
	source = repeated_to(source, len(destination))
	left = max(-source.shape[-1] * unit, min(x, width * unit)) // unit
	top = max(-source.shape[-2] * unit, min(y, height * unit)) // unit
	rows = slice(max(0, top), min(height, top + source.shape[-2]))
	columns = slice(max(0, left), min(width, left + source.shape[-1]))
	if rows.stop <= rows.start or columns.stop <= columns.start:
		return destination
	if mask is None:
		weight = torch.ones_like(source[:, :1])
	else:
		weight = interpolate(mask.unsqueeze(1).to(source), size=source.shape[-2:], mode='bilinear')
		weight = repeated_to(weight, len(source))
	from_rows = slice(rows.start - top, rows.stop - top)
	from_columns = slice(columns.start - left, columns.stop - left)
	weight = weight[..., from_rows, from_columns]
	made = destination.clone()
	made[..., rows, columns] = (
		weight * source[..., from_rows, from_columns] + (1 - weight) * destination[..., rows, columns]
	)
	return made


def feathered(destination: Tensor, source: Tensor, x: int, y: int, feather: int) -> Tensor:
	"""Paste a source [batch, c, h, w] with edges that fade over `feather` elements, where they are not the border's."""
	height, width = destination.shape[-2:]
	seen = source[..., : max(0, height - y), : max(0, width - x)]
	weight = torch.ones_like(seen)
	rows, columns = seen.shape[-2:]
	for step in range(feather):
		rate = (step + 1) / feather
		if y != 0 and step < rows:
			weight[..., step, :] *= rate
		if y + rows < height and step < rows:
			weight[..., rows - 1 - step, :] *= rate
		if x != 0 and step < columns:
			weight[..., step] *= rate
		if x + columns < width and step < columns:
			weight[..., columns - 1 - step] *= rate
	made = destination.clone()
	region = (..., slice(y, y + rows), slice(x, x + columns))
	made[region] = seen * weight + made[region] * (1 - weight)
	return made


Combine = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(source, its alpha, destination, its alpha), colours multiplied by alpha → (colour, alpha)."""


def _union(a: Tensor, b: Tensor) -> Tensor:
	return a + b - a * b


def _overlay(s: Tensor, sa: Tensor, d: Tensor, da: Tensor) -> tuple[Tensor, Tensor]:
	# The lighter half crosses the alphas, as the node that workflows come from does.
	return torch.where(2 * d < da, 2 * s * d, sa * da - 2 * (da - s) * (sa - d)), _union(sa, da)


PORTER_DUFF: Mapping[str, Combine] = {
	'ADD': lambda s, sa, d, da: ((s + d).clamp(0, 1), (sa + da).clamp(0, 1)),
	'CLEAR': lambda s, sa, d, da: (torch.zeros_like(d), torch.zeros_like(da)),
	'DARKEN': lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d + torch.minimum(s, d), _union(sa, da)),
	'DST': lambda s, sa, d, da: (d, da),
	'DST_ATOP': lambda s, sa, d, da: (sa * d + (1 - da) * s, sa),
	'DST_IN': lambda s, sa, d, da: (d * sa, sa * da),
	'DST_OUT': lambda s, sa, d, da: ((1 - sa) * d, (1 - sa) * da),
	'DST_OVER': lambda s, sa, d, da: (d + (1 - da) * s, da + (1 - da) * sa),
	'LIGHTEN': lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d + torch.maximum(s, d), _union(sa, da)),
	'MULTIPLY': lambda s, sa, d, da: (s * d, sa * da),
	'OVERLAY': _overlay,
	'SCREEN': lambda s, sa, d, da: (_union(s, d), _union(sa, da)),
	'SRC': lambda s, sa, d, da: (s, sa),
	'SRC_ATOP': lambda s, sa, d, da: (da * s + (1 - sa) * d, da),
	'SRC_IN': lambda s, sa, d, da: (s * da, sa * da),
	'SRC_OUT': lambda s, sa, d, da: ((1 - da) * s, (1 - da) * sa),
	'SRC_OVER': lambda s, sa, d, da: (s + (1 - sa) * d, sa + (1 - sa) * da),
	'XOR': lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d, (1 - da) * sa + (1 - sa) * da),
}
"""The operators of Porter and Duff (1984), and the blend modes that usually stand beside them."""


def porter_duff(
	source: Tensor, source_alpha: Tensor, destination: Tensor, alpha: Tensor, mode: str
) -> tuple[Tensor, Tensor]:
	"""Compose pictures [batch, c, h, w] with alphas [batch, 1, h, w]; colours in and out are not multiplied by alpha."""
	colour, made = PORTER_DUFF[mode](source * source_alpha, source_alpha, destination * alpha, alpha)
	return torch.where(made > 1e-5, colour / made, torch.zeros_like(colour)).clamp(0, 1), made


def _bits(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
	return lambda one, other: operation(one.round().bool(), other.round().bool()).to(one.dtype)


MASK_OPERATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
	'multiply': torch.mul,
	'add': torch.add,
	'subtract': torch.sub,
	'and': _bits(torch.logical_and),
	'or': _bits(torch.logical_or),
	'xor': _bits(torch.logical_xor),
}
