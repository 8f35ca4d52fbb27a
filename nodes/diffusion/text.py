"""Prompts: weights in brackets, chunks for long ones, and CLIP's embedding of both.

The syntax is ComfyUI's: `(red)` raises a weight by 1.1, `(red:1.3)` sets it, brackets nest, `\\(` and `\\)` are plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from nodes.diffusion.tokenizer import ClipTokenizer
from nodes.values import Conditioning, Prompt

BRACKET = re.compile(r'\\[()]|[()]')
EXPLICIT = re.compile(r'(.+):\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*', re.DOTALL)
EMPHASIS = 1.1
UNBREAKABLE = 8  # a run of fewer tokens of equal weight is moved to the next chunk rather than broken

Token = tuple[int, float]


class ClipText:
	"""A CLIP text model with its tokenizer: a `TextEncoder`.

	The embedding is the last layer after the final layer norm, as Stable Diffusion 1.x takes it (Rombach et al. 2022).

	Args:
		model: transformers' `CLIPTextModel`.
		length: tokens in one chunk, marks at start and end included (77).
	"""

	def __init__(self, model: torch.nn.Module, tokenizer: ClipTokenizer, *, length: int) -> None:
		self._model = model
		self._tokenizer = tokenizer
		self._length = length

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self._model.parameters())

	def encode(self, text: str) -> Conditioning:
		"""One prompt, float32 [1, chunks × length, width].

		A token's weight w moves its embedding z along the line from that of the empty prompt: z₀ + (z − z₀) · w.
		"""
		runs = [(self._tokenizer(words), weight) for words, weight in weighted(text)]
		chunks = chunked(runs, start=self._tokenizer.start, end=self._tokenizer.end, length=self._length)
		weights = torch.tensor([[weight for _, weight in chunk] for chunk in chunks])
		if bool((weights == 1).all()):
			embedding = self._embed(chunks)
		else:
			empty, *_ = chunked([], start=self._tokenizer.start, end=self._tokenizer.end, length=self._length)
			both = self._embed([empty, *chunks])
			embedding = both[:1] + (both[1:] - both[:1]) * weights[..., None]
		return Conditioning((Prompt(embedding.reshape(1, -1, embedding.shape[-1])),))

	def _embed(self, chunks: Sequence[Sequence[Token]]) -> Tensor:
		numbers = torch.tensor([[number for number, _ in chunk] for chunk in chunks])
		with torch.inference_mode():
			embedded: Tensor = self._model(input_ids=numbers).last_hidden_state
		return embedded.float()


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


def chunked(
	runs: Sequence[tuple[Sequence[int], float]], *, start: int, end: int, length: int
) -> list[list[tuple[int, float]]]:
	"""Lay runs of tokens out in chunks of exactly `length`, each with its marks, the rest filled with the end mark.

	A run that does not fit goes to the next chunk whole if it is short, else it is broken. There is at least one chunk.
	"""
	room = length - 2
	chunks: list[list[Token]] = [[]]
	for numbers, weight in runs:
		left = list(numbers)
		while len(chunks[-1]) + len(left) > room:
			breakable = len(numbers) >= UNBREAKABLE or len(numbers) > room
			taken = room - len(chunks[-1]) if breakable else 0
			chunks[-1] += [(number, weight) for number in left[:taken]]
			chunks.append([])
			left = left[taken:]
		chunks[-1] += [(number, weight) for number in left]
	return [[(start, 1.0), *chunk, *[(end, 1.0)] * (length - 1 - len(chunk))] for chunk in chunks]


def _partner(text: str, position: int) -> int | None:
	"""Where the bracket that opened just before `position` is closed."""
	depth = 1
	for found in BRACKET.finditer(text, position):
		depth += {'(': 1, ')': -1}.get(found.group(), 0)
		if depth == 0:
			return found.start()
	return None
