"""Flux.2 (dev and Klein) as Black Forest Labs published it (2025), against `Flux2Transformer2DModel`."""

from __future__ import annotations

from typing import Any

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts.pieces import WEIGHT, Config, Recipes, Shapes, blocks, fused, renamed, same, swapped

AXES = 4
"""Positions have four axes: time, height, width, and the place in the text."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config; Klein has no guidance."""
	width, channels = shapes['img_in.weight']
	head = shapes['double_blocks.0.img_attn.norm.query_norm.scale'][0]
	return {
		'patch_size': 1,
		'in_channels': channels,
		'out_channels': shapes['final_layer.linear.weight'][0],
		'num_layers': blocks(shapes, 'double_blocks'),
		'num_single_layers': blocks(shapes, 'single_blocks'),
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['txt_in.weight'][1],
		'timestep_guidance_channels': shapes['time_in.in_layer.weight'][1],
		'mlp_ratio': shapes['double_blocks.0.img_mlp.2.weight'][1] / width,
		'axes_dims_rope': (head // AXES,) * AXES,
		'guidance_embeds': 'guidance_in.in_layer.weight' in shapes,
	}


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	width, channels = shapes['x_embedder.weight']
	head = shapes['transformer_blocks.0.attn.norm_q.weight'][0]
	return {
		'patch_size': 1,
		'in_channels': channels,
		'out_channels': shapes['proj_out.weight'][0],
		'num_layers': blocks(shapes, 'transformer_blocks'),
		'num_single_layers': blocks(shapes, 'single_transformer_blocks'),
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['context_embedder.weight'][1],
		'timestep_guidance_channels': shapes['time_guidance_embed.timestep_embedder.linear_1.weight'][1],
		'mlp_ratio': shapes['transformer_blocks.0.ff.linear_out.weight'][1] / width,
		'axes_dims_rope': (head // AXES,) * AXES,
		'guidance_embeds': 'time_guidance_embed.guidance_embedder.linear_1.weight' in shapes,
	}


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands. There are no biases."""
	return dict(_recipes(config))


def _recipes(config: Config) -> Recipes:
	width = config['num_attention_heads'] * config['attention_head_dim']
	embedders = [('timestep_embedder', 'time_in')]
	if config['guidance_embeds']:
		embedders.append(('guidance_embedder', 'guidance_in'))
	for embedder, stored in embedders:
		yield from same(f'time_guidance_embed.{embedder}.linear_1', f'{stored}.in_layer', WEIGHT)
		yield from same(f'time_guidance_embed.{embedder}.linear_2', f'{stored}.out_layer', WEIGHT)
	for modulation in ('double_stream_modulation_img', 'double_stream_modulation_txt', 'single_stream_modulation'):
		yield from same(f'{modulation}.linear', f'{modulation}.lin', WEIGHT)
	yield from same('context_embedder', 'txt_in', WEIGHT)
	yield from same('x_embedder', 'img_in', WEIGHT)
	for index in range(config['num_layers']):
		yield from _double(f'transformer_blocks.{index}', f'double_blocks.{index}', width)
	for index in range(config['num_single_layers']):
		name, stored = f'single_transformer_blocks.{index}.attn', f'single_blocks.{index}'
		yield from same(f'{name}.to_qkv_mlp_proj', f'{stored}.linear1', WEIGHT)
		yield from same(f'{name}.to_out', f'{stored}.linear2', WEIGHT)
		yield from renamed(f'{name}.norm_q.weight', f'{stored}.norm.query_norm.scale')
		yield from renamed(f'{name}.norm_k.weight', f'{stored}.norm.key_norm.scale')
	yield from swapped('norm_out.linear', 'final_layer.adaLN_modulation.1', width, WEIGHT)
	yield from same('proj_out', 'final_layer.linear', WEIGHT)


def _double(name: str, stored: str, width: int) -> Recipes:
	"""A block of two streams; in the module the text's parts are the added ones."""
	for stream, suffix, qkv, out, added in (
		('img', '', ('to_q', 'to_k', 'to_v'), 'to_out.0', ''),
		('txt', '_context', ('add_q_proj', 'add_k_proj', 'add_v_proj'), 'to_add_out', 'added_'),
	):
		attention = f'{stored}.{stream}_attn'
		yield from fused([f'{name}.attn.{part}' for part in qkv], f'{attention}.qkv', [width] * 3, WEIGHT)
		yield from renamed(f'{name}.attn.norm_{added}q.weight', f'{attention}.norm.query_norm.scale')
		yield from renamed(f'{name}.attn.norm_{added}k.weight', f'{attention}.norm.key_norm.scale')
		yield from same(f'{name}.attn.{out}', f'{attention}.proj', WEIGHT)
		yield from same(f'{name}.ff{suffix}.linear_in', f'{stored}.{stream}_mlp.0', WEIGHT)
		yield from same(f'{name}.ff{suffix}.linear_out', f'{stored}.{stream}_mlp.2', WEIGHT)
