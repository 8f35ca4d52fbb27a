"""Resizing, by the methods and rounding rules that saved workflows count on.

Tensors are [batch, channels, height, width] here; nothing is antialiased but Lanczos.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

Method = Literal['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos', 'bislerp']
Crop = Literal['disabled', 'center']
PARALLEL = 1 - 1e-5
"""Cosine from which on two directions count as one."""


def resize(samples: Tensor, width: int, height: int, method: str, crop: str = 'disabled') -> Tensor:
	"""Resize [batch, channels, h, w] to a size. With `crop` 'center' the sides that stand over are cut off first.

	Lanczos works on 8-bit levels of values from 0 to 1. Leading dimensions beyond four are taken for more batch.
	"""
	if samples.ndim > 4:
		# [batch, channels, frames, h, w]: each frame is a picture of its own.
		frames = samples.movedim(2, 1)
		flat = resize(frames.reshape(-1, *frames.shape[2:]), width, height, method, crop)
		return flat.reshape(*frames.shape[:2], *flat.shape[1:]).movedim(1, 2)
	if crop == 'center':
		samples = _cropped_to_aspect(samples, width / height)
	if method == 'bislerp':
		return bislerp(samples, width, height)
	if method == 'lanczos':
		return lanczos(samples, width, height)
	return interpolate(samples, size=(height, width), mode=method)


def resize_pictures(pixels: Tensor, width: int, height: int, method: str, crop: str = 'disabled') -> Tensor:
	"""The same for pictures, [batch, h, w, channels]."""
	return resize(pixels.movedim(-1, 1), width, height, method, crop).movedim(1, -1)


def resize_masks(masks: Tensor, width: int, height: int, method: str = 'bilinear', crop: str = 'disabled') -> Tensor:
	"""The same for masks, [batch, h, w]."""
	return resize(masks.unsqueeze(1), width, height, method, crop).squeeze(1)


def _cropped_to_aspect(samples: Tensor, aspect: float) -> Tensor:
	"""The middle of the aspect wanted; both sides lose the same, so a part of a pixel may be missing to it."""
	height, width = samples.shape[-2:]
	before = width / height
	left = round((width - width * (aspect / before)) / 2) if before > aspect else 0
	top = round((height - height * (before / aspect)) / 2) if before < aspect else 0
	return samples[..., top : height - top, left : width - left]


def lanczos(samples: Tensor, width: int, height: int) -> Tensor:
	"""Lanczos with three lobes, through Pillow, on 8-bit levels (cut down, not rounded), float32 0 to 1."""
	levels = (samples.float() * 255).clamp(0, 255).to(torch.uint8).movedim(1, -1).cpu().numpy()
	made = []
	for picture in levels:
		planes = picture[..., 0] if picture.shape[-1] == 1 else picture
		scaled = numpy.asarray(Image.fromarray(planes).resize((width, height), Image.Resampling.LANCZOS))
		made.append(torch.from_numpy(scaled.reshape(height, width, -1).astype(numpy.float32) / 255))
	return torch.stack(made).movedim(-1, 1).to(samples.device, samples.dtype)


def bislerp(samples: Tensor, width: int, height: int) -> Tensor:
	"""Bilinear along the sphere: directions of the channel vectors by spherical interpolation, lengths by linear.

	Keeps latents from losing contrast between pixels (Shoemake 1985 for the interpolation). First along the width.
	"""
	wide = _slerp_along(samples.float(), width)
	tall = _slerp_along(wide.transpose(-1, -2), height).transpose(-1, -2)
	return tall.to(samples.dtype)


def _slerp_along(samples: Tensor, length: int) -> Tensor:
	"""Resize the last dimension."""
	old = samples.shape[-1]
	places = torch.arange(old, dtype=torch.float32, device=samples.device)
	low = interpolate(places.reshape(1, 1, 1, old), size=(1, length), mode='bilinear').flatten()
	following = (places + 1).clamp(max=old - 1)
	high = interpolate(following.reshape(1, 1, 1, old), size=(1, length), mode='bilinear').flatten()
	return _slerp(samples[..., low.long()], samples[..., high.long()], low - low.floor())


def _slerp(one: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
	"""From one to the other by `ratio` [w]; vectors lie along dimension 1."""
	length_one, length_other = one.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
	unit_one = torch.where(length_one == 0, 0.0, one / length_one)
	unit_other = torch.where(length_other == 0, 0.0, other / length_other)
	cosine = (unit_one * unit_other).sum(1, keepdim=True)
	angle = torch.acos(cosine)
	turned = (torch.sin((1 - ratio) * angle) * unit_one + torch.sin(ratio * angle) * unit_other) / torch.sin(angle)
	mixed = turned * (length_one * (1 - ratio) + length_other * ratio)
	opposite = one * (1 - ratio) + other * ratio
	mixed = torch.where(cosine < -PARALLEL, opposite, mixed)
	return torch.where(cosine > PARALLEL, one, mixed)


def missing_side(width: int, height: int, samples: tuple[int, int]) -> tuple[int, int]:
	"""A size in which 0 stands for "as the aspect wants it"; `samples` is the (height, width) that there is."""
	if width == 0:
		return max(1, round(samples[1] * height / samples[0])), height
	if height == 0:
		return width, max(1, round(samples[0] * width / samples[1]))
	return width, height


def by_pixels(width: int, height: int, megapixels: float, step: int = 1) -> tuple[int, int]:
	"""The size of the same aspect with so many times 1024 × 1024 pixels, each side a multiple of `step`."""
	factor = math.sqrt(int(megapixels * 1024 * 1024) / (width * height))
	return round(width * factor / step) * step, round(height * factor / step) * step


def by_longer_side(width: int, height: int, side: int) -> tuple[int, int]:
	"""The size of the same aspect whose longer side is this."""
	if height > width:
		return round(width / height * side), side
	return side, round(height / width * side) if width > height else side


def by_shorter_side(width: int, height: int, side: int) -> tuple[int, int]:
	"""The size of the same aspect whose shorter side is this."""
	if height < width:
		return round(width / height * side), side
	return side, round(height / width * side) if width < height else side


def to_multiple(samples: Tensor, multiple: int, method: str) -> Tensor:
	"""Resize so that sides are multiples, covering the size and cutting off the middle's surroundings."""
	height, width = samples.shape[-2:]
	new_width, new_height = width // multiple * multiple, height // multiple * multiple
	if 0 in (new_width, new_height) or (new_width, new_height) == (width, height):
		return samples
	across, down = new_width / width, new_height / height
	if across >= down:
		size = new_width, max(new_height, math.ceil(height * across))
	else:
		size = max(new_width, math.ceil(width * down)), new_height
	covering = resize(samples, *size, method)
	left, top = (size[0] - new_width) // 2, (size[1] - new_height) // 2
	return covering[..., top : top + new_height, left : left + new_width]
