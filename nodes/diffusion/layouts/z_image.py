"""Z-Image as it is published for single-file use (Tongyi-MAI 2025), against `ZImageTransformer2DModel`."""

from __future__ import annotations

from typing import Any

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts.pieces import WEIGHT, Config, Recipes, Shapes, axes, blocks, fused, renamed, same

PATCH = 2
LENGTHS = (1536, 512, 512)
"""How many positions there are along the axes: text and picture, height, width."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config."""
	width, inputs = shapes['x_embedder.weight']
	head = shapes['layers.0.attention.q_norm.weight'][0]
	return _config(shapes, width, inputs, head)


def _config(shapes: Shapes, width: int, inputs: int, head: int) -> dict[str, Any]:
	return {
		'all_patch_size': (PATCH,),
		'all_f_patch_size': (1,),
		'in_channels': inputs // PATCH**2,
		'dim': width,
		'n_layers': blocks(shapes, 'layers'),
		'n_refiner_layers': blocks(shapes, 'noise_refiner'),
		'n_heads': width // head,
		'n_kv_heads': width // head,
		'cap_feat_dim': shapes['cap_embedder.1.weight'][1],
		'axes_dims': axes(head, side=3, of=8),
		'axes_lens': LENGTHS,
	}


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	width, inputs = shapes[f'all_x_embedder.{PATCH}-1.weight']
	head = shapes['layers.0.attention.norm_q.weight'][0]
	return _config(shapes, width, inputs, head)


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands."""
	return dict(_recipes(config))


def _recipes(config: Config) -> Recipes:
	patch = f'{PATCH}-1'
	yield from same(f'all_x_embedder.{patch}', 'x_embedder')
	yield from same(f'all_final_layer.{patch}.linear', 'final_layer.linear')
	yield from same(f'all_final_layer.{patch}.adaLN_modulation.1', 'final_layer.adaLN_modulation.1')
	yield from same('t_embedder.mlp.0', 't_embedder.mlp.0')
	yield from same('t_embedder.mlp.2', 't_embedder.mlp.2')
	yield from same('cap_embedder.0', 'cap_embedder.0', WEIGHT)
	yield from same('cap_embedder.1', 'cap_embedder.1')
	yield from renamed('x_pad_token', 'x_pad_token')
	yield from renamed('cap_pad_token', 'cap_pad_token')
	for group, depth, modulated in (
		('noise_refiner', config['n_refiner_layers'], True),
		('context_refiner', config['n_refiner_layers'], False),
		('layers', config['n_layers'], True),
	):
		for index in range(depth):
			yield from _block(f'{group}.{index}', config['dim'])
			if modulated:
				yield from same(f'{group}.{index}.adaLN_modulation.0', f'{group}.{index}.adaLN_modulation.0')


def _block(name: str, width: int) -> Recipes:
	attention = f'{name}.attention'
	yield from fused(
		[f'{attention}.{part}' for part in ('to_q', 'to_k', 'to_v')], f'{attention}.qkv', [width] * 3, WEIGHT
	)
	yield from same(f'{attention}.to_out.0', f'{attention}.out', WEIGHT)
	yield from same(f'{attention}.norm_q', f'{attention}.q_norm', WEIGHT)
	yield from same(f'{attention}.norm_k', f'{attention}.k_norm', WEIGHT)
	for part in ('w1', 'w2', 'w3'):
		yield from same(f'{name}.feed_forward.{part}', f'{name}.feed_forward.{part}', WEIGHT)
	for part in ('attention_norm1', 'attention_norm2', 'ffn_norm1', 'ffn_norm2'):
		yield from same(f'{name}.{part}', f'{name}.{part}', WEIGHT)
