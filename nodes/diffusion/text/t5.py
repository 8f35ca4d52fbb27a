"""T5's encoder, as Stable Diffusion 3 and Flux listen to it.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer"; with the
gated layers of its version 1.1 (Shazeer 2020, "GLU Variants Improve Transformer").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Embedding, Module
from transformers import T5Config, T5EncoderModel

from nodes.diffusion.text.t5_tokenizer import END, PAD, T5Tokenizer
from nodes.diffusion.text.towers import Encoded
from nodes.diffusion.text.weighting import Vectors, Word, runs

Line = Sequence[tuple[Word, float]]


class T5Model(Module):
	"""T5's encoder under the names of transformers' `T5EncoderModel`, with its table of tokens once."""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		described = T5Config(**config)
		self.shared = Embedding(described.vocab_size, described.d_model)
		self.encoder: Any = T5EncoderModel(described).encoder
		cast(Any, self.encoder).embed_tokens = None  # it is the shared one, which is looked up here

	def forward(self, words: Tensor) -> Tensor:
		"""Vectors [batch, tokens, width] as they come from the table → the last layer, in the same shape."""
		said: Tensor = self.encoder(inputs_embeds=words).last_hidden_state
		return said


@dataclass(frozen=True, eq=False)
class T5Tower:
	"""T5 with its tokenizer: a `Tower`. `least` is how many tokens a prompt has at least; shorter ones are filled up,
	after as much filling as `padding` says.

	What is filled up is listened to as well, as the models that use it do.
	"""

	module: T5Model
	tokenizer: T5Tokenizer
	least: int
	vectors: Vectors | None = None
	padding: int = 0

	def chunks(self, text: str) -> int:
		"""One: it takes any length at once."""
		return 1

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt, [1, tokens, width].

		A token's weight w moves its embedding z along the line from that of the empty prompt: z₀ + (z − z₀) · w.
		"""
		found = runs(text, self.tokenizer, self.vectors)
		line: list[tuple[Word, float]] = [(word, weight) for words, weight in found for word in words]
		line.append((END, 1.0))
		line += [(PAD, 1.0)] * self.padding
		line += [(PAD, 1.0)] * (self.least - len(line))
		if all(weight == 1 for _, weight in line):
			return Encoded(self._embed([line]))
		empty: list[tuple[Word, float]] = [(END, 1.0), *[(PAD, 1.0)] * (len(line) - 1)]
		both = self._embed([line, empty])
		said, nothing = both[:1], both[1:]
		weights = torch.tensor([weight for _, weight in line])[None, :, None]
		return Encoded(nothing + (said - nothing) * weights)

	def at_layer(self, layer: int) -> T5Tower:
		"""Itself: only its last layer is listened to."""
		return self

	def padded(self, padding: int, least: int) -> T5Tower:
		"""See `Tower`."""
		return replace(self, padding=padding, least=least)

	def with_vectors(self, vectors: Vectors) -> T5Tower:
		"""See `Tower`."""
		return replace(self, vectors=vectors)

	def on(self, module: Module) -> T5Tower:
		"""See `Tower`."""
		return replace(self, module=cast(T5Model, module))

	def _embed(self, lines: Sequence[Line]) -> Tensor:
		"""Lines of one length."""
		table = self.module.shared
		with torch.inference_mode():
			numbers = torch.tensor([[word if isinstance(word, int) else PAD for word, _ in line] for line in lines])
			words = table(numbers.to(table.weight.device))
			for row, line in enumerate(lines):
				for place, (word, _) in enumerate(line):
					if isinstance(word, Tensor):
						words[row, place] = word.to(words)
			return cast(Tensor, self.module(words)).float().cpu()
