"""Prompts: weights in brackets, embeddings by name, and chunks for long ones.

The syntax is ComfyUI's: `(red)` raises a weight by 1.1, `(red:1.3)` sets it, brackets nest, `\\(` and `\\)` are plain;
`embedding:name` stands for vectors that were trained for a tower (textual inversion).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from torch import Tensor

BRACKET = re.compile(r'\\[()]|[()]')
ESCAPED = re.compile(r'\\([()])')
MARK = 'embedding:'
NAMED = re.compile(rf'(?:^|[ \n]){MARK}')
EMPHASIS = 1.1
UNBREAKABLE = 8  # a run of fewer tokens of equal weight is moved to the next chunk rather than broken

Word = int | Tensor
"""What stands in the place of a token: its number, or a vector [width] in its stead."""

Vectors = Callable[[str], Tensor | None]
"""The vectors [tokens, width] of an embedding by its name, or None where there is none of that name.

A name that ends with a comma is asked for as it is first, and then without.
"""

T = TypeVar('T')


def weighted(text: str, weight: float = 1.0) -> Iterator[tuple[str, float]]:
	"""Take a prompt apart into runs of text of one weight.

	A number after the last colon in a bracket is the weight itself, whatever is around it; without one the bracket
	multiplies what is around it by 1.1. See `_pieces` for brackets without a partner.
	"""
	for piece in _pieces(text):
		if len(piece) < 2 or piece[0] != '(' or piece[-1] != ')' or piece[-2] == '\\':
			yield ESCAPED.sub(r'\1', piece), weight
			continue
		inside, _, number = piece[1:-1].rpartition(':')
		explicit = _number(number) if inside else None
		if explicit is not None:
			yield from weighted(inside, explicit)
		else:
			yield from weighted(piece[1:-1], weight * EMPHASIS)


def _pieces(text: str) -> Iterator[str]:
	"""Cut a text where a bracket opens while none is open, and where the last one that is open closes.

	A bracket that closes without having been opened counts as minus one, so what opens next only makes up for it, and
	nothing is cut there. What never closes reaches to the end.
	"""
	start = depth = 0
	for found in BRACKET.finditer(text):
		if found.group() == '(':
			if depth == 0 and found.start() > start:
				yield text[start : found.start()]
				start = found.start()
			depth += 1
		elif found.group() == ')':
			depth -= 1
			if depth == 0:
				yield text[start : found.end()]
				start = found.end()
	if start < len(text):
		yield text[start:]


def _number(text: str) -> float | None:
	"""The number that a text is, or None; what is not finite would leave nothing of a picture."""
	try:
		number = float(text)
	except ValueError:
		return None
	return number if math.isfinite(number) else None


def runs(
	text: str, numbers: Callable[[str], Sequence[int]], vectors: Vectors | None = None
) -> list[tuple[list[Word], float]]:
	"""A prompt as runs of tokens of one weight; `numbers` is the tokenizer.

	With `vectors`, each `embedding:name` is a run of its own; commas at the end of the name need not be part of it. One
	that is not known is left out. What follows a name has one space between words.
	"""
	found: list[tuple[list[Word], float]] = []
	for words, weight in weighted(text):
		if vectors is None:
			found.append((list(numbers(words)), weight))
			continue
		plain, *named = NAMED.split(words)
		if plain:
			found.append((list(numbers(plain)), weight))
		for after in named:
			given, rest = _looked_up(after, vectors)
			if given is not None and len(given):
				found.append((list(given.reshape(-1, given.shape[-1])), weight))
			if rest:
				found.append((list(numbers(rest)), weight))
	return found


def _looked_up(after: str, vectors: Vectors) -> tuple[Tensor | None, str]:
	"""The vectors of the embedding whose name a text begins with, and what follows the name."""
	name, *following = after.split() or ['']
	if not name:
		return None, MARK
	rest = ' '.join(following)
	given, stem = vectors(name), name.rstrip(',')
	if given is None and stem != name:
		return vectors(stem), f'{name[len(stem) :]} {rest}'
	return given, rest


def chunked(
	runs: Sequence[tuple[Sequence[T], float]], *, start: T, end: T, length: int, pad: T | None = None, chunks: int = 1
) -> list[list[tuple[T, float]]]:
	"""Lay runs of tokens out in chunks of exactly `length`, each with its marks, the rest filled with `pad` (or the end mark).

	A run that does not fit goes to the next chunk whole if it is short, else it is broken. There are at least `chunks`.
	"""
	room = length - 2
	laid: list[list[tuple[T, float]]] = [[]]
	for words, weight in runs:
		left = list(words)
		while len(laid[-1]) + len(left) > room:
			breakable = len(words) >= UNBREAKABLE or len(words) > room
			taken = room - len(laid[-1]) if breakable else 0
			laid[-1] += [(word, weight) for word in left[:taken]]
			laid.append([])
			left = left[taken:]
		laid[-1] += [(word, weight) for word in left]
	laid += [[] for _ in range(chunks - len(laid))]
	filling = (end if pad is None else pad, 1.0)
	return [[(start, 1.0), *chunk, (end, 1.0), *[filling] * (room - len(chunk))] for chunk in laid]
