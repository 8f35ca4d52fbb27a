"""A family's towers heard together, here the one of the tiny model."""

from __future__ import annotations

import pytest
import torch

from engine.errors import NodeUsage
from nodes.diffusion.text.towers import Towers
from tests import tiny


class TestEncode:
	def test_a_prompt_is_one_chunk_of_embeddings(self, text: Towers) -> None:
		"""float32 [1, 77, width]."""
		(prompt,) = text.encode('a red cat').prompts

		assert prompt.embedding.shape == (1, tiny.LENGTH, tiny.WIDTH)
		assert prompt.embedding.dtype == torch.float32

	def test_a_tower_that_is_needed_cannot_be_left_out(self, text: Towers) -> None:
		"""The family has no other."""
		with pytest.raises(NodeUsage, match='want a text for clip_l'):
			text.encode('', {'clip_l': None})

	def test_the_empty_prompt_is_encoded(self, text: Towers) -> None:
		"""It is what guidance leads away from."""
		(prompt,) = text.encode('').prompts

		assert prompt.embedding.shape == (1, tiny.LENGTH, tiny.WIDTH)
		assert bool(prompt.embedding.isfinite().all())

	def test_long_prompts_have_more_chunks(self, text: Towers) -> None:
		"""Each chunk is encoded by itself, and they follow each other along the tokens."""
		(prompt,) = text.encode('red ' * 80).prompts
		(full,) = text.encode('red ' * 75).prompts
		(rest,) = text.encode('red ' * 5).prompts

		assert prompt.embedding.shape == (1, 2 * tiny.LENGTH, tiny.WIDTH)
		assert torch.allclose(prompt.embedding, torch.cat([full.embedding, rest.embedding], dim=1), atol=1e-5)

	def test_a_weight_moves_its_words_away_from_the_empty_prompt(self, text: Towers) -> None:
		"""z₀ + (z − z₀) · w for the weighted token, the rest as it was."""
		(empty,) = text.encode('').prompts
		(plain,) = text.encode('red cat').prompts
		(strong,) = text.encode('red (cat:1.5)').prompts

		wanted = plain.embedding.clone()
		wanted[0, 2] = empty.embedding[0, 2] + (plain.embedding[0, 2] - empty.embedding[0, 2]) * 1.5

		assert torch.allclose(strong.embedding, wanted, atol=1e-5)

	def test_weight_one_changes_nothing(self, text: Towers) -> None:
		"""`(a:1.0)` is `a`."""
		(plain,) = text.encode('red cat').prompts
		(weighed,) = text.encode('(red cat:1.0)').prompts

		assert torch.equal(plain.embedding, weighed.embedding)
