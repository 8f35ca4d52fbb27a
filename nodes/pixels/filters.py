"""Blur, sharpening, fewer colours, morphology. Pictures are [batch, height, width, channels], values 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad


def gaussian(size: int, sigma: float) -> Tensor:
	"""A normalised Gaussian, float32 [size, size]; its coordinates go from −1 to 1, whatever the size."""
	line = torch.linspace(-1, 1, size)
	squares = line[:, None] ** 2 + line[None, :] ** 2
	kernel = torch.exp(-squares / (2 * sigma**2))
	return kernel / kernel.sum()


def blur(pixels: Tensor, radius: int, sigma: float) -> Tensor:
	"""A Gaussian blur over 2·radius + 1 pixels; the border is mirrored."""
	return _convolved(pixels, gaussian(2 * radius + 1, sigma))


def sharpen(pixels: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
	"""Unsharp masking by 10·alpha times what a Gaussian blur takes away; cut to 0 to 1."""
	kernel = gaussian(2 * radius + 1, sigma) * -(alpha * 10)
	kernel[radius, radius] += 1 - kernel.sum()
	return _convolved(pixels, kernel).clamp(0, 1)


def _convolved(pixels: Tensor, kernel: Tensor) -> Tensor:
	channels, border = pixels.shape[-1], kernel.shape[0] // 2
	weight = kernel.to(pixels).expand(channels, 1, *kernel.shape)
	padded = pad(pixels.movedim(-1, 1), (border,) * 4, 'reflect')
	return conv2d(padded, weight, groups=channels).movedim(1, -1)


def quantise(pixels: Tensor, colours: int, dither: str) -> Tensor:
	"""Reduce each picture [batch, h, w, 3] to so many colours of its own (median cut), by `none`, `floyd-steinberg` or
	ordered dithering (`bayer-2` to `bayer-16`, Bayer 1973)."""
	made = []
	for picture in (pixels[..., :3] * 255).to(torch.uint8).cpu().numpy():
		image = Image.fromarray(picture)
		palette = image.quantize(colors=colours)
		if dither.startswith('bayer-'):
			spread = 2 * 256 / (len(palette.getpalette() or ()) // 3)
			image = _ordered(picture, spread, int(dither.removeprefix('bayer-')))
		method = Image.Dither.FLOYDSTEINBERG if dither == 'floyd-steinberg' else Image.Dither.NONE
		reduced = image.quantize(colors=colours, palette=palette, dither=method).convert('RGB')
		made.append(torch.from_numpy(numpy.asarray(reduced, dtype=numpy.float32) / 255))
	return torch.stack(made).to(pixels)


def bayer(order: int) -> NDArray[numpy.float32]:
	"""Bayer's threshold matrix of a side of `order` (a power of two), its mean at 0, its steps 1 / order²."""
	if order == 1:
		return numpy.zeros((1, 1), dtype=numpy.float32)
	half = bayer(order // 2)
	steps = numpy.array([[-1.5, 0.5], [1.5, -0.5]], dtype=numpy.float32)
	whole = numpy.kron(numpy.ones((2, 2)), half) + numpy.kron(steps, numpy.ones_like(half)) / order**2
	return whole.astype(numpy.float32)


def _ordered(picture: NDArray[numpy.uint8], spread: float, order: int) -> Image.Image:
	height, width = picture.shape[:2]
	pattern = (spread * bayer(order) + 0.5).astype(numpy.float32)
	tiled = numpy.tile(pattern, (math.ceil(height / order), math.ceil(width / order)))[:height, :width, None]
	return Image.fromarray(numpy.clip(picture.astype(numpy.float32) + tiled, 0, 255).astype(numpy.uint8))


def _dilate(planes: Tensor, size: int) -> Tensor:
	"""The largest value of each square; one of an even size reaches further down and right. Outside lies nothing."""
	return _largest(planes, size, (size - 1) // 2)


def _erode(planes: Tensor, size: int) -> Tensor:
	"""The smallest value of each square; mirrored, so that opening and closing move nothing."""
	return -_largest(-planes, size, size // 2)


def _largest(planes: Tensor, size: int, before: int) -> Tensor:
	after = size - 1 - before
	padded = pad(planes, (before, after, before, after), value=-math.inf)
	return max_pool2d(max_pool2d(padded, (size, 1), stride=1), (1, size), stride=1)


MORPHOLOGY: Mapping[str, Callable[[Tensor, int], Tensor]] = {
	'erode': _erode,
	'dilate': _dilate,
	'open': lambda planes, size: _dilate(_erode(planes, size), size),
	'close': lambda planes, size: _erode(_dilate(planes, size), size),
	'gradient': lambda planes, size: _dilate(planes, size) - _erode(planes, size),
	'bottom_hat': lambda planes, size: _erode(_dilate(planes, size), size) - planes,
	'top_hat': lambda planes, size: planes - _dilate(_erode(planes, size), size),
}


def morphology(pixels: Tensor, operation: str, size: int) -> Tensor:
	"""Grey-scale morphology of each channel with a square of `size` pixels (Serra 1982)."""
	return MORPHOLOGY[operation](pixels.movedim(-1, 1), size).movedim(1, -1)
