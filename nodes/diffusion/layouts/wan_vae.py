"""The causal video VAE of Wan 2.1, which Qwen-Image uses for pictures, against `AutoencoderKLQwenImage`.

The file counts all layers of the way down, and of the way up, in one row; the module has blocks on the way up.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts.pieces import Config, Recipes, Shapes, blocks, renamed, same

RESIDUAL = (('norm1.gamma', 'residual.0.gamma'), ('norm2.gamma', 'residual.3.gamma'))
CONVOLUTIONS = (('conv1', 'residual.2'), ('conv2', 'residual.6'))
MIDDLE = (0, 2)
"""Where the residual blocks stand in the middle; the attention is between them."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config, from the way down."""
	base = shapes['encoder.conv1.weight'][0]
	widths, temporal = [], []
	per_level = 0
	for index in range(blocks(shapes, 'encoder.downsamples')):
		stem = f'encoder.downsamples.{index}'
		if f'{stem}.resample.1.weight' in shapes:
			widths.append(shapes[f'{stem}.resample.1.weight'][0])
			temporal.append(f'{stem}.time_conv.weight' in shapes)
		elif not widths:
			per_level += 1
	widths.append(shapes['encoder.middle.0.residual.2.weight'][0])
	return {
		'base_dim': base,
		'z_dim': shapes['conv2.weight'][0],
		'dim_mult': [width // base for width in widths],
		'num_res_blocks': per_level,
		'temperal_downsample': temporal,  # the module spells it so
		'input_channels': shapes['encoder.conv1.weight'][1],
	}


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a file that has the module's own names, as diffusers writes it."""
	original = {
		name.replace('encoder.down_blocks.', 'encoder.downsamples.').replace(
			'.conv1.weight', '.residual.2.weight'
		): shape
		for name, shape in shapes.items()
	}
	return config(
		{
			**original,
			'encoder.conv1.weight': shapes['encoder.conv_in.weight'],
			'encoder.middle.0.residual.2.weight': shapes['encoder.mid_block.resnets.0.conv1.weight'],
			'conv2.weight': shapes['post_quant_conv.weight'],
		}
	)


def layout(config: Config) -> Layout:
	"""Where each tensor of the module stands."""
	return dict(_recipes(config))


def _recipes(config: Config) -> Recipes:
	yield from same('quant_conv', 'conv1')
	yield from same('post_quant_conv', 'conv2')
	for half in ('encoder', 'decoder'):
		yield from same(f'{half}.conv_in', f'{half}.conv1')
		yield from same(f'{half}.conv_out', f'{half}.head.2')
		yield from renamed(f'{half}.norm_out.gamma', f'{half}.head.0.gamma')
		yield from _middle(f'{half}.mid_block', f'{half}.middle')
	yield from _down(config)
	yield from _up(config)


def _middle(name: str, stored: str) -> Recipes:
	for index, place in enumerate(MIDDLE):
		yield from _residual(f'{name}.resnets.{index}', f'{stored}.{place}', shortcut=False)
	yield from renamed(f'{name}.attentions.0.norm.gamma', f'{stored}.1.norm.gamma')
	yield from same(f'{name}.attentions.0.to_qkv', f'{stored}.1.to_qkv')
	yield from same(f'{name}.attentions.0.proj', f'{stored}.1.proj')


def _residual(name: str, stored: str, *, shortcut: bool) -> Recipes:
	for part, original in RESIDUAL:
		yield from renamed(f'{name}.{part}', f'{stored}.{original}')
	for part, original in CONVOLUTIONS:
		yield from same(f'{name}.{part}', f'{stored}.{original}')
	if shortcut:
		yield from same(f'{name}.conv_shortcut', f'{stored}.shortcut')


def _resample(name: str, stored: str, *, temporal: bool) -> Recipes:
	yield from same(f'{name}.resample.1', f'{stored}.resample.1')
	if temporal:
		yield from same(f'{name}.time_conv', f'{stored}.time_conv')


def _down(config: Config) -> Recipes:
	"""Each level has its blocks and, but for the last, a halving."""
	places = _places(config['num_res_blocks'], len(config['dim_mult']))
	for level, (before, width) in enumerate(pairwise([1, *config['dim_mult']])):
		for block in range(config['num_res_blocks']):
			name = f'encoder.down_blocks.{places[level] + block}'
			stored = f'encoder.downsamples.{places[level] + block}'
			yield from _residual(name, stored, shortcut=block == 0 and before != width)
		if level < len(config['dim_mult']) - 1:
			place = places[level] + config['num_res_blocks']
			yield from _resample(
				f'encoder.down_blocks.{place}',
				f'encoder.downsamples.{place}',
				temporal=config['temperal_downsample'][level],
			)


def _up(config: Config) -> Recipes:
	"""Each level has one block more than on the way down; a doubling halves the width too."""
	widths = config['dim_mult'][::-1]
	per_level = config['num_res_blocks'] + 1
	places = _places(per_level, len(widths))
	for level, width in enumerate(widths):
		before = widths[0] if level == 0 else widths[level - 1] / 2
		for block in range(per_level):
			yield from _residual(
				f'decoder.up_blocks.{level}.resnets.{block}',
				f'decoder.upsamples.{places[level] + block}',
				shortcut=block == 0 and before != width,
			)
		if level < len(widths) - 1:
			yield from _resample(
				f'decoder.up_blocks.{level}.upsamplers.0',
				f'decoder.upsamples.{places[level] + per_level}',
				temporal=config['temperal_downsample'][::-1][level],
			)


def _places(per_level: int, levels: int) -> list[int]:
	"""Where each level begins in the file's row."""
	return [0, *accumulate([per_level + 1] * (levels - 1))]
