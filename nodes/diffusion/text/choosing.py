"""How a language model's next token is chosen from what it says of all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

NEVER = -torch.inf


@dataclass(frozen=True)
class Choosing:
	"""Sampling of tokens, step by step in this order.

	What was said already is made less likely (`repetition`, Keskar et al. 2019, "CTRL", section 4.1; `presence` is
	subtracted from its logits); logits are divided by the `temperature`; only the `top_k` likeliest count (0: all), of these
	those at least `min_p` times as likely as the first (Nguyen et al. 2024, "Min-p"), of these the likeliest that together
	have `top_p` (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
	"""

	temperature: float = 1.0
	top_k: int = 0
	top_p: float = 1.0
	min_p: float = 0.0
	repetition: float = 1.0
	presence: float = 0.0
	seed: int = 0


def likeliest(logits: Tensor) -> int:
	"""The number of the likeliest token of [tokens]; of equal ones the first."""
	return int(logits.argmax())


def chosen(logits: Tensor, said: Collection[int], by: Choosing, generator: Generator) -> int:
	"""A token of [tokens], float32 in main memory; `said` are the tokens so far."""
	left = logits.clone()
	if said and (by.repetition != 1 or by.presence):
		numbers = torch.tensor(sorted({*said}))
		before = left[numbers]
		left[numbers] = torch.where(before < 0, before * by.repetition, before / by.repetition) - by.presence
	left /= by.temperature
	if 0 < by.top_k < len(left):
		left[left < left.topk(by.top_k).values[-1]] = NEVER
	if by.min_p > 0:
		chances = left.softmax(0)
		left[chances < by.min_p * chances.max()] = NEVER
	if by.top_p < 1:
		chances, order = left.softmax(0).sort(descending=True, stable=True)
		beyond = chances.cumsum(0) - chances > by.top_p  # the first always counts
		left[order[beyond]] = NEVER
	return int(torch.multinomial(left.softmax(0), 1, generator=generator))
