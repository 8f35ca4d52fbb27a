"""Weights in prompts, embeddings by name, and chunks of long prompts."""

from __future__ import annotations

import pytest
import torch

from nodes.diffusion.text.weighting import chunked, runs, weighted


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
			('a (cat', [('a ', 1.0), ('(cat', 1.0)]),
			('a) (cat)', [('a) (cat)', 1.0)]),
			('happy cat :), (masterpiece:1.3), (dog:0.5)', [('happy cat :), (masterpiece:1.3), (dog:0.5)', 1.0)]),
			('(a (b) c', [('(a (b) c', 1.0)]),
			('(a (b)', [('a ', 1.1), ('(b', 1.1)]),
			('(a (b:1.5)', [('a ', 1.5), ('(b', 1.5)]),
			('a) ((b))', [('a) (', 1.0), ('b', 1.1), (')', 1.0)]),
			('a (b))', [('a ', 1.0), ('b', 1.1), (')', 1.0)]),
			(r'(a \)', [('(a )', 1.0)]),
			('(', [('(', 1.0)]),
			('(cat:1e-1)', [('cat', 0.1)]),
			('(to the end: inf)', [('to the end: inf', 1.1)]),
			('(a:b:2)', [('a:b', 2.0)]),
			('()', []),
			('', []),
		],
	)
	def test_brackets_weigh_what_they_hold(self, text: str, runs: list[tuple[str, float]]) -> None:
		"""ComfyUI's syntax: 1.1 for a bracket, an explicit number wins; lone brackets are counted, and may leave all plain."""
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

	def test_another_filling_follows_the_end_mark(self) -> None:
		"""OpenCLIP's towers are filled up with zeros."""
		(chunk,) = chunked([([5], 1.0)], start=1, end=9, length=6, pad=0)

		assert [token for token, _ in chunk] == [1, 5, 9, 0, 0, 0]

	def test_there_are_as_many_chunks_as_asked_for(self) -> None:
		"""Towers that are heard together have equally many."""
		laid = chunked([([5], 1.0)], start=1, end=9, length=4, chunks=3)

		assert [[token for token, _ in chunk] for chunk in laid] == [[1, 5, 9, 9], [1, 9, 9, 9], [1, 9, 9, 9]]

	def test_marks_weigh_one(self) -> None:
		"""Only words are weighted."""
		(chunk,) = chunked([([5], 1.5)], start=0, end=9, length=4)

		assert chunk == [(0, 1.0), (5, 1.5), (9, 1.0), (9, 1.0)]


class TestRuns:
	def laid(self, text: str, *known: str) -> list[tuple[list[str], float]]:
		"""Runs, with letters for tokens, and the rows of the vectors of known embeddings as numbers."""

		def vectors(name: str) -> torch.Tensor | None:
			return torch.tensor([[7.0], [8.0]]) if name in known else None

		found = runs(text, lambda words: [ord(letter) for letter in words], vectors)
		return [
			([str(float(word)) if isinstance(word, torch.Tensor) else chr(word) for word in words], weight)
			for words, weight in found
		]

	def test_without_embeddings_they_are_plain_text(self) -> None:
		"""A tower that was given none reads the name."""
		assert runs('embedding:a', lambda words: [len(words)]) == [([11], 1.0)]

	def test_an_embedding_is_a_run_of_its_vectors(self) -> None:
		"""With the weight of its bracket; text before and after are runs of their own."""
		assert self.laid('a (b embedding:x  c\nd:1.5)', 'x') == [
			(['a', ' '], 1.0),
			(['b'], 1.5),
			(['7.0', '8.0'], 1.5),
			(['c', ' ', 'd'], 1.5),
		]

	def test_a_comma_after_the_name_is_none_of_it(self) -> None:
		"""People write lists."""
		assert self.laid('embedding:x, b', 'x') == [(['7.0', '8.0'], 1.0), ([',', ' ', 'b'], 1.0)]

	def test_a_name_with_a_comma_counts_if_it_is_known(self) -> None:
		"""The whole word is tried first."""
		assert self.laid('embedding:x,', 'x,') == [(['7.0', '8.0'], 1.0)]

	@pytest.mark.parametrize(
		('text', 'heard'),
		[
			('embedding:y', []),
			('a embedding:y', ['a']),
			('embedding:y, b', [', b']),
			('embedding:y b, c', ['b, c']),
			('embedding:y,b c', ['c']),
		],
	)
	def test_unknown_embeddings_are_left_out(self, text: str, heard: list[str]) -> None:
		"""Their names are no words, and would only steer away from what was meant."""
		assert [''.join(words) for words, _ in self.laid(text, 'x')] == heard

	def test_each_name_is_looked_up(self) -> None:
		"""One after the other, on lines of their own as well."""
		assert self.laid('embedding:x embedding:y\nembedding: x', 'x') == [(['7.0', '8.0'], 1.0)] * 2

	def test_no_name_is_plain_text(self) -> None:
		"""Somebody is still typing."""
		assert self.laid('a embedding: ', 'x') == [(['a'], 1.0), (list('embedding:'), 1.0)]

	def test_no_vectors_leave_no_run(self) -> None:
		"""That an embedding has none for a tower is no reason to read its name."""
		found = runs('embedding:x a', lambda words: [ord(letter) for letter in words], lambda name: torch.zeros(0, 4))

		assert found == [([97], 1.0)]

	def test_the_word_must_stand_by_itself(self) -> None:
		"""Within a word it means nothing."""
		assert self.laid('myembedding:x', 'x') == [(list('myembedding:x'), 1.0)]
