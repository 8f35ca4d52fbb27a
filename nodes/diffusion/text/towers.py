"""Towers: text encoders with their tokenizers; and a family's towers together, as one `TextEncoder`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion.text.weighting import Vectors
from nodes.values import Conditioning, Prompt


@dataclass(frozen=True, eq=False)
class Encoded:
	"""What one tower says of a prompt, float32 in main memory.

	`embedding` is [1, tokens, width]; `pooled` [1, width] is one vector of the whole, where the tower has it; `token_mask`
	[1, tokens] is 1 where there is text, and None if all counts.
	"""

	embedding: Tensor
	pooled: Tensor | None = None
	token_mask: Tensor | None = None


class Tower(Protocol):
	"""One text encoder with its tokenizer. Settings give changed views over the same weights."""

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		...

	def chunks(self, text: str) -> int:
		"""How many chunks a prompt takes; 1 for a tower that takes any length at once."""
		...

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt, weights in brackets applied, in at least so many chunks."""
		...

	def at_layer(self, layer: int) -> Tower:
		"""The same, listening to another of its layers, counted from the end (−1 is the last); itself if it cannot."""
		...

	def with_vectors(self, vectors: Vectors) -> Tower:
		"""The same, taking these vectors for `embedding:name`."""
		...

	def on(self, module: torch.nn.Module) -> Tower:
		"""The same with other weights."""
		...


Join = Callable[[Mapping[str, Encoded]], Prompt]
"""What a family makes of its towers' words, by their names."""


@dataclass(frozen=True, eq=False)
class Towers:
	"""The text encoders of a family by name, heard together: a `TextEncoder`."""

	towers: Mapping[str, Tower]
	join: Join

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for tower in self.towers.values() for weight in tower.module.parameters())

	def encode(self, text: str, each: Mapping[str, str] | None = None) -> Conditioning:
		"""One prompt; `each` gives some towers, by name, a text of their own."""
		texts = {name: (each or {}).get(name, text) for name in self.towers}
		chunks = max(tower.chunks(texts[name]) for name, tower in self.towers.items())
		said = {name: tower.encode(texts[name], chunks) for name, tower in self.towers.items()}
		return Conditioning((self.join(said),))

	def at_layer(self, layer: int) -> Towers:
		"""The same, each tower listening to another of its layers."""
		return replace(self, towers={name: tower.at_layer(layer) for name, tower in self.towers.items()})
