"""T5's tokenizer, from what the file of weights brings or what lies beside it.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer".
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from nodes.diffusion.files import TensorSource
from nodes.diffusion.text.sentencepiece import read_vocabulary, unigram
from nodes.diffusion.text.vocabulary import TOKENIZER_JSON, find_file, find_json, from_text, missing

NAME = 't5'
MODEL_FILES = ('spiece.model', 'tokenizer.model')
MODEL_TENSOR = 'spiece_model'
"""A tensor of bytes in which some files of weights bring the model."""

END, PAD = 1, 0
"""The numbers of the mark that ends a text and of the one that fills it up; T5 has no other vocabulary."""


class T5Tokenizer:
	"""Text to token numbers."""

	def __init__(self, tokenizer: Tokenizer) -> None:
		self._tokenizer = tokenizer

	def __call__(self, text: str) -> Sequence[int]:
		"""The numbers of the text's pieces, without the mark at the end."""
		return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def for_source(source: TensorSource) -> T5Tokenizer:
	"""The tokenizer that belongs to a file of weights.

	It is a tensor of the file, an entry of its metadata, or a `tokenizer.json` or `spiece.model` in one of the places that
	`vocabulary.places` tells. Raises `ModelError` that says which file to put where.
	"""
	text = source.metadata.get('t5_tokenizer')
	if text is not None:
		return T5Tokenizer(from_text(text, source.path))
	tensor = next((name for name in source.shapes if name.rpartition('.')[2] == MODEL_TENSOR), None)
	if tensor is not None:
		with source.open() as reader:
			data = bytes(reader.read(tensor).flatten().tolist())
		return T5Tokenizer(unigram(read_vocabulary(data, source.path)))
	found = find_json(source.path, NAME, 'Unigram')
	if found is not None:
		return T5Tokenizer(found)
	path = find_file(source.path, NAME, *MODEL_FILES)
	if path is None:
		raise missing('T5', source.path, NAME, TOKENIZER_JSON, MODEL_FILES[0])
	return T5Tokenizer(unigram(read_vocabulary(path.read_bytes(), path)))
