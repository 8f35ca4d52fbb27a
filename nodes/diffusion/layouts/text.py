"""The text encoders of transformers: T5, Qwen and Llama, whose files have the names of the transformers package, and their configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nodes.diffusion.layouts.pieces import Shapes, blocks

QWEN_HEAD = 128
"""Width of an attention's head in all Qwens of these sizes, where no norm tells it."""

EYES = 'visual.'
"""What the names of Qwen 2.5-VL's vision tower begin with; some writers put `model.` before it."""

EYE_HEAD = 80
"""Width of an attention's head in them."""

LOOKS_AROUND = 8
"""Every so many blocks of them look at the whole picture, the others at windows."""

WINDOW = 8
"""Side of such a window in patches."""

MOUTH = 'lm_head.weight'
"""What tells the next token, in files of models whose table of tokens does not."""

LLAMA_SIZE = 128256
"""How many tokens every Llama 3 knows; relatives with the same names know others."""

LLAMA_KEYS = 8
"""How many heads of keys every Llama 3 of up to 8 billion weights has."""

LLAMA_WIDTH = 4096
"""Width of that of 8 billion; smaller ones (3.2) stretch positions further."""

SPEAKING = (EYES, f'model.{EYES}', 'lm_head.')
"""The parts of a Qwen that see and speak, which are not what listens."""


def t5(shapes: Shapes) -> dict[str, Any]:
	"""The config of an encoder of T5 1.1."""
	inner, width = shapes['encoder.block.0.layer.0.SelfAttention.q.weight']
	buckets, heads = shapes['encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight']
	table = shapes.get('shared.weight') or shapes['encoder.embed_tokens.weight']
	return {
		'vocab_size': table[0],
		'd_model': width,
		'd_kv': inner // heads,
		'd_ff': shapes['encoder.block.0.layer.1.DenseReluDense.wi_0.weight'][0],
		'num_layers': blocks(shapes, 'encoder.block'),
		'num_heads': heads,
		'relative_attention_num_buckets': buckets,
		'feed_forward_proj': 'gated-gelu',
	}


def t5_spellings(stored: str) -> tuple[str, ...]:
	"""The table of tokens goes by two names."""
	return (stored, 'encoder.embed_tokens.weight') if stored == 'shared.weight' else (stored,)


def t5_ignored(name: str) -> bool:
	"""The second name of the table, and a vocabulary that the file brings."""
	return name in ('encoder.embed_tokens.weight', 'spiece_model')


def qwen(shapes: Shapes, *, generation: int) -> dict[str, Any]:
	"""The config of a Qwen 2.5 or 3, with all its layers."""
	bare = {qwen_name(name): shape for name, shape in shapes.items()}
	layer = 'model.layers.0.self_attn'
	keys = bare[f'{layer}.k_proj.weight'][0]
	head = bare[f'{layer}.q_norm.weight'][0] if generation == 3 else min(QWEN_HEAD, keys)
	vocabulary, width = bare['model.embed_tokens.weight']
	config = {
		'model_type': f'qwen{generation}',
		'layers': None,
		'vocab_size': vocabulary,
		'hidden_size': width,
		'intermediate_size': bare['model.layers.0.mlp.gate_proj.weight'][0],
		'num_hidden_layers': blocks(bare, 'model.layers'),
		'num_attention_heads': bare[f'{layer}.q_proj.weight'][0] // head,
		'num_key_value_heads': keys // head,
		'max_position_embeddings': 40960,
		'rope_theta': 1_000_000.0,
		'rms_norm_eps': 1e-6,
	}
	return {**config, 'head_dim': head} if generation == 3 else config


def llama(shapes: Shapes) -> dict[str, Any]:
	"""The config of a Llama 3.1 or 3.2, with all its layers (Grattafiori et al. 2024, "The Llama 3 Herd of Models")."""
	bare = {qwen_name(name): shape for name, shape in shapes.items()}
	layer = 'model.layers.0.self_attn'
	head = bare[f'{layer}.k_proj.weight'][0] // LLAMA_KEYS
	vocabulary, width = bare['model.embed_tokens.weight']
	return {
		'model_type': 'llama',
		'layers': None,
		'vocab_size': vocabulary,
		'hidden_size': width,
		'intermediate_size': bare['model.layers.0.mlp.gate_proj.weight'][0],
		'num_hidden_layers': blocks(bare, 'model.layers'),
		'num_attention_heads': bare[f'{layer}.q_proj.weight'][0] // head,
		'num_key_value_heads': LLAMA_KEYS,
		'head_dim': head,
		'max_position_embeddings': 131072,
		'rms_norm_eps': 1e-5,
		'rope_parameters': {
			'rope_type': 'llama3',
			'rope_theta': 500_000.0,
			'factor': 8.0 if width >= LLAMA_WIDTH else 32.0,
			'low_freq_factor': 1.0,
			'high_freq_factor': 4.0,
			'original_max_position_embeddings': 8192,
		},
	}


def speaking(config: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
	"""The config of a language model that speaks, from that of one that listens."""
	return {**config, 'layers': None, 'speaks': MOUTH in shapes}


def eyes(shapes: Shapes) -> dict[str, Any]:
	"""The config of Qwen 2.5-VL's vision tower."""
	shapes = {qwen_name(name): shape for name, shape in shapes.items() if is_eye(name)}
	width, colours, frames, patch, _ = shapes[f'{EYES}patch_embed.proj.weight']
	depth = blocks(shapes, f'{EYES}blocks')
	return {
		'depth': depth,
		'hidden_size': width,
		'intermediate_size': shapes[f'{EYES}blocks.0.mlp.gate_proj.weight'][0],
		'num_heads': max(1, width // EYE_HEAD),
		'in_channels': colours,
		'patch_size': patch,
		'temporal_patch_size': frames,
		'window_size': WINDOW * patch,
		'out_hidden_size': shapes[f'{EYES}merger.mlp.2.weight'][0],
		'fullatt_block_indexes': tuple(range(LOOKS_AROUND - 1, depth, LOOKS_AROUND)),
	}


def qwen_name(name: str) -> str:
	"""A tensor's name as the causal models of transformers have it: others put more, or nothing, before it."""
	if name.startswith(f'model.{EYES}'):
		return name.removeprefix('model.')
	for start in ('model.language_model.', 'language_model.model.', 'model.'):
		if name.startswith(start):
			return 'model.' + name.removeprefix(start)
	return name if name.startswith(SPEAKING) else f'model.{name}'


def is_eye(name: str) -> bool:
	"""Whether a tensor belongs to the vision tower."""
	return name.startswith((EYES, f'model.{EYES}'))


def qwen_spellings(stored: str) -> tuple[str, ...]:
	"""The names under which writers keep a tensor."""
	if stored == MOUTH:
		return (stored,)
	if stored.startswith(EYES):
		return stored, f'model.{stored}'
	bare = stored.removeprefix('model.')
	return stored, f'model.language_model.{bare}', f'language_model.model.{bare}', bare


def qwen_ignored(name: str) -> bool:
	"""Whether a tensor means nothing for what is listened to: the eyes, the mouth, and layers that come later."""
	return name.startswith(SPEAKING) or qwen_name(name).startswith(('model.layers.', 'model.norm.'))
