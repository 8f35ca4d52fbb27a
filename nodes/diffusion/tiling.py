"""Large pictures through an autoencoder, tile by tile, so that memory for one tile is enough.

Each picture is gone through three times with tiles of three shapes; where tiles overlap, they fade into each other, and
the three results are averaged, so that seams of one are covered by the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.values import AutoEncoder, Images, Latent

OnTile = Callable[[int, int], None]
"""Called after each tile with (tiles done, tiles in all)."""


@dataclass(frozen=True)
class Tile:
	"""Where a tile lies, in elements of what is cut."""

	top: int
	left: int
	height: int
	width: int


def decode_tiled(autoencoder: AutoEncoder, latent: Latent, tile: int, overlap: int, on_tile: OnTile) -> Images:
	"""Latents [batch, c, h, w] to pixels by tiles of about `tile` pixels that overlap by `overlap` pixels."""
	factor = autoencoder.factor

	def decode(samples: Tensor) -> Tensor:
		return autoencoder.decode(Latent(samples)).pixels.movedim(-1, 1)

	side = max(1, tile // factor)
	made = _averaged(latent.samples, decode, side, overlap // factor, factor, on_tile)
	return Images(made.clamp(0, 1).movedim(1, -1).contiguous())


def encode_tiled(autoencoder: AutoEncoder, images: Images, tile: int, overlap: int, on_tile: OnTile) -> Latent:
	"""Pixels [batch, h, w, 3 or 4] to latents by tiles of about `tile` pixels that overlap by `overlap` pixels."""
	factor = autoencoder.factor

	def encode(pixels: Tensor) -> Tensor:
		return autoencoder.encode(Images(pixels.movedim(1, -1))).samples

	pixels = _cropped(images.pixels, factor).movedim(-1, 1)
	return Latent(_averaged(pixels, encode, tile // factor * factor, overlap // factor * factor, 1 / factor, on_tile))


def _averaged(
	samples: Tensor, function: Callable[[Tensor], Tensor], side: int, overlap: int, scale: float, on_tile: OnTile
) -> Tensor:
	"""The mean over tiles that are square, wide and tall."""
	shapes = [
		tuple(max(1, length) for length in shape)
		for shape in ((side, side), (side // 2, side * 2), (side * 2, side // 2))
	]
	plans = [(shape, list(tiles(samples.shape[-2], samples.shape[-1], shape, overlap))) for shape in shapes]
	total = len(samples) * sum(len(plan) for _, plan in plans)
	done = itertools.count(1)

	def watched(piece: Tensor) -> Tensor:
		made = function(piece)
		on_tile(next(done), total)
		return made

	passes = []
	for shape, plan in plans:
		feather = [round(_shared(length, overlap) * scale) for length in shape]
		passes.append(torch.cat([_pass(one, watched, plan, feather, scale) for one in torch.split(samples, 1)]))
	return torch.stack(passes).mean(0)


def _pass(
	sample: Tensor, function: Callable[[Tensor], Tensor], plan: list[Tile], feather: list[int], scale: float
) -> Tensor:
	"""One sample by these tiles, blended where they overlap."""
	if len(plan) == 1:
		return function(sample)
	height, width = (round(side * scale) for side in sample.shape[-2:])
	made = weights = torch.zeros(0)
	for tile in plan:
		piece = function(
			sample[..., tile.top : tile.top + tile.height, tile.left : tile.left + tile.width].contiguous()
		)
		if not made.numel():
			made = piece.new_zeros(1, piece.shape[1], height, width)
			weights = piece.new_zeros(1, 1, height, width)
		weight = _fading(piece.shape[-2], piece.shape[-1], feather).to(piece)
		top, left = round(tile.top * scale), round(tile.left * scale)
		region = (..., slice(top, top + piece.shape[-2]), slice(left, left + piece.shape[-1]))
		made[region] += piece * weight
		weights[region] += weight
	return made / weights


def tiles(height: int, width: int, tile: tuple[int, ...], overlap: int) -> Iterator[Tile]:
	"""The tiles that cover a picture, row by row; the last of each row and column are smaller.

	Tiles that would share all of themselves share half.
	"""
	rows, columns = _starts(height, tile[0], overlap), _starts(width, tile[1], overlap)
	for top, left in itertools.product(rows, columns):
		yield Tile(top, left, min(tile[0], height - top), min(tile[1], width - left))


def _starts(size: int, length: int, overlap: int) -> list[int]:
	shared = _shared(length, overlap)
	return list(range(0, size - shared, length - shared)) if size > length else [0]


def _shared(length: int, overlap: int) -> int:
	return overlap if overlap < length else length // 2


def _fading(height: int, width: int, feather: list[int]) -> Tensor:
	"""Weights [1, 1, h, w] that rise from each side, over so many elements down and across."""
	weight = torch.ones(1, 1, height, width)
	for along, over in ((weight.transpose(-1, -2), feather[0]), (weight, feather[1])):
		size = along.shape[-1]
		if over < size:
			for step in range(over):
				along[..., step] *= (step + 1) / over
				along[..., size - 1 - step] *= (step + 1) / over
	return weight


def _cropped(pixels: Tensor, factor: int) -> Tensor:
	height, width = (side // factor * factor for side in pixels.shape[1:3])
	top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
	return pixels[:, top : top + height, left : left + width]
