"""Encoders of pictures in the layouts of transformers and of OpenCLIP, as recipes for `clip_vision.VisionModel`.

Sources: the released files of CLIP ViT-L/14, ViT-H/14 and ViT-bigG/14 (transformers' layout), those inside the unCLIP
checkpoints of Stable Diffusion 2.1 (OpenCLIP's, with the projection the other way round), and SigLIP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from nodes.diffusion.layout import Piece, Recipe
from nodes.diffusion.layouts.clip import OPEN_CLIP_PARTS, PROJECTIONS

Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

SMALL_WIDTH, SMALL_HEADS, HEADS = 768, 12, 16
"""ViT-B has twelve heads, all larger ones that were released sixteen."""

OPENAI_LAYERS = 24
"""Encoders with no more layers are OpenAI's, which compute a quicker GELU; OpenCLIP's H and bigG have more."""

SIGLIP_SIDES = (224, 256, 384, 512)
"""Sides, in pixels, of the pictures that SigLIP looks at; patches need not fill them (384 has 27 of 14)."""

EMBEDDED = 'vision_model.embeddings.'
OPEN_CLIP_ENDS = {
	f'{EMBEDDED}class_embedding': 'visual.class_embedding',
	f'{EMBEDDED}patch_embedding.weight': 'visual.conv1.weight',
	f'{EMBEDDED}position_embedding.weight': 'visual.positional_embedding',
	**{
		f'vision_model.{own}.{kind}': f'visual.{there}.{kind}'
		for own, there in (('pre_layrnorm', 'ln_pre'), ('post_layernorm', 'ln_post'))
		for kind in ('weight', 'bias')
	},
}


def open_clip(config: Config) -> dict[str, Recipe]:
	"""OpenCLIP's: query, key and value in one matrix."""
	return dict(_open_clip(config))


def ignored(name: str) -> bool:
	"""Whether a tensor means nothing for it: CLIP's other half, SigLIP's pooling, position numbers, what training kept."""
	others = ('text_model.', 'text_projection.', 'vision_model.head.', 'transformer.', 'ln_final.', 'token_embedding.')
	ends = ('position_ids', 'logit_scale', 'logit_bias', 'attn_mask', 'positional_embedding', 'text_projection')
	return name.startswith(others) or name.endswith(ends)


def from_own(shapes: Shapes) -> dict[str, Any]:
	"""The config of an encoder in transformers' layout, of CLIP or SigLIP."""
	projection = shapes.get('visual_projection.weight')
	return _config(
		shapes[f'{EMBEDDED}patch_embedding.weight'],
		shapes[f'{EMBEDDED}position_embedding.weight'],
		shapes['vision_model.encoder.layers.0.mlp.fc1.weight'],
		_count(shapes, 'vision_model.encoder.layers.{}.mlp.fc1.weight'),
		None if projection is None else projection[0],
		siglip=f'{EMBEDDED}patch_embedding.bias' in shapes,
	)


def from_open_clip(shapes: Shapes) -> dict[str, Any]:
	"""The config of an encoder in OpenCLIP's layout."""
	projection = shapes.get('visual.proj')
	return _config(
		shapes['visual.conv1.weight'],
		shapes['visual.positional_embedding'],
		shapes['visual.transformer.resblocks.0.mlp.c_fc.weight'],
		_count(shapes, 'visual.transformer.resblocks.{}.mlp.c_fc.weight'),
		None if projection is None else projection[1],
		siglip=False,
	)


def _open_clip(config: Config) -> Iterator[tuple[str, Recipe]]:
	width: int = config['hidden_size']
	for name, stored in OPEN_CLIP_ENDS.items():
		yield name, (Piece(stored),)
	for index in range(config['num_hidden_layers']):
		layer, block = f'vision_model.encoder.layers.{index}', f'visual.transformer.resblocks.{index}'
		for kind in ('weight', 'bias'):
			for third, projection in enumerate(PROJECTIONS):
				rows = Piece(f'{block}.attn.in_proj_{kind}', third * width, (third + 1) * width)
				yield f'{layer}.self_attn.{projection}.{kind}', (rows,)
			for part, there in OPEN_CLIP_PARTS.items():
				yield f'{layer}.{part}.{kind}', (Piece(f'{block}.{there}.{kind}'),)
	if config['projection_dim']:
		yield 'visual_projection.weight', (Piece('visual.proj', transposed=True),)


def _config(
	patches: tuple[int, ...],
	positions: tuple[int, ...],
	inner: tuple[int, ...],
	layers: int,
	projection: int | None,
	*,
	siglip: bool,
) -> dict[str, Any]:
	"""`projection_dim` is 0 for an encoder without projection; `siglip` has no class token, so a place less."""
	width, patch = patches[0], patches[-1]
	side = math.isqrt(positions[0] if siglip else positions[0] - 1)
	sides = [pixels for pixels in SIGLIP_SIDES if siglip and pixels // patch == side]
	quick = 'quick_gelu' if layers <= OPENAI_LAYERS else 'gelu'
	return {
		'siglip': siglip,
		'hidden_size': width,
		'intermediate_size': inner[0],
		'num_hidden_layers': layers,
		'num_attention_heads': SMALL_HEADS if width == SMALL_WIDTH else HEADS,
		'image_size': sides[0] if sides else side * patch,
		'patch_size': patch,
		'projection_dim': projection or 0,
		'hidden_act': 'gelu_pytorch_tanh' if siglip else quick,
	}


def _count(shapes: Shapes, pattern: str) -> int:
	count = 0
	while pattern.format(count) in shapes:
		count += 1
	return count
