"""Qwens as towers."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Qwen3Config, Qwen3Model

from nodes.diffusion.text.qwen import QwenModel, QwenTower
from nodes.diffusion.text.qwen_tokenizer import QwenTokenizer
from tests import tiny_texts

CHAT = '<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'
SYSTEM = f'<|im_start|>system\nred<|im_end|>\n{CHAT}'


def tokenizer() -> QwenTokenizer:
	"""Of the tiny vocabulary."""
	return QwenTokenizer(Tokenizer.from_str(tiny_texts.qwen_tokenizer()))


def listening(*layers: int) -> QwenModel:
	"""The tiny Qwen 3 up to the last layer that is listened to."""
	config = {**tiny_texts.QWEN, 'head_dim': 8, 'vocab_size': tiny_texts.qwen_size(), 'model_type': 'qwen3'}
	model = QwenModel({**config, 'num_hidden_layers': max(layers), 'layers': layers}).eval().requires_grad_(False)
	model.load_state_dict(tiny_texts.tensors(tiny_texts.qwen(3)), strict=False)
	return model


def by_transformers(numbers: list[int]) -> tuple[Tensor, ...]:
	"""All layers of transformers' model with the same weights, the last one after the final norm."""
	model = cast(Any, Qwen3Model(Qwen3Config(**tiny_texts.QWEN, head_dim=8, vocab_size=tiny_texts.qwen_size())))
	model.eval()
	model.load_state_dict(tiny_texts.tensors(tiny_texts.qwen(3).model))
	with torch.inference_mode():
		said: tuple[Tensor, ...] = model(torch.tensor([numbers]), output_hidden_states=True).hidden_states
	return said


class TestEncode:
	def test_the_last_layer_is_after_the_norm(self) -> None:
		"""As transformers gives it."""
		tower = QwenTower(tiny_texts.qwen(3), tokenizer(), CHAT)
		numbers = list(tokenizer()(CHAT.format('a red cat')))

		assert torch.equal(tower.encode('a red cat').embedding, by_transformers(numbers)[-1])

	def test_other_layers_are_before_it(self) -> None:
		"""Side by side, and what comes after the last of them is not there at all."""
		tower = QwenTower(listening(1, 3), tokenizer(), CHAT)
		layers = by_transformers(list(tokenizer()(CHAT.format('a red cat'))))

		assert torch.equal(tower.encode('a red cat').embedding, torch.cat([layers[1], layers[3]], dim=-1))
		assert not any('layers.3.' in name for name in tower.module.state_dict())

	def test_filling_changes_nothing_before_it(self) -> None:
		"""It is not seen by the words."""
		short = QwenTower(tiny_texts.qwen(3), tokenizer(), CHAT).encode('cat').embedding
		filled = QwenTower(tiny_texts.qwen(3), tokenizer(), CHAT, least=64).encode('cat').embedding

		assert filled.shape[1] == 64
		assert torch.allclose(filled[:, : short.shape[1]], short, atol=1e-6)
		assert bool(filled.isfinite().all())

	def test_brackets_are_plain_text(self) -> None:
		"""Escaped or not."""
		tower = QwenTower(tiny_texts.qwen(3), tokenizer(), CHAT)

		assert torch.equal(tower.encode('(cat:1.5)').embedding, tower.encode('\\(cat:1.5\\)').embedding)
		assert tower.encode('(cat:1.5)').embedding.shape != tower.encode('cat').embedding.shape

	@pytest.mark.parametrize('generation', [2, 3])
	def test_only_the_users_turn_is_kept(self, generation: int) -> None:
		"""What the system said has its effect, and is left out."""
		tower = QwenTower(tiny_texts.qwen(generation), tokenizer(), SYSTEM, only_turn=True)
		whole = QwenTower(tiny_texts.qwen(generation), tokenizer(), SYSTEM)
		head = len(tokenizer()(SYSTEM.partition('{}')[0]))

		assert torch.equal(tower.encode('cat').embedding, whole.encode('cat').embedding[:, head:])

	def test_a_prompt_may_be_a_chat_of_its_own(self) -> None:
		"""If it begins with a mark."""
		tower = QwenTower(tiny_texts.qwen(3), tokenizer(), SYSTEM, only_turn=True)

		assert torch.equal(tower.encode(SYSTEM.format('cat')).embedding, tower.encode('cat').embedding)

	def test_other_weights_say_something_else(self) -> None:
		"""The tower around another module; settings that mean nothing to it leave it as it is."""
		first = QwenTower(tiny_texts.qwen(3), tokenizer(), CHAT)
		second = first.on(tiny_texts.qwen(3, seed=1))

		assert not torch.equal(first.encode('cat').embedding, second.encode('cat').embedding)
		assert first.at_layer(-2) is first
		assert first.with_vectors(lambda name: None) is first
		assert first.chunks('cat ' * 500) == 1
