"""How the next token is chosen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from transformers import (
	MinPLogitsWarper,
	RepetitionPenaltyLogitsProcessor,
	TemperatureLogitsWarper,
	TopKLogitsWarper,
	TopPLogitsWarper,
)

from nodes.diffusion.text.choosing import Choosing, chosen, likeliest

LOGITS = torch.tensor([2.0, 1.5, -1.0, 0.5, 1.0, -3.0, 0.0, 0.2])
DRAWS = 4000


def drawn(by: Choosing, said: list[int] | None = None) -> Counter[int]:
	"""How often each token was drawn."""
	generator = Generator().manual_seed(1)
	return Counter(chosen(LOGITS, said or [], by, generator) for _ in range(DRAWS))


def expected(by: Choosing, said: list[int]) -> Tensor:
	"""The likelihoods by what transformers makes of the logits."""
	left, before = LOGITS[None].clone(), torch.tensor([said], dtype=torch.long)
	steps: list[Any] = [TemperatureLogitsWarper(by.temperature)]
	if said:
		steps.insert(0, RepetitionPenaltyLogitsProcessor(by.repetition))
	if by.top_k:
		steps.append(TopKLogitsWarper(by.top_k))
	if by.min_p:
		steps.append(MinPLogitsWarper(by.min_p))
	if by.top_p < 1:
		steps.append(TopPLogitsWarper(by.top_p))
	for step in steps:
		left = step(before, left)
	return left[0].softmax(0)


class TestChosen:
	@pytest.mark.parametrize(
		('by', 'said'),
		[
			(Choosing(), []),
			(Choosing(temperature=0.5), []),
			(Choosing(top_k=3), []),
			(Choosing(top_p=0.6), []),
			(Choosing(min_p=0.3), []),
			(Choosing(repetition=1.5), [0, 2, 2]),
			(Choosing(temperature=1.3, top_k=6, min_p=0.1, top_p=0.8, repetition=1.2), [1]),
		],
	)
	def test_is_drawn_as_often_as_transformers_would(self, by: Choosing, said: list[int]) -> None:
		"""Each of the steps, and all together in order; what does not count never comes."""
		wanted, found = expected(by, said), drawn(by, said)

		assert set(found) <= {token for token, chance in enumerate(wanted) if chance > 0}
		assert all(abs(found[token] / DRAWS - float(chance)) < 0.03 for token, chance in enumerate(wanted))

	def test_presence_is_taken_once(self) -> None:
		"""However often it was said."""
		once, often = (drawn(Choosing(presence=5.0), said) for said in ([0], [0, 0, 0]))

		assert once == often
		assert once[0] < drawn(Choosing())[0] / 10

	def test_the_first_always_counts(self) -> None:
		"""With no part left for any token, it is the likeliest."""
		assert drawn(Choosing(top_p=0.0)) == {0: DRAWS}
		assert likeliest(LOGITS) == 0

	def test_logits_stay(self) -> None:
		"""What is given is not changed."""
		before = LOGITS.clone()
		chosen(LOGITS, [0], Choosing(top_k=1, repetition=2.0), Generator().manual_seed(0))

		assert torch.equal(before, LOGITS)
