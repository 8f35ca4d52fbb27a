"""Latents as rows of tokens: patches of 2×2 values, row by row, and where each stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import NodeUsage
from nodes.values import Prompt

PATCH = 2


def padded(latent: Tensor, size: int = PATCH) -> Tensor:
	"""[batch, channels, h, w], its sides brought up to a multiple of `size` by going on at the other end."""
	below, right = -latent.shape[-2] % size, -latent.shape[-1] % size
	return functional.pad(latent, (0, right, 0, below), mode='circular') if below or right else latent


def packed(latent: Tensor, size: int = PATCH) -> Tensor:
	"""[batch, channels, h, w] as tokens [batch, (h/size)·(w/size), channels·size·size]; sides are padded first."""
	whole = padded(latent, size)
	tokens = functional.pixel_unshuffle(whole, size) if size > 1 else whole
	return tokens.flatten(2).movedim(1, 2)


def unpacked(tokens: Tensor, like: Tensor, size: int = PATCH) -> Tensor:
	"""Tokens as the latent that they were packed from, cut to the sides of `like`."""
	height, width = grid(like, size)
	maps = tokens.movedim(1, 2).reshape(len(tokens), -1, height, width)
	whole = functional.pixel_shuffle(maps, size) if size > 1 else maps
	return whole[..., : like.shape[-2], : like.shape[-1]]


def grid(latent: Tensor, size: int = PATCH) -> tuple[int, int]:
	"""How many patches there are along height and width."""
	return -(-latent.shape[-2] // size), -(-latent.shape[-1] // size)


def positions(latent: Tensor, *, axes: int, first: int, top: int = 0, left: int = 0, size: int = PATCH) -> Tensor:
	"""Where each token of a latent stands, float32 [tokens, axes]: a number on the first axis, then row and column."""
	height, width = grid(latent, size)
	places = torch.zeros(height, width, axes, device=latent.device)
	places[..., 0] = first
	places[..., 1] += torch.arange(top, top + height, device=latent.device)[:, None]
	places[..., 2] += torch.arange(left, left + width, device=latent.device)
	return places.flatten(0, 1)


@contextmanager
def exactly(waves: torch.nn.Module, *numbers: Tensor) -> Iterator[None]:
	"""Let the layer that makes waves of time and guidance hear these numbers [batch], one a call, whatever it is given.

	Networks round time and guidance to the dtype of their weights first, where bfloat16 tells a hundred steps apart at best.
	"""

	waiting = iter(numbers)

	def put(module: torch.nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
		return (next(waiting, given[0]),)

	handle = waves.register_forward_pre_hook(put)
	try:
		yield
	finally:
		handle.remove()


def heard(prompt: Prompt, width: int) -> Tensor:
	"""The embedding of a prompt, if it is as wide as the network listens to. Raises `NodeUsage`."""
	if prompt.embedding.shape[-1] != width:
		raise NodeUsage(
			f'This model listens to text of width {width}; the prompt has {prompt.embedding.shape[-1]}. '
			'Encode it with the text encoder of its own family.'
		)
	return prompt.embedding
