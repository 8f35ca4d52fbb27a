"""Llama 3 as HiDream listens to it: a prompt as it is, heard after each of the layers. Its vocabulary is the user's to bring.

Sources: Grattafiori et al. 2024, "The Llama 3 Herd of Models"; HiDream.ai 2025, "HiDream-I1".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import Module

from nodes.diffusion.files import TensorSource
from nodes.diffusion.text.qwen import QwenModel
from nodes.diffusion.text.qwen_tokenizer import QwenTokenizer
from nodes.diffusion.text.towers import Encoded
from nodes.diffusion.text.vocabulary import TOKENIZER_JSON, find_json, from_text, missing
from nodes.diffusion.text.weighting import Vectors
from nodes.diffusion.whereabouts import place_of

NAME, TITLE = 'llama', 'Llama 3'
BEGIN, PAD = '<|begin_of_text|>', '<|finetune_right_pad_id|>'
LEAST = 128
"""So many tokens HiDream hears at least, filled up at the end."""


@dataclass(frozen=True, eq=False)
class LlamaTower:
	"""A Llama with its tokenizer: a `Tower`. Brackets in prompts are plain text for it.

	Its embedding is [1, tokens, layers × width], layer after layer.
	"""

	module: QwenModel
	tokenizer: QwenTokenizer

	def chunks(self, text: str) -> int:
		"""One: it takes any length at once."""
		return 1

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt; what is filled up is not heard by the words before, and does not count."""
		numbers: Sequence[int] = [self.tokenizer.mark(BEGIN), *self.tokenizer(text)]
		filling = max(0, LEAST - len(numbers))
		pad = max(0, self.tokenizer.mark(PAD))
		mask = torch.tensor([[1] * len(numbers) + [0] * filling])
		place = place_of(self.module)
		with torch.inference_mode():
			given = torch.tensor([[*numbers, *[pad] * filling]]).to(place)
			said: Tensor = self.module(given, mask.to(place)).float().cpu()
		return Encoded(said, token_mask=mask, layers=len(self.module.layers or ()))

	def at_layer(self, layer: int) -> LlamaTower:
		"""Itself: all are listened to."""
		return self

	def padded(self, padding: int, least: int) -> LlamaTower:
		"""Itself: how prompts are filled up belongs to the model."""
		return self

	def with_vectors(self, vectors: Vectors) -> LlamaTower:
		"""Itself: there are no such vectors for it."""
		return self

	def on(self, module: Module) -> LlamaTower:
		"""See `Tower`."""
		return replace(self, module=cast(QwenModel, module))


def for_source(source: TensorSource) -> QwenTokenizer:
	"""The tokenizer that belongs to a file of weights: an entry of its metadata, or a `tokenizer.json` beside it.

	No package brings it. Raises `ModelError` that says which file to put where.
	"""
	text = source.metadata.get('llama_tokenizer')
	if text is not None:
		return QwenTokenizer(from_text(text, source.path))
	found = find_json(source.path, NAME, 'BPE')
	if found is None:
		raise missing(TITLE, source.path, NAME, TOKENIZER_JSON)
	return QwenTokenizer(found)
