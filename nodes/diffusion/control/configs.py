"""The configs of ControlNets, read from the names and shapes of their tensors, and how original files name these.

A ControlNet is the way down of a UNet with a few convolutions of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nodes.diffusion.layout import Layout, plain
from nodes.diffusion.layouts import unet, unet_config

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]

HINT = 'input_hint_block'
OWN_HINT = 'controlnet_cond_embedding'
WAY_DOWN = ('conv_in.', 'time_embedding.', 'add_embedding.', 'down_blocks.', 'mid_block.')
HEAD_WIDTH = 40
"""Width of a head of the transformer that a union fuses its hints by."""


def original_config(shapes: Shapes) -> dict[str, Any]:
	"""From the original layout, names without `control_model.`."""
	return _config(unet_config.from_original(shapes), shapes[f'{HINT}.0.weight'][1], hint_widths(shapes))


def beside_config(model: Shapes, own: Shapes) -> dict[str, Any]:
	"""Of one that shares the way down of a UNet in diffusers' layout; `own` are its layers for the hint, in the original one."""
	return _config(unet_config.from_diffusers(model), own[f'{HINT}.0.weight'][1], hint_widths(own))


def hint_widths(shapes: Shapes) -> list[int]:
	"""How wide the levels are that a hint goes through, in the original layout."""
	positions = sorted(int(name.split('.')[1]) for name in shapes if name.startswith(HINT) and name.endswith('.weight'))
	return [shapes[f'{HINT}.{position}.weight'][0] for position in positions[:-1:2]]


def diffusers_config(shapes: Shapes) -> dict[str, Any]:
	"""From diffusers' own layout."""
	first = shapes[f'{OWN_HINT}.conv_in.weight']
	hints, position = [first[0]], 1
	while (shape := shapes.get(f'{OWN_HINT}.blocks.{position}.weight')) is not None:
		hints.append(shape[0])
		position += 2
	config = _config(unet_config.from_diffusers(shapes), first[1], hints)
	if 'task_embedding' in shapes:
		config.pop('mid_block_type', None)  # A union's is always the same.
		kinds, width = shapes['task_embedding']
		layers = 0
		while f'transformer_layes.{layers}.attn.in_proj_weight' in shapes:  # so the files spell it
			layers += 1
		config |= {
			'num_control_type': kinds,
			'addition_time_embed_dim': shapes['control_add_embedding.linear_1.weight'][1] // kinds,
			'num_trans_channel': width,
			'num_trans_head': max(1, width // HEAD_WIDTH),
			'num_trans_layer': layers,
			'num_proj_channel': shapes['spatial_ch_projs.weight'][0],
		}
	return config


def original_layout(config: Config) -> Layout:
	"""How the first ControlNets' files name what diffusers' `ControlNetModel` has, without `control_model.`."""
	rising = ['CrossAttnUpBlock2D' if 'Cross' in kind else 'UpBlock2D' for kind in reversed(config['down_block_types'])]
	names = {
		name: stored for name, stored in unet.names({**config, 'up_block_types': rising}) if name.startswith(WAY_DOWN)
	}
	levels = len(config['block_out_channels'])
	blocks: int = config['layers_per_block']
	layers = {f'controlnet_down_blocks.{index}': f'zero_convs.{index}.0' for index in range(levels * (blocks + 1))}
	layers['controlnet_mid_block'] = 'middle_block_out.0'
	between = 2 * (len(config['conditioning_embedding_out_channels']) - 1)
	layers[f'{OWN_HINT}.conv_in'] = f'{HINT}.0'
	# Activations stand between the convolutions.
	layers |= {f'{OWN_HINT}.blocks.{index}': f'{HINT}.{2 * index + 2}' for index in range(between)}
	layers[f'{OWN_HINT}.conv_out'] = f'{HINT}.{2 * between + 2}'
	names |= {f'{name}.{leaf}': f'{stored}.{leaf}' for name, stored in layers.items() for leaf in ('weight', 'bias')}
	return plain(names)


def _config(way_down: Config, hint_channels: int, hints: Sequence[int]) -> dict[str, Any]:
	"""What a ControlNet takes of a UNet's config, and its own."""
	config: dict[str, Any] = {
		'in_channels': way_down['in_channels'],
		'block_out_channels': way_down['block_out_channels'],
		'layers_per_block': way_down['layers_per_block'][0],
		'down_block_types': way_down['down_block_types'],
		'transformer_layers_per_block': way_down['transformer_layers_per_block'],
		'attention_head_dim': way_down['attention_head_dim'],
		'use_linear_projection': way_down['use_linear_projection'],
		'conditioning_channels': hint_channels,
		'conditioning_embedding_out_channels': list(hints),
	}
	if way_down['mid_block_type']:
		config['mid_block_type'] = way_down['mid_block_type']
	if way_down['cross_attention_dim']:
		config['cross_attention_dim'] = way_down['cross_attention_dim']
	if 'class_embed_type' in way_down:
		sized = unet_config.with_sizes(way_down)
		config |= {
			name: sized[name]
			for name in (
				'addition_embed_type',
				'addition_time_embed_dim',
				'projection_class_embeddings_input_dim',
			)
		}
	return config
