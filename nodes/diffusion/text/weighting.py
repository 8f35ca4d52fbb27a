"""Prompts: weights in brackets, embeddings by name, and chunks for long ones.

The syntax is ComfyUI's: `(red)` raises a weight by 1.1, `(red:1.3)` sets it, brackets nest, `\\(` and `\\)` are plain;
`embedding:name` stands for vectors that were trained for a tower (textual inversion).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from torch import Tensor

BRACKET = re.compile(r'\\[()]|[()]')
EXPLICIT = re.compile(r'(.+):\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*', re.DOTALL)
EMBEDDING = re.compile(r'(?:^|(?<=[ \n]))embedding:(\S+)')
EMPHASIS = 1.1
UNBREAKABLE = 8  # a run of fewer tokens of equal weight is moved to the next chunk rather than broken

Word = int | Tensor
"""What stands in the place of a token: its number, or a vector [width] in its stead."""

Vectors = Callable[[str], Tensor | None]
"""The vectors [tokens, width] of an embedding by its name, or None where there is none of that name."""

T = TypeVar('T')


def weighted(text: str, weight: float = 1.0) -> Iterator[tuple[str, float]]:
	"""Take a prompt apart into runs of text of one weight.

	A number after the last colon in a bracket is the weight itself, whatever is around it; without one the bracket
	multiplies what is around it by 1.1. A bracket without its partner is plain text.
	"""
	plain = ''
	position = 0
	while (found := BRACKET.search(text, position)) is not None:
		plain += text[position : found.start()]
		position = found.end()
		closing = _partner(text, position) if found.group() == '(' else None
		if closing is None:
			plain += found.group()[-1]
			continue
		if plain:
			yield plain, weight
			plain = ''
		inside = text[position:closing]
		explicit = EXPLICIT.fullmatch(inside)
		if explicit is not None:
			yield from weighted(explicit[1], float(explicit[2]))
		else:
			yield from weighted(inside, weight * EMPHASIS)
		position = closing + 1
	plain += text[position:]
	if plain:
		yield plain, weight


def runs(
	text: str, numbers: Callable[[str], Sequence[int]], vectors: Vectors | None = None
) -> list[tuple[list[Word], float]]:
	"""A prompt as runs of tokens of one weight; `numbers` is the tokenizer.

	With `vectors`, each `embedding:name` that they know is a run of its own; a comma after the name need not be part of
	it. One that is not known is plain text.
	"""
	found: list[tuple[list[Word], float]] = []
	for words, weight in weighted(text):
		rest = words
		while vectors is not None and (embedding := EMBEDDING.search(rest)) is not None:
			stem = embedding[1].rstrip(',')
			given = vectors(embedding[1])
			end = embedding.end()
			if given is None and stem != embedding[1]:
				given, end = vectors(stem), embedding.start(1) + len(stem)
			if given is None:
				before, rest = rest[: embedding.end()], rest[embedding.end() :]
				found.append((list(numbers(before)), weight))
				continue
			if embedding.start():
				found.append((list(numbers(rest[: embedding.start()])), weight))
			found.append((list(given.reshape(-1, given.shape[-1])), weight))
			rest = rest[end:]
		if rest:
			found.append((list(numbers(rest)), weight))
	return found


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


def _partner(text: str, position: int) -> int | None:
	"""Where the bracket that opened just before `position` is closed."""
	depth = 1
	for found in BRACKET.finditer(text, position):
		depth += {'(': 1, ')': -1}.get(found.group(), 0)
		if depth == 0:
			return found.start()
	return None
