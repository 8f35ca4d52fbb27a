"""Pictures for a Qwen that sees: cut into patches, and where their tokens stand among the words.

Sources: Bai et al. 2025, "Qwen2.5-VL Technical Report", section 2.1; Wang et al. 2024, "Qwen2-VL" (multimodal rotary
positions).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

MERGED = 2
"""So many patches along each side become one token."""
FRAMES = 2
"""Patches span two frames of a video; a picture counts as two alike."""
LEAST, MOST = 56 * 56, 3584 * 3584
"""Pixels that a picture has at least and at most; others are scaled."""
MEANS = (0.48145466, 0.4578275, 0.40821073)
DEVIATIONS = (0.26862954, 0.26130258, 0.27577711)
"""Of colours, red, green and blue. Source: Radford et al. 2021, "CLIP", whose preprocessing Qwen took over."""


@dataclass(frozen=True, eq=False)
class Sight:
	"""A picture to be seen: `patches` is float32 [rows · columns, numbers], blocks of 2×2 patches one after the other.

	`rows` and `columns` count patches; both are even.
	"""

	patches: Tensor
	rows: int
	columns: int

	@property
	def grid(self) -> tuple[int, int]:
		"""Rows and columns of its tokens."""
		return self.rows // MERGED, self.columns // MERGED

	@property
	def tokens(self) -> int:
		"""How many tokens stand for it."""
		rows, columns = self.grid
		return rows * columns


def sight(pixels: Tensor, patch: int) -> Sight:
	"""A picture [height, width, 3 or more], 0 to 1, brought to whole tokens of patches of so many pixels a side."""
	height, width = whole_sides(pixels.shape[0], pixels.shape[1], patch * MERGED)
	planes = pixels[..., :3].float().movedim(-1, 0)
	sized = functional.interpolate(planes[None], size=(height, width), mode='bilinear', align_corners=False)[0]
	means, deviations = (sized.new_tensor(numbers)[:, None, None] for numbers in (MEANS, DEVIATIONS))
	rows, columns = height // patch, width // patch
	cut = ((sized - means) / deviations).reshape(3, rows // MERGED, MERGED, patch, columns // MERGED, MERGED, patch)
	# Tokens row by row, in each its patches row by row, in each its colours, and in each its pixels.
	ordered = cut.permute(1, 4, 2, 5, 0, 3, 6).reshape(rows * columns, 3, 1, patch, patch)
	return Sight(ordered.expand(-1, -1, FRAMES, -1, -1).flatten(1), rows, columns)


def whole_sides(height: int, width: int, side: int) -> tuple[int, int]:
	"""The multiples of a token's side nearest to a picture's sides, with no fewer and no more pixels than are seen."""
	high, wide = round(height / side) * side, round(width / side) * side
	if high * wide > MOST:
		factor = math.sqrt(height * width / MOST)
		high, wide = (max(side, math.floor(one / factor / side) * side) for one in (height, width))
	elif high * wide < LEAST:
		factor = math.sqrt(LEAST / (height * width))
		high, wide = (math.ceil(one * factor / side) * side for one in (height, width))
	return high, wide


def positions(length: int, starts: Sequence[int], grids: Sequence[tuple[int, int]]) -> Tensor:
	"""Where each of so many tokens stands in time, height and width: int64 [3, 1, length].

	Words go on by one in all three. A picture, whose first token is at its start, stands still in time and is laid out in
	rows and columns (its grid, in tokens); the words behind it go on after its longer side.
	"""
	pieces, done, now = [], 0, 0
	for start, (rows, columns) in zip(starts, grids, strict=True):
		pieces.append((torch.arange(start - done) + now).expand(3, -1))
		now += start - done
		places = torch.cartesian_prod(torch.zeros(1).long(), torch.arange(rows), torch.arange(columns))
		pieces.append(places.T + now)
		now += max(rows, columns)
		done = start + rows * columns
	pieces.append((torch.arange(length - done) + now).expand(3, -1))
	return torch.cat(pieces, dim=1)[:, None]
