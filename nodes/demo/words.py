"""Texts to token ids with the model's own tokenizer, as transformers' CLIPTokenizer reads it."""

import json
from collections.abc import Sequence
from typing import cast

from torch import Tensor
from transformers import CLIPTokenizer

from nodes.demo.parts import TEXT_LENGTH
from nodes.demo.tokenizer import END, START, tokenizer_files


class Words:
	"""The tokenizer with its marks; padding is the end mark, as in Stable Diffusion 1.x."""

	def __init__(self) -> None:
		files = tokenizer_files()
		vocab: dict[str, int] = json.loads(files.vocab)
		merges = [tuple(line.split()) for line in files.merges.splitlines()[1:]]
		self._tokenizer = CLIPTokenizer(
			vocab=vocab,
			# its annotation says list[str], but it takes pairs
			merges=cast(list[str], merges),
			model_max_length=TEXT_LENGTH,
			bos_token=START,
			eos_token=END,
			pad_token=END,
			unk_token=END,
		)
		self.count = len(vocab)

	def tokens(self, texts: Sequence[str]) -> Tensor:
		"""int64 (n, 77), padded and cut."""
		found = self._tokenizer(
			list(texts), padding='max_length', max_length=TEXT_LENGTH, truncation=True, return_tensors='pt'
		)
		ids: Tensor = found.input_ids
		return ids
