"""Edges after Canny (1986): smooth, differentiate, thin along the gradient, keep what hangs together with a strong one."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

LUMA = (0.299, 0.587, 0.114)
SMOOTH = 5
EPSILON = 1e-6
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""(down, right) of the neighbour at each multiple of 45 degrees, y pointing down."""


def canny(pixels: Tensor, low: float, high: float) -> Tensor:
	"""The edges of pictures [batch, h, w, 3]: 1 or 0, [batch, h, w].

	The thresholds apply to the length of Sobel's gradient (unnormalised, so up to 4 for a step of 1) of the smoothed
	luminance. An edge between the two counts if it touches one above, directly or through others.
	"""
	grey = (pixels[..., :3] * torch.tensor(LUMA).to(pixels)).sum(-1).unsqueeze(1)
	across, down = _gradient(_smoothed(grey))
	strength = torch.sqrt(across**2 + down**2 + EPSILON)
	thin = strength * _is_ridge(strength, torch.atan2(down, across))
	strong = thin > max(low, high)
	return _connected(strong, (thin > low) & ~strong).squeeze(1).to(pixels.dtype)


def _smoothed(grey: Tensor) -> Tensor:
	line = torch.exp(-((torch.arange(SMOOTH) - SMOOTH // 2) ** 2) / 2.0).to(grey)
	line = line / line.sum()
	border = (SMOOTH // 2,) * 4
	wide = conv2d(pad(grey, border, 'reflect'), line.reshape(1, 1, 1, -1))
	return conv2d(wide, line.reshape(1, 1, -1, 1))


def _gradient(grey: Tensor) -> tuple[Tensor, Tensor]:
	sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).to(grey)
	both = conv2d(pad(grey, (1, 1, 1, 1), 'replicate'), torch.stack((sobel, sobel.T)).unsqueeze(1))
	return both[:, :1], both[:, 1:]


def _is_ridge(strength: Tensor, angle: Tensor) -> Tensor:
	"""Whether an element is above both of its neighbours along the gradient; beyond the border there is 0."""
	sector = torch.round(angle / (math.pi / 4)).long() % 8
	padded = pad(strength, (1, 1, 1, 1))
	height, width = strength.shape[-2:]
	around = torch.stack(
		[padded[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in DIRECTIONS],
	)
	ahead = around.gather(0, sector.unsqueeze(0)).squeeze(0)
	behind = around.gather(0, ((sector + 4) % 8).unsqueeze(0)).squeeze(0)
	return (strength > ahead) & (strength > behind)


def _connected(strong: Tensor, weak: Tensor) -> Tensor:
	"""The strong ones, and the weak ones that hang together with them."""
	while True:
		near = max_pool2d(strong.float(), 3, stride=1, padding=1) > 0
		grown = strong | (near & weak)
		if torch.equal(grown, strong):
			return strong
		strong = grown
