"""Flux.1 as Black Forest Labs published it (2024), against `FluxTransformer2DModel`; and the ControlNets of XLabs (2024),
which have their names, against `FluxControlNetModel`."""

from __future__ import annotations

from typing import Any

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts.pieces import Config, Recipes, Shapes, axes, blocks, fused, renamed, same, swapped

EXPANSION = 4
"""How much wider a feed-forward layer is."""

OWN_END = 'final_layer.linear.weight'
HINT_LAST = 14
"""The last of the convolutions of XLabs' ControlNets; activations stand between them."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config; schnell has no guidance, fill and the control models take more channels than they give."""
	width, channels = shapes['img_in.weight']
	head = shapes['double_blocks.0.img_attn.norm.query_norm.scale'][0]
	return {
		'patch_size': 1,
		'in_channels': channels,
		'out_channels': shapes[OWN_END][0],
		'num_layers': blocks(shapes, 'double_blocks'),
		'num_single_layers': blocks(shapes, 'single_blocks'),
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['txt_in.weight'][1],
		'pooled_projection_dim': shapes['vector_in.in_layer.weight'][1],
		'guidance_embeds': 'guidance_in.in_layer.weight' in shapes,
		'axes_dims_rope': axes(head, side=7, of=16),
	}


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	return {**_own_blocks(shapes), 'out_channels': shapes['proj_out.weight'][0]}


def control_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a ControlNet, `FluxControlNetModel`; unions have a table of the kinds of their hints."""
	modes = shapes.get('controlnet_mode_embedder.weight')
	seen = shapes.get('input_hint_block.conv_out.weight')
	return {
		**_own_blocks(shapes),
		'num_mode': None if modes is None else modes[0],
		**({} if seen is None else _seeing(seen[0])),
	}


def xlabs_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a ControlNet of XLabs', which sees pixels."""
	own = {name: value for name, value in config({**shapes, OWN_END: (0,)}).items() if name != 'out_channels'}
	return {**own, **_seeing(shapes[f'input_hint_block.{HINT_LAST}.weight'][0])}


def _seeing(channels: int) -> dict[str, Any]:
	"""Of a ControlNet that sees pixels: they become so many channels, and squares of these one token."""
	return {'conditioning_embedding_channels': channels, 'patch_size': 2}


def _own_blocks(shapes: Shapes) -> dict[str, Any]:
	"""What transformer and ControlNet have in common."""
	width, channels = shapes['x_embedder.weight']
	head = shapes['transformer_blocks.0.attn.norm_q.weight'][0]
	return {
		'patch_size': 1,
		'in_channels': channels,
		'num_layers': blocks(shapes, 'transformer_blocks'),
		'num_single_layers': blocks(shapes, 'single_transformer_blocks'),
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['context_embedder.weight'][1],
		'pooled_projection_dim': shapes['time_text_embed.text_embedder.linear_1.weight'][1],
		'guidance_embeds': 'time_text_embed.guidance_embedder.linear_1.weight' in shapes,
		'axes_dims_rope': axes(head, side=7, of=16),
	}


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands."""
	return dict(_recipes(config))


def xlabs_layout(config: Config) -> Layout:
	"""Where each tensor of a ControlNet of XLabs' stands."""
	return dict(_control_recipes(config))


def _control_recipes(config: Config) -> Recipes:
	yield from _common(config)
	for index in range(config['num_layers']):
		yield from same(f'controlnet_blocks.{index}', f'controlnet_blocks.{index}')
	yield from same('controlnet_x_embedder', 'pos_embed_input')
	yield from same('input_hint_block.conv_in', 'input_hint_block.0')
	for place in range(2, HINT_LAST, 2):
		yield from same(f'input_hint_block.blocks.{place // 2 - 1}', f'input_hint_block.{place}')
	yield from same('input_hint_block.conv_out', f'input_hint_block.{HINT_LAST}')


def _recipes(config: Config) -> Recipes:
	width = config['num_attention_heads'] * config['attention_head_dim']
	yield from _common(config)
	yield from swapped('norm_out.linear', 'final_layer.adaLN_modulation.1', width)
	yield from same('proj_out', 'final_layer.linear')


def _common(config: Config) -> Recipes:
	"""What transformer and ControlNet have in common."""
	width = config['num_attention_heads'] * config['attention_head_dim']
	embedders = [('timestep_embedder', 'time_in'), ('text_embedder', 'vector_in')]
	if config['guidance_embeds']:
		embedders.append(('guidance_embedder', 'guidance_in'))
	for embedder, stored in embedders:
		yield from same(f'time_text_embed.{embedder}.linear_1', f'{stored}.in_layer')
		yield from same(f'time_text_embed.{embedder}.linear_2', f'{stored}.out_layer')
	yield from same('context_embedder', 'txt_in')
	yield from same('x_embedder', 'img_in')
	for index in range(config['num_layers']):
		yield from _double(f'transformer_blocks.{index}', f'double_blocks.{index}', width)
	for index in range(config['num_single_layers']):
		yield from _single(f'single_transformer_blocks.{index}', f'single_blocks.{index}', width)


def _double(name: str, stored: str, width: int) -> Recipes:
	"""A block of two streams; in the module the text's parts are the added ones."""
	for stream, suffix, qkv, out, added in (
		('img', '', ('to_q', 'to_k', 'to_v'), 'to_out.0', ''),
		('txt', '_context', ('add_q_proj', 'add_k_proj', 'add_v_proj'), 'to_add_out', 'added_'),
	):
		attention = f'{stored}.{stream}_attn'
		yield from same(f'{name}.norm1{suffix}.linear', f'{stored}.{stream}_mod.lin')
		yield from fused([f'{name}.attn.{part}' for part in qkv], f'{attention}.qkv', [width] * 3)
		yield from renamed(f'{name}.attn.norm_{added}q.weight', f'{attention}.norm.query_norm.scale')
		yield from renamed(f'{name}.attn.norm_{added}k.weight', f'{attention}.norm.key_norm.scale')
		yield from same(f'{name}.attn.{out}', f'{attention}.proj')
		yield from same(f'{name}.ff{suffix}.net.0.proj', f'{stored}.{stream}_mlp.0')
		yield from same(f'{name}.ff{suffix}.net.2', f'{stored}.{stream}_mlp.2')


def _single(name: str, stored: str, width: int) -> Recipes:
	"""A block of one stream, whose queries, keys, values and feed-forward are one layer in the file."""
	yield from same(f'{name}.norm.linear', f'{stored}.modulation.lin')
	yield from fused(
		[f'{name}.attn.to_q', f'{name}.attn.to_k', f'{name}.attn.to_v', f'{name}.proj_mlp'],
		f'{stored}.linear1',
		[width, width, width, EXPANSION * width],
	)
	yield from renamed(f'{name}.attn.norm_q.weight', f'{stored}.norm.query_norm.scale')
	yield from renamed(f'{name}.attn.norm_k.weight', f'{stored}.norm.key_norm.scale')
	yield from same(f'{name}.proj_out', f'{stored}.linear2')
