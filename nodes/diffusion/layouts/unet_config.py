"""The config of a UNet of Stable Diffusion, read from the shapes of its tensors, in the original or diffusers' layout.

Two things are in no shape: how many heads an attention has, which follows from the layout of its generation, and the
groups of the norms, which are 32 in all that was released. Metadata may say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]

HEADS = 8
"""Heads of each attention of Stable Diffusion 1.x, whatever its width (diffusers calls it `attention_head_dim`)."""

HEAD_WIDTH = 64
"""Width of a head from Stable Diffusion 2 on."""

SIZE_WIDTH = 256
"""Width of the embedding of each number on sizes (XL)."""


@dataclass(frozen=True)
class Level:
	"""A resolution: its width, and how deep the attention after each of its blocks is (0: none)."""

	width: int
	depths: Sequence[int]


def from_original(shapes: Shapes) -> dict[str, Any]:
	"""Of a UNet as it was published; names without `model.diffusion_model.`."""
	levels: list[Level] = []
	up: list[int] = []
	widths, depths, position = [0], list[int](), 1
	while True:
		if f'input_blocks.{position}.0.op.weight' in shapes:
			levels.append(Level(widths[-1], depths))
			depths = []
		elif (convolution := shapes.get(f'input_blocks.{position}.0.in_layers.2.weight')) is not None:
			widths.append(convolution[0])
			depths.append(_depth(shapes, f'input_blocks.{position}.1'))
		else:
			break
		position += 1
	levels.append(Level(widths[-1], depths))
	while f'output_blocks.{len(up)}.0.in_layers.2.weight' in shapes:
		up.append(_depth(shapes, f'output_blocks.{len(up)}.1'))
	return _config(
		shapes,
		levels,
		up,
		middle=_depth(shapes, 'middle_block.1') if 'middle_block.0.in_layers.2.weight' in shapes else None,
		ends=('input_blocks.0.0.weight', 'out.2.weight'),
		vector='label_emb.0.0.weight',
	)


def from_diffusers(shapes: Shapes) -> dict[str, Any]:
	"""Of a UNet in diffusers' layout."""
	levels: list[Level] = []
	up: list[int] = []
	while (convolution := shapes.get(f'down_blocks.{len(levels)}.resnets.0.conv1.weight')) is not None:
		levels.append(Level(convolution[0], _depths(shapes, f'down_blocks.{len(levels)}')))
	for level in range(len(levels)):
		up += _depths(shapes, f'up_blocks.{level}')
	sized = 'add_embedding.linear_1.weight'
	return _config(
		shapes,
		levels,
		up,
		middle=_depth(shapes, 'mid_block.attentions.0') if 'mid_block.resnets.0.conv1.weight' in shapes else None,
		ends=('conv_in.weight', 'conv_out.weight'),
		vector=sized if sized in shapes else 'class_embedding.linear_1.weight',
	)


def with_sizes(config: Mapping[str, Any]) -> dict[str, Any]:
	"""The config of a UNet whose vector is pooled text and numbers on sizes (XL), rather than a picture (unCLIP)."""
	return {
		**config,
		'class_embed_type': None,
		'addition_embed_type': 'text_time',
		'addition_time_embed_dim': SIZE_WIDTH,
	}


def _depths(shapes: Shapes, block: str) -> list[int]:
	depths: list[int] = []
	while f'{block}.resnets.{len(depths)}.conv1.weight' in shapes:
		depths.append(_depth(shapes, f'{block}.attentions.{len(depths)}'))
	return depths


def _depth(shapes: Shapes, attention: str) -> int:
	"""How many transformer blocks stand in a cross-attention block."""
	depth = 0
	while f'{attention}.transformer_blocks.{depth}.attn1.to_q.weight' in shapes:
		depth += 1
	return depth


def _config(
	shapes: Shapes,
	levels: Sequence[Level],
	up: Sequence[int],
	*,
	middle: int | None,
	ends: tuple[str, str],
	vector: str,
) -> dict[str, Any]:
	"""`middle` is the depth at the lowest point, 0 without attention, None if there is nothing at all."""
	first, last = (shapes.get(name, ()) for name in ends)
	context = next((shape for name, shape in shapes.items() if name.endswith('.attn2.to_k.weight')), ())
	linear = any(len(shape) == 2 for name, shape in shapes.items() if name.endswith('.proj_in.weight'))
	widths = [level.width for level in levels]
	rising = _levels_up(levels, up)
	config: dict[str, Any] = {
		'in_channels': first[1] if len(first) == 4 else 4,
		'out_channels': last[0] if last else 4,
		'block_out_channels': widths,
		'layers_per_block': [len(level.depths) for level in levels],
		'down_block_types': ['CrossAttnDownBlock2D' if any(level.depths) else 'DownBlock2D' for level in levels],
		'up_block_types': ['CrossAttnUpBlock2D' if any(depths) else 'UpBlock2D' for depths in rising],
		'mid_block_type': _middle_kind(middle),
		'cross_attention_dim': context[1] if len(context) == 2 else None,
		'use_linear_projection': linear,
		'attention_head_dim': [max(1, width // HEAD_WIDTH) for width in widths] if linear else HEADS,
		**_transformer_depths(levels, rising, middle),
	}
	embedded = shapes.get(vector)
	if embedded is not None:
		config |= {'class_embed_type': 'projection', 'projection_class_embeddings_input_dim': embedded[1]}
	return config


def _middle_kind(depth: int | None) -> str | None:
	if depth is None:
		return None
	return 'UNetMidBlock2DCrossAttn' if depth else 'UNetMidBlock2D'


def _levels_up(levels: Sequence[Level], up: Sequence[int]) -> list[list[int]]:
	"""The depths on the way up, level by level: each has one block more than on the way down."""
	rising, position = [], 0
	for level in reversed(levels):
		blocks = len(level.depths) + 1
		rising.append(list(up[position : position + blocks]))
		position += blocks
	return rising


def _transformer_depths(levels: Sequence[Level], rising: Sequence[Sequence[int]], middle: int | None) -> dict[str, Any]:
	"""How deep the attentions are: a number for each level where all of it are alike, else each by itself.

	The lowest point counts with the last level: diffusers has one number for both.
	"""
	depths = [{*level.depths, *up} - {0} for level, up in zip(levels, reversed(rising), strict=True)]
	depths[-1] |= {middle} if middle else set()
	if all(len(alike) <= 1 for alike in depths):
		return {'transformer_layers_per_block': [max(alike, default=1) for alike in depths]}
	return {
		'transformer_layers_per_block': [list(level.depths) for level in levels],
		'reverse_transformer_layers_per_block': [list(up) for up in rising],
	}
