"""Biases of attention between the tokens of a prompt and the picture: see `Prompt.bias`."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.values import Prompt


def lengthened(bias: Tensor | None, tokens: int, more: int, pull: float = 0.0) -> Tensor:
	"""For so many more tokens behind those that are there, which tokens before them and the picture listen to by `pull`."""
	whole = torch.zeros(1 if bias is None else len(bias), tokens + more + 1, tokens + more)
	if bias is not None:
		whole[:, :tokens, :tokens] = bias[:, :-1]
		whole[:, -1, :tokens] = bias[:, -1]
	whole[:, :tokens, tokens:] = pull
	whole[:, -1, tokens:] = pull
	return whole


def joined(one: Prompt, other: Prompt) -> Tensor | None:
	"""For the tokens of two prompts, one behind the other; each keeps its own."""
	if one.bias is None and other.bias is None:
		return None
	tokens = one.embedding.shape[1]
	whole = lengthened(one.bias, tokens, other.embedding.shape[1])
	if other.bias is not None:
		whole[:, tokens:-1, tokens:] = other.bias[:, :-1]
		whole[:, -1, tokens:] = other.bias[:, -1]
	return whole


def for_attention(bias: Tensor, places: int) -> Tensor:
	"""What is added to the logits of a joint attention over tokens and then places: [batch, 1, all, all]."""
	tokens = bias.shape[-1]
	whole = bias.new_zeros(len(bias), 1, tokens + places, tokens + places)
	whole[:, 0, :tokens, :tokens] = bias[:, :-1]
	whole[:, 0, tokens:, :tokens] = bias[:, -1:]
	return whole
