"""The text encoders of transformers as they were released, known by their shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch.nn import Module

from nodes.diffusion.layouts import text
from nodes.diffusion.text.eyes import QwenEyes
from nodes.diffusion.text.qwen import QwenModel
from nodes.diffusion.text.t5 import T5Model

T5_XXL = {
	'vocab_size': 32128,
	'd_model': 4096,
	'd_kv': 64,
	'd_ff': 10240,
	'num_layers': 24,
	'num_heads': 64,
	'relative_attention_num_buckets': 32,
	'feed_forward_proj': 'gated-gelu',
}
QWEN = {'layers': None, 'max_position_embeddings': 40960, 'rope_theta': 1_000_000.0, 'rms_norm_eps': 1e-6}
QWEN25_7B = {
	**QWEN,
	'model_type': 'qwen2',
	'vocab_size': 152064,
	'hidden_size': 3584,
	'intermediate_size': 18944,
	'num_hidden_layers': 28,
	'num_attention_heads': 28,
	'num_key_value_heads': 4,
}
QWEN25_7B_EYES = {
	'depth': 32,
	'hidden_size': 1280,
	'intermediate_size': 3420,
	'num_heads': 16,
	'in_channels': 3,
	'patch_size': 14,
	'temporal_patch_size': 2,
	'window_size': 112,
	'out_hidden_size': 3584,
	'fullatt_block_indexes': (7, 15, 23, 31),
}
QWEN3_4B = {
	**QWEN,
	'model_type': 'qwen3',
	'vocab_size': 151936,
	'hidden_size': 2560,
	'intermediate_size': 9728,
	'num_hidden_layers': 36,
	'num_attention_heads': 32,
	'num_key_value_heads': 8,
	'head_dim': 128,
}
QWEN3_8B = {**QWEN3_4B, 'hidden_size': 4096, 'intermediate_size': 12288}


def shapes(build: Callable[[Mapping[str, Any]], Module], config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
	"""The tensors of the module, without memory for them."""
	with torch.device('meta'):
		module = build(config)
	return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


class TestReleasedSizes:
	def test_t5(self) -> None:
		"""The encoder of T5 1.1 XXL."""
		found = shapes(T5Model, T5_XXL)

		assert text.t5(found) == T5_XXL
		assert sum(torch.Size(shape).numel() for shape in found.values()) == 4_762_310_656

	@pytest.mark.parametrize(('config', 'generation'), [(QWEN25_7B, 2), (QWEN3_4B, 3), (QWEN3_8B, 3)])
	def test_qwen(self, config: dict[str, Any], generation: int) -> None:
		"""Of both generations."""
		assert text.qwen(shapes(QwenModel, config), generation=generation) == config

	@pytest.mark.parametrize('start', ['', 'model.'])
	def test_the_eyes_of_qwen(self, start: str) -> None:
		"""Beside the language model's tensors, by either name."""
		seeing = {start + name: shape for name, shape in shapes(QwenEyes, QWEN25_7B_EYES).items()}

		assert text.eyes(shapes(QwenModel, QWEN25_7B) | seeing) == QWEN25_7B_EYES


class TestNames:
	@pytest.mark.parametrize('name', ['model.norm.weight', 'norm.weight', 'model.language_model.norm.weight'])
	def test_writers_put_different_things_before_a_qwens_names(self, name: str) -> None:
		"""Each is found under its own."""
		assert text.qwen_name(name) == 'model.norm.weight'
		assert name in text.qwen_spellings('model.norm.weight')

	@pytest.mark.parametrize('name', ['visual.merger.ln_q.weight', 'model.visual.merger.ln_q.weight'])
	def test_eyes_go_by_two_names(self, name: str) -> None:
		"""With the model's before it, or without."""
		assert text.qwen_name(name) == 'visual.merger.ln_q.weight'
		assert name in text.qwen_spellings('visual.merger.ln_q.weight')

	@pytest.mark.parametrize(
		'name', ['visual.blocks.0.attn.qkv.weight', 'lm_head.weight', 'model.layers.35.mlp.up_proj.weight']
	)
	def test_what_is_not_listened_to_is_left_out(self, name: str) -> None:
		"""Eyes, mouth, and later layers."""
		assert text.qwen_ignored(name)

	def test_what_is_unknown_is_not(self) -> None:
		"""It is no Qwen then."""
		assert not text.qwen_ignored('model.something.weight')

	def test_the_table_of_t5_goes_by_two_names(self) -> None:
		"""Files have one of them, or both."""
		assert text.t5_spellings('shared.weight') == ('shared.weight', 'encoder.embed_tokens.weight')
