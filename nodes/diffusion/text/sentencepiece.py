"""SentencePiece's unigram models (Kudo 2018), read from their file into a tokenizer.

The file is a protocol buffer: pieces with their scores, and a map of characters that is applied to the text first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from engine.errors import UnknownFormat

SPACE = '▁'
"""What stands for a space in pieces."""

UNKNOWN, CONTROL = 2, 3
"""Kinds of pieces: the one for what is in no piece, and marks."""

PIECES, NORMALIZER = 1, 3
PIECE, SCORE, KIND = 1, 2, 3
CHARACTERS = 2
"""Numbers of fields in the file."""

Value = int | bytes
"""What a field holds: a number, or bytes that are text, another message, or a float."""


@dataclass
class Vocabulary:
	"""What a model file says."""

	pieces: list[tuple[str, float]] = field(default_factory=list)
	unknown: int = 0
	marks: list[str] = field(default_factory=list)
	characters: bytes = b''


def read_vocabulary(data: bytes, path: Path) -> Vocabulary:
	"""The pieces of a model file; `path` is for the error. Raises `UnknownFormat`."""
	vocabulary = Vocabulary()
	try:
		for number, value in _fields(data):
			if number == PIECES and isinstance(value, bytes):
				_add_piece(vocabulary, value)
			elif number == NORMALIZER and isinstance(value, bytes):
				found = dict(_fields(value)).get(CHARACTERS, b'')
				vocabulary.characters = found if isinstance(found, bytes) else b''
	except (IndexError, ValueError, struct.error) as error:
		raise UnknownFormat(path, f'its SentencePiece model cannot be read ({error})') from error
	if not vocabulary.pieces:
		raise UnknownFormat(path, 'its SentencePiece model has no pieces')
	return vocabulary


def unigram(vocabulary: Vocabulary) -> Tokenizer:
	"""A tokenizer of these pieces; a text begins with a space, whether it has one or not, and spaces in a row are one."""
	tokenizer = Tokenizer(models.Unigram(vocabulary.pieces, vocabulary.unknown, byte_fallback=False))
	steps = [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(' {2,}'), SPACE)]
	if vocabulary.characters:
		steps.insert(0, normalizers.Precompiled(vocabulary.characters))
	tokenizer.normalizer = normalizers.Sequence(steps)
	tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme='always')
	tokenizer.add_special_tokens(vocabulary.marks)
	return tokenizer


def _add_piece(vocabulary: Vocabulary, message: bytes) -> None:
	fields = dict(_fields(message))
	text, score, kind = fields.get(PIECE, b''), fields.get(SCORE, bytes(4)), fields.get(KIND, 1)
	if not isinstance(text, bytes) or not isinstance(score, bytes):
		raise ValueError('a piece is none')
	piece = text.decode('utf-8')
	if kind == UNKNOWN:
		vocabulary.unknown = len(vocabulary.pieces)
	if kind in (UNKNOWN, CONTROL):
		vocabulary.marks.append(piece)
	vocabulary.pieces.append((piece, struct.unpack('<f', score)[0]))


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
	"""The fields of a message with their numbers. Source: the encoding of protocol buffers."""
	position = 0
	while position < len(message):
		key, position = _number(message, position)
		kind = key & 7
		if kind == 0:
			value, position = _number(message, position)
			yield key >> 3, value
			continue
		if kind == 2:
			length, position = _number(message, position)
		else:
			length = {1: 8, 5: 4}.get(kind, -1)
		if length < 0 or position + length > len(message):
			raise ValueError('it is cut off, or no protocol buffer')
		yield key >> 3, message[position : position + length]
		position += length


def _number(message: bytes, position: int) -> tuple[int, int]:
	"""A number of seven bits a byte, lowest first, and where it ends."""
	value = shift = 0
	while True:
		byte = message[position]
		position += 1
		value |= (byte & 0x7F) << shift
		if byte < 0x80:
			return value, position
		shift += 7
