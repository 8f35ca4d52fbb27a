"""CLIP's tokenizer."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, cast

import pytest
from transformers import CLIPTokenizer

from engine.errors import ModelError
from nodes.diffusion import tokenizer
from nodes.diffusion.tokenizer import ClipTokenizer, from_metadata, from_openai_clip
from tests import tiny

TEXTS = (
	'a photo of a cat',
	'Red  CAT,\ndog!?',
	"it's 2 dogs' (red:1.2)",
	'',
	'naïve façade — 東京 🦊',
	'a<|endoftext|>b',
)


def vocabulary_is_installed() -> bool:
	try:
		distribution(tokenizer.DISTRIBUTION)
	except PackageNotFoundError:
		return False
	return True


needs_vocabulary = pytest.mark.skipif(not vocabulary_is_installed(), reason='openai-clip is not installed')


def theirs(text: str, ours: tuple[dict[str, int], list[tuple[str, str]]]) -> list[int]:
	"""What transformers' tokenizer makes of a text, without the marks."""
	vocabulary, merges = ours
	# Its annotation says list[str]; pairs are what it takes.
	numbers: list[int] = CLIPTokenizer(vocab=vocabulary, merges=cast(Any, merges))(text)['input_ids']
	return numbers[1:-1]


class TestFromMetadata:
	def test_words_are_merged_and_letters_end_words(self) -> None:
		"""`red` is one piece of the tiny vocabulary, `a` a letter that ends a word."""
		data = tiny.metadata()
		encode = from_metadata(data['tokenizer_vocab'], data['tokenizer_merges'])
		pieces = tiny.vocabulary()

		assert encode('a red cat') == [pieces['a</w>'], pieces['red</w>'], pieces['cat</w>']]

	@pytest.mark.parametrize('text', TEXTS)
	def test_numbers_are_those_of_transformers(self, text: str) -> None:
		"""With one vocabulary, both tokenizers agree; what is unknown is the end mark."""
		encode = ClipTokenizer(tiny.vocabulary(), tiny.MERGES)

		assert encode(text) == theirs(text, (tiny.vocabulary(), list(tiny.MERGES)))


class TestFromOpenaiClip:
	@needs_vocabulary
	def test_numbers_are_those_of_clip(self) -> None:
		"""The numbers that CLIP's documentation and many papers show."""
		encode = from_openai_clip()

		assert encode('a photo of a cat') == [320, 1125, 539, 320, 2368]
		assert (encode.start, encode.end) == (49406, 49407)

	def test_absent_vocabulary_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A sentence, not a traceback, and no download."""
		monkeypatch.setattr(tokenizer, 'DISTRIBUTION', 'lumengraph-no-such-distribution')

		with pytest.raises(ModelError, match='pip install --no-deps'):
			from_openai_clip()
