"""Stable Diffusion 3 and 3.5 as Stability AI published them (Esser et al. 2024), against `SD3Transformer2DModel`.

And their ControlNets against `SD3ControlNetModel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts.pieces import WEIGHT, Config, Recipes, Shapes, blocks, fused, renamed, same, swapped

HEAD = 64
"""Width of an attention head of every published size."""
OWN_PATCHES = 'pos_embed_input.proj.weight'
"""ControlNets have a layer of patches for the hint."""
SINGLE = 'transformer_blocks.0.adaLN_modulation.1.weight'
"""A tensor of Stability's own ControlNets, which have one stream."""
CONTROL_KIND = 'control_type'
"""A number: what Stability's own ControlNets are shown."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config: medium and large differ in sizes; 3.5 norms queries and keys, 3.5 medium attends twice."""
	width, channels, patch, _ = shapes['x_embedder.proj.weight']
	depth = blocks(shapes, 'joint_blocks')
	norm = shapes.get('joint_blocks.0.x_block.attn.ln_q.weight')
	head = norm[0] if norm else width // depth  # without norms: as many heads as blocks
	return {
		'sample_size': 128,
		'patch_size': patch,
		'in_channels': channels,
		'out_channels': shapes['final_layer.linear.weight'][0] // patch**2,
		'num_layers': depth,
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['context_embedder.weight'][1],
		'caption_projection_dim': shapes['context_embedder.weight'][0],
		'pooled_projection_dim': shapes['y_embedder.mlp.0.weight'][1],
		'pos_embed_max_size': isqrt(shapes['pos_embed'][1]),
		'dual_attention_layers': tuple(
			index for index in range(depth) if f'joint_blocks.{index}.x_block.attn2.qkv.weight' in shapes
		),
		'qk_norm': 'rms_norm' if norm else None,
	}


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	width, channels, patch, _ = shapes['pos_embed.proj.weight']
	depth = blocks(shapes, 'transformer_blocks')
	norm = shapes.get('transformer_blocks.0.attn.norm_q.weight')
	head = norm[0] if norm else width // depth
	return {
		'sample_size': 128,
		'patch_size': patch,
		'in_channels': channels,
		'out_channels': shapes['proj_out.weight'][0] // patch**2,
		'num_layers': depth,
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['context_embedder.weight'][1],
		'caption_projection_dim': shapes['context_embedder.weight'][0],
		'pooled_projection_dim': shapes['time_text_embed.text_embedder.linear_1.weight'][1],
		'pos_embed_max_size': isqrt(shapes['pos_embed.pos_embed'][1]),
		'dual_attention_layers': tuple(
			index for index in range(depth) if f'transformer_blocks.{index}.attn2.to_q.weight' in shapes
		),
		'qk_norm': 'rms_norm' if norm else None,
	}


def control_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a ControlNet, `SD3ControlNetModel`, in its own names or those of Stability's (of one stream)."""
	width, channels, patch, _ = shapes[OWN_PATCHES]
	norm = shapes.get('transformer_blocks.0.attn.norm_q.weight')
	heads = max(1, width // (norm[0] if norm else HEAD))
	depth = blocks(shapes, 'transformer_blocks')
	config: dict[str, Any] = {
		'sample_size': 128,
		'patch_size': patch,
		'in_channels': channels,
		'num_layers': depth,
		'attention_head_dim': width // heads,
		'num_attention_heads': heads,
		'pooled_projection_dim': shapes['time_text_embed.text_embedder.linear_1.weight'][1],
		'extra_conditioning_channels': 0,
		'joint_attention_dim': None,
		'use_pos_embed': False,
	}
	if 'context_embedder.weight' in shapes:
		own = shapes['pos_embed.proj.weight'][1]
		config |= {
			'in_channels': own,
			'extra_conditioning_channels': channels - own,
			'joint_attention_dim': shapes['context_embedder.weight'][1],
			'caption_projection_dim': shapes['context_embedder.weight'][0],
			'pos_embed_max_size': isqrt(shapes['pos_embed.pos_embed'][1]),
			'use_pos_embed': True,
			'dual_attention_layers': tuple(
				index for index in range(depth) if f'transformer_blocks.{index}.attn2.to_q.weight' in shapes
			),
			'qk_norm': 'rms_norm' if norm else None,
		}
	return config


def control_layout(config: Config) -> Layout:
	"""Where Stability's own ControlNets have each tensor whose name differs."""
	return dict(_control_recipes(config))


def _control_recipes(config: Config) -> Recipes:
	width = config['num_attention_heads'] * config['attention_head_dim']
	for index in range(config['num_layers']):
		name = f'transformer_blocks.{index}'
		yield from same(f'{name}.norm1.linear', f'{name}.adaLN_modulation.1')
		yield from fused([f'{name}.attn.{part}' for part in ('to_q', 'to_k', 'to_v')], f'{name}.attn.qkv', [width] * 3)
		yield from same(f'{name}.attn.to_out.0', f'{name}.attn.proj')
		yield from same(f'{name}.ff.net.0.proj', f'{name}.mlp.fc1')
		yield from same(f'{name}.ff.net.2', f'{name}.mlp.fc2')


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands."""
	return dict(_recipes(config))


def _recipes(config: Config) -> Recipes:
	width = config['num_attention_heads'] * config['attention_head_dim']
	yield from renamed('pos_embed.pos_embed', 'pos_embed')
	yield from same('pos_embed.proj', 'x_embedder.proj')
	for embedder, stored in (('timestep_embedder', 't_embedder'), ('text_embedder', 'y_embedder')):
		yield from same(f'time_text_embed.{embedder}.linear_1', f'{stored}.mlp.0')
		yield from same(f'time_text_embed.{embedder}.linear_2', f'{stored}.mlp.2')
	yield from same('context_embedder', 'context_embedder')
	last = config['num_layers'] - 1
	for index in range(config['num_layers']):
		name, stored = f'transformer_blocks.{index}', f'joint_blocks.{index}'
		yield from _stream(config, name, f'{stored}.x_block', width, context=False)
		if index in config['dual_attention_layers']:
			yield from _attention(config, f'{name}.attn2', f'{stored}.x_block.attn2', width)
			yield from same(f'{name}.attn2.to_out.0', f'{stored}.x_block.attn2.proj')
		if index < last:
			yield from _stream(config, name, f'{stored}.context_block', width, context=True)
		else:  # the last block only listens to the text
			yield from _attention(config, f'{name}.attn', f'{stored}.context_block.attn', width, context=True)
			yield from swapped(f'{name}.norm1_context.linear', f'{stored}.context_block.adaLN_modulation.1', width)
	yield from swapped('norm_out.linear', 'final_layer.adaLN_modulation.1', width)
	yield from same('proj_out', 'final_layer.linear')


def _stream(config: Config, name: str, stored: str, width: int, *, context: bool) -> Iterator[Any]:
	"""One of a block's two streams: the picture's or the text's."""
	suffix = '_context' if context else ''
	yield from _attention(config, f'{name}.attn', f'{stored}.attn', width, context=context)
	yield from same(f'{name}.attn.{"to_add_out" if context else "to_out.0"}', f'{stored}.attn.proj')
	yield from same(f'{name}.norm1{suffix}.linear', f'{stored}.adaLN_modulation.1')
	yield from same(f'{name}.ff{suffix}.net.0.proj', f'{stored}.mlp.fc1')
	yield from same(f'{name}.ff{suffix}.net.2', f'{stored}.mlp.fc2')


def _attention(config: Config, name: str, stored: str, width: int, *, context: bool = False) -> Recipes:
	parts = ('add_q_proj', 'add_k_proj', 'add_v_proj') if context else ('to_q', 'to_k', 'to_v')
	yield from fused([f'{name}.{part}' for part in parts], f'{stored}.qkv', [width] * 3)
	if config['qk_norm']:
		added = 'added_' if context else ''
		yield from same(f'{name}.norm_{added}q', f'{stored}.ln_q', WEIGHT)
		yield from same(f'{name}.norm_{added}k', f'{stored}.ln_k', WEIGHT)
