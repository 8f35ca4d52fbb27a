"""SentencePiece models read from their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UnknownFormat
from nodes.diffusion.text.sentencepiece import read_vocabulary, unigram
from tests import tiny_texts

PATH = Path('spiece.model')


class TestReadVocabulary:
	def test_pieces_scores_and_marks(self) -> None:
		"""In their order; the unknown piece by its kind."""
		vocabulary = read_vocabulary(tiny_texts.spiece_model(), PATH)

		assert vocabulary.pieces[3:5] == [('▁a', -1.0), ('▁red', -2.0)]
		assert vocabulary.unknown == 2
		assert vocabulary.marks == ['<pad>', '</s>', '<unk>']

	@pytest.mark.parametrize('data', [b'', b'\x0a\x50abc', b'\xff' * 20, b'{"model": {}}'])
	def test_what_is_none_is_refused(self, data: bytes) -> None:
		"""Empty, cut off, or something else."""
		with pytest.raises(UnknownFormat, match=r'spiece\.model.*SentencePiece'):
			read_vocabulary(data, PATH)


class TestUnigram:
	@pytest.mark.parametrize(
		('text', 'pieces'),
		[
			('a red cat', ['▁a', '▁red', '▁cat']),
			(' a  red ', ['▁a', '▁red']),
			('cart', ['▁', 'c', 'a', 'r', 't']),
			('a ☂ cat', ['▁a', '▁', '<unk>', '▁cat']),
			('', []),
		],
	)
	def test_text_becomes_the_likeliest_pieces(self, text: str, pieces: list[str]) -> None:
		"""It begins with a space, and spaces in a row are one."""
		tokenizer = unigram(read_vocabulary(tiny_texts.spiece_model(), PATH))

		assert [token if token != '☂' else '<unk>' for token in tokenizer.encode(text).tokens] == pieces
