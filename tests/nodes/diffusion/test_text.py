"""Weights in prompts, chunks of long prompts, and their embedding."""

from __future__ import annotations

import pytest
import torch

from nodes.diffusion.text import ClipText, chunked, weighted
from tests import tiny


class TestWeighted:
	@pytest.mark.parametrize(
		('text', 'runs'),
		[
			('a cat', [('a cat', 1.0)]),
			('a (cat)', [('a ', 1.0), ('cat', 1.1)]),
			('(cat:1.3) here', [('cat', 1.3), (' here', 1.0)]),
			('(cat: .5 )', [('cat', 0.5)]),
			('(cat:-1)', [('cat', -1.0)]),
			('((cat))', [('cat', 1.1 * 1.1)]),
			('(a (cat:1.5) b:0.5)', [('a ', 0.5), ('cat', 1.5), (' b', 0.5)]),
			('(a: cat)', [('a: cat', 1.1)]),
			('(:1.2)', [(':1.2', 1.1)]),
			('[cat]', [('[cat]', 1.0)]),
			(r'a \(cat\)', [('a (cat)', 1.0)]),
			(r'(a \(b\):1.2)', [('a (b)', 1.2)]),
			('a (cat', [('a (cat', 1.0)]),
			('a) (cat)', [('a) ', 1.0), ('cat', 1.1)]),
			('()', []),
			('', []),
		],
	)
	def test_brackets_weigh_what_they_hold(self, text: str, runs: list[tuple[str, float]]) -> None:
		"""ComfyUI's syntax: 1.1 for a bracket, an explicit number wins, a lone bracket is plain."""
		assert [words for words, _ in weighted(text)] == [words for words, _ in runs]
		assert [weight for _, weight in weighted(text)] == pytest.approx([weight for _, weight in runs])


class TestChunked:
	def lay(self, *runs: int, length: int = 22) -> list[list[int]]:
		"""Chunks for runs of so many tokens 1, 2, …; 0 starts, -1 ends."""
		numbered = [([number] * count, 1.0) for number, count in enumerate(runs, start=1)]
		return [[token for token, _ in chunk] for chunk in chunked(numbered, start=0, end=-1, length=length)]

	def test_nothing_is_one_chunk_of_marks(self) -> None:
		"""The empty prompt has an embedding too."""
		assert self.lay() == [[0] + [-1] * 21]

	def test_a_full_chunk_has_one_end_mark(self) -> None:
		"""Twenty tokens fit between the marks of twenty-two."""
		assert self.lay(20) == [[0] + [1] * 20 + [-1]]

	def test_a_long_run_is_broken_where_the_chunk_ends(self) -> None:
		"""What does not fit goes on in the next chunk, after its own start mark."""
		assert self.lay(21) == [[0] + [1] * 20 + [-1], [0, 1] + [-1] * 20]

	def test_a_short_run_is_moved_whole(self) -> None:
		"""Fewer than eight tokens of equal weight stay together; the chunk before is filled with end marks."""
		assert self.lay(16, 7) == [[0] + [1] * 16 + [-1] * 5, [0] + [2] * 7 + [-1] * 14]

	def test_a_run_longer_than_a_chunk_is_broken_however_short(self) -> None:
		"""In chunks of four there are two places."""
		assert self.lay(5, length=4) == [[0, 1, 1, -1], [0, 1, 1, -1], [0, 1, -1, -1]]

	def test_marks_weigh_one(self) -> None:
		"""Only words are weighted."""
		(chunk,) = chunked([([5], 1.5)], start=0, end=9, length=4)

		assert chunk == [(0, 1.0), (5, 1.5), (9, 1.0), (9, 1.0)]


class TestEncode:
	def test_a_prompt_is_one_chunk_of_embeddings(self, text: ClipText) -> None:
		"""float32 [1, 77, width]."""
		(prompt,) = text.encode('a red cat').prompts

		assert prompt.embedding.shape == (1, tiny.LENGTH, tiny.WIDTH)
		assert prompt.embedding.dtype == torch.float32

	def test_the_empty_prompt_is_encoded(self, text: ClipText) -> None:
		"""It is what guidance leads away from."""
		(prompt,) = text.encode('').prompts

		assert prompt.embedding.shape == (1, tiny.LENGTH, tiny.WIDTH)
		assert bool(prompt.embedding.isfinite().all())

	def test_long_prompts_have_more_chunks(self, text: ClipText) -> None:
		"""Each chunk is encoded by itself, and they follow each other along the tokens."""
		(prompt,) = text.encode('red ' * 80).prompts
		(full,) = text.encode('red ' * 75).prompts
		(rest,) = text.encode('red ' * 5).prompts

		assert prompt.embedding.shape == (1, 2 * tiny.LENGTH, tiny.WIDTH)
		assert torch.allclose(prompt.embedding, torch.cat([full.embedding, rest.embedding], dim=1), atol=1e-5)

	def test_a_weight_moves_its_words_away_from_the_empty_prompt(self, text: ClipText) -> None:
		"""z₀ + (z − z₀) · w for the weighted token, the rest as it was."""
		(empty,) = text.encode('').prompts
		(plain,) = text.encode('red cat').prompts
		(strong,) = text.encode('red (cat:1.5)').prompts

		wanted = plain.embedding.clone()
		wanted[0, 2] = empty.embedding[0, 2] + (plain.embedding[0, 2] - empty.embedding[0, 2]) * 1.5

		assert torch.allclose(strong.embedding, wanted, atol=1e-5)

	def test_weight_one_changes_nothing(self, text: ClipText) -> None:
		"""`(a:1.0)` is `a`."""
		(plain,) = text.encode('red cat').prompts
		(weighed,) = text.encode('(red cat:1.0)').prompts

		assert torch.equal(plain.embedding, weighed.embedding)
