"""T2I-Adapters (Mou et al. 2023): their configs and layouts, as files of their authors and of diffusers keep them.

An adapter sees the picture alone, folded into channels, and answers with one tensor for each level of the UNet's way down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nodes.diffusion.layout import Layout, plain

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]

FULL, XL, LIGHT = 'full_adapter', 'full_adapter_xl', 'light_adapter'
FOLDING, XL_FOLDING = 8, 16
"""The side of the square of pixels that is folded into channels."""

XL_ENTRIES = (XL_FOLDING**2, 3 * XL_FOLDING**2)
"""How many channels a folded picture has for adapters of Stable Diffusion XL: of grey ones, and of coloured ones."""

RESNETS = 2
"""How many residual blocks each level of a full adapter has, in files that number them through."""

PREFIX = 'adapter.'
"""What stands before all names in diffusers' files."""

ENTRY, LIGHT_ENTRY = 'conv_in.weight', 'body.0.in_conv.weight'
MARKS = ('body.0.block1.weight', 'body.0.body.0.block1.weight', f'{PREFIX}body.0.resnets.0.block1.weight')
"""Tensors by which adapters are known: full, light, and either in diffusers' layout."""


def is_adapter(shapes: Shapes) -> bool:
	"""Whether a file holds a T2I-Adapter."""
	return any(mark in shapes for mark in MARKS)


def own_config(shapes: Shapes) -> dict[str, Any]:
	"""From diffusers' layout."""
	bare = {name.removeprefix(PREFIX): shape for name, shape in shapes.items()}
	light = LIGHT_ENTRY in bare
	levels = _count(bare, 'body.{}.resnets.0.block1.weight')
	last = 'out_conv.weight' if light else 'resnets.0.block1.weight'
	channels = [bare[f'body.{level}.{last}'][0] for level in range(levels)]
	return _config(bare, channels, _count(bare, 'body.0.resnets.{}.block1.weight'))


def original_config(shapes: Shapes) -> dict[str, Any]:
	"""From the layout of its authors."""
	if LIGHT_ENTRY in shapes:
		levels = _count(shapes, 'body.{}.out_conv.weight')
		channels = [shapes[f'body.{level}.out_conv.weight'][0] for level in range(levels)]
		return _config(shapes, channels, _count(shapes, 'body.0.body.{}.block1.weight'))
	blocks = _count(shapes, 'body.{}.block1.weight')
	channels = [shapes[f'body.{block}.block1.weight'][0] for block in range(0, blocks, RESNETS)]
	return _config(shapes, channels, RESNETS)


def original_layout(config: Config) -> Layout:
	"""How files of its authors name what diffusers' `T2IAdapter` has."""
	light, resnets = config['adapter_type'] == LIGHT, config['num_res_blocks']
	levels = len(config['channels']) + light
	layers = {} if light else {f'{PREFIX}conv_in': 'conv_in'}
	for level in range(levels):
		name, stored = f'{PREFIX}body.{level}', f'body.{level if light else level * resnets}'
		if light or _widens(config, level):
			layers[f'{name}.in_conv'] = f'{stored}.in_conv'
		if light:
			layers[f'{name}.out_conv'] = f'{stored}.out_conv'
		for resnet in range(resnets):
			there = f'{stored}.body.{resnet}' if light else f'body.{level * resnets + resnet}'
			for convolution in ('block1', 'block2'):
				layers[f'{name}.resnets.{resnet}.{convolution}'] = f'{there}.{convolution}'
	return plain(
		{f'{name}.{leaf}': f'{stored}.{leaf}' for name, stored in layers.items() for leaf in ('weight', 'bias')}
	)


def _widens(config: Config, level: int) -> bool:
	"""Whether a level of a full adapter has other channels than the one before."""
	channels = config['channels']
	return level > 0 and channels[level] != channels[level - 1]


def _config(shapes: Shapes, channels: list[int], resnets: int) -> dict[str, Any]:
	light = LIGHT_ENTRY in shapes and ENTRY not in shapes
	folded = shapes[LIGHT_ENTRY if light else ENTRY][1]
	large = not light and folded in XL_ENTRIES
	folding = XL_FOLDING if large else FOLDING
	return {
		'in_channels': folded // folding**2,
		'channels': channels[:-1] if light else channels,  # a light one's last level is as wide as the one before
		'num_res_blocks': resnets,
		'downscale_factor': folding,
		'adapter_type': LIGHT if light else XL if large else FULL,
	}


def _count(shapes: Shapes, pattern: str) -> int:
	count = 0
	while pattern.format(count) in shapes:
		count += 1
	return count
