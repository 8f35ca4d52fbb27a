"""Masks, [batch, height, width]: growing and feathering."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad


def grown(masks: Tensor, steps: int, *, tapered: bool) -> Tensor:
	"""Dilate by so many steps, or erode by a negative number: each takes the largest (smallest) of the neighbours.

	`tapered` leaves out the diagonal ones, so that a square becomes a diamond. The border repeats.
	"""
	if steps < 0:
		return -grown(-masks, -steps, tapered=tapered)
	# Beyond that nothing changes any more.
	steps = min(steps, sum(masks.shape[-2:]))
	if not tapered:
		# Steps of a square of 3 are one of a larger square, which is a row of columns.
		size = 2 * min(steps, max(masks.shape[-2:])) + 1
		padded = pad(masks, (size // 2,) * 4, value=-math.inf)
		return max_pool2d(max_pool2d(padded, (size, 1), stride=1), (1, size), stride=1)
	for _ in range(steps):
		padded = pad(masks, (1, 1, 1, 1), value=-math.inf)
		masks = torch.stack(
			(
				padded[:, 1:-1, 1:-1],
				padded[:, :-2, 1:-1],
				padded[:, 2:, 1:-1],
				padded[:, 1:-1, :-2],
				padded[:, 1:-1, 2:],
			)
		).amax(0)
	return masks


def feathered(masks: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
	"""Let a mask fade towards its sides over so many elements.

	From the right and from below the rates begin one element early, so the first of them lands on the opposite border:
	saved workflows count on that.
	"""
	made = masks.clone()
	for near, far, columns in ((left, right, made), (top, bottom, made.transpose(-1, -2))):
		size = columns.shape[-1]
		near, far = min(near, size), min(far, size)
		for step in range(near):
			columns[..., step] *= (step + 1) / near
		for step in range(far):
			columns[..., -step] *= (step + 1) / far
	return made


def grown_for_inpainting(masks: Tensor, pixels: int) -> Tensor:
	"""Rounded masks, 1 wherever the square of so many pixels around touches one, so that no seam shows in the latent."""
	rounded = masks.round()
	if pixels == 0:
		return rounded
	height, width = masks.shape[-2:]
	kernel = torch.ones(1, 1, pixels, pixels).to(masks)
	summed = conv2d(rounded.unsqueeze(1), kernel, padding=math.ceil((pixels - 1) / 2))
	return summed.squeeze(1).clamp(0, 1)[:, :height, :width].round()


def outpaint_mask(height: int, width: int, left: int, top: int, right: int, bottom: int, feathering: int) -> Tensor:
	"""The mask of a picture that grows to these sides, [height + top + bottom, width + left + right]: 1 where it is new.

	Within it falls off to 0 with the square of the distance from the sides that grow, if both sides have room for that.
	"""
	mask = torch.ones(height + top + bottom, width + left + right)
	inner = torch.zeros(height, width)
	if 0 < feathering * 2 < min(height, width):
		rows, columns = torch.arange(height), torch.arange(width)
		far = torch.tensor(feathering)
		down = torch.minimum(rows if top else far, height - rows if bottom else far)
		across = torch.minimum(columns if left else far, width - columns if right else far)
		distance = torch.minimum(down.reshape(-1, 1), across.reshape(1, -1)).clamp(max=feathering)
		inner = (((feathering - distance) / feathering) ** 2).expand(height, width)
	mask[top : top + height, left : left + width] = inner
	return mask
