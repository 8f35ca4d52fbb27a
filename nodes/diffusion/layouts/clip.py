"""CLIP text encoders in the layouts of transformers and of OpenCLIP, as recipes for `text.clip.ClipModel`.

Source: the released checkpoints of Stable Diffusion 1.x (transformers' layout), 2.x and XL (OpenCLIP's), without what
stands before each name there. The module's own names are those of transformers' `CLIPTextModelWithProjection`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nodes.diffusion.layout import Piece, Recipe

Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

OPEN_CLIP_PARTS = {
	'self_attn.out_proj': 'attn.out_proj',
	'layer_norm1': 'ln_1',
	'layer_norm2': 'ln_2',
	'mlp.fc1': 'mlp.c_fc',
	'mlp.fc2': 'mlp.c_proj',
}
PROJECTIONS = ('q_proj', 'k_proj', 'v_proj')
HEAD_WIDTH = 64
"""Width of an attention's head in all that was released."""


def own(config: Config) -> dict[str, Recipe]:
	"""transformers' own names."""
	names = ['text_model.embeddings.token_embedding.weight', 'text_model.embeddings.position_embedding.weight']
	for layer in range(config['num_hidden_layers']):
		for part in (*(f'self_attn.{projection}' for projection in PROJECTIONS), *OPEN_CLIP_PARTS):
			names += _both(f'text_model.encoder.layers.{layer}.{part}')
	names += _both('text_model.final_layer_norm')
	if config.get('with_projection'):
		names.append('text_projection.weight')
	return {name: (Piece(name),) for name in names}


def open_clip(config: Config) -> dict[str, Recipe]:
	"""OpenCLIP's: query, key and value in one matrix, and the projection the other way round."""
	return dict(_open_clip(config))


def spellings(stored: str) -> tuple[str, ...]:
	"""The names under which writers keep a tensor: transformers of some versions left `text_model.` out."""
	return stored, stored.removeprefix('text_model.')


def ignored(name: str) -> bool:
	"""Whether a tensor means nothing for the text encoder: the other half of CLIP, position numbers, what training kept."""
	beside = ('vision_model.', 'visual_projection.', 'visual.')
	return name.startswith(beside) or name.endswith(('position_ids', 'logit_scale', 'logit_bias', 'attn_mask'))


def from_own(shapes: Shapes) -> dict[str, Any]:
	"""The config of an encoder in transformers' layout."""
	bare = {name.removeprefix('text_model.'): shape for name, shape in shapes.items()}
	return _config(
		bare.get('embeddings.token_embedding.weight', ()),
		bare.get('embeddings.position_embedding.weight', ()),
		bare.get('encoder.layers.0.mlp.fc1.weight', ()),
		_count(bare, 'encoder.layers.{}.mlp.fc1.weight'),
		shapes.get('text_projection.weight'),
	)


def from_open_clip(shapes: Shapes) -> dict[str, Any]:
	"""The config of an encoder in OpenCLIP's layout."""
	projection = shapes.get('text_projection')
	return _config(
		shapes.get('token_embedding.weight', ()),
		shapes.get('positional_embedding', ()),
		shapes.get('transformer.resblocks.0.mlp.c_fc.weight', ()),
		_count(shapes, 'transformer.resblocks.{}.mlp.c_fc.weight'),
		projection[::-1] if projection else None,
	)


def _both(layer: str) -> tuple[str, str]:
	return f'{layer}.weight', f'{layer}.bias'


def _open_clip(config: Config) -> Iterator[tuple[str, Recipe]]:
	width: int = config['hidden_size']
	yield 'text_model.embeddings.token_embedding.weight', (Piece('token_embedding.weight'),)
	yield 'text_model.embeddings.position_embedding.weight', (Piece('positional_embedding'),)
	for index in range(config['num_hidden_layers']):
		layer, block = f'text_model.encoder.layers.{index}', f'transformer.resblocks.{index}'
		for third, projection in enumerate(PROJECTIONS):
			for kind in ('weight', 'bias'):
				rows = Piece(f'{block}.attn.in_proj_{kind}', third * width, (third + 1) * width)
				yield f'{layer}.self_attn.{projection}.{kind}', (rows,)
		for part, there in OPEN_CLIP_PARTS.items():
			for name, stored in zip(_both(f'{layer}.{part}'), _both(f'{block}.{there}'), strict=True):
				yield name, (Piece(stored),)
	for name, stored in zip(_both('text_model.final_layer_norm'), _both('ln_final'), strict=True):
		yield name, (Piece(stored),)
	if config.get('with_projection'):
		yield 'text_projection.weight', (Piece('text_projection', transposed=True),)


def _config(
	tokens: tuple[int, ...],
	positions: tuple[int, ...],
	inner: tuple[int, ...],
	layers: int,
	projection: tuple[int, ...] | None,
) -> dict[str, Any]:
	vocabulary, width = tokens if len(tokens) == 2 else (0, HEAD_WIDTH)
	return {
		'vocab_size': vocabulary,
		'hidden_size': width,
		'intermediate_size': inner[0] if inner else 0,
		'num_hidden_layers': layers,
		'num_attention_heads': max(1, width // HEAD_WIDTH),
		'max_position_embeddings': positions[0] if positions else 0,
		'projection_dim': projection[0] if projection else width,
		'with_projection': projection is not None,
		# The marks are the last two pieces of CLIP's vocabulary.
		'bos_token_id': vocabulary - 2,
		'eos_token_id': vocabulary - 1,
		'pad_token_id': vocabulary - 1,
	}


def _count(shapes: Shapes, pattern: str) -> int:
	count = 0
	while pattern.format(count) in shapes:
		count += 1
	return count
