"""VAEs in the original layout, as recipes for diffusers' `AutoencoderKL`; and their configs from shapes, in both layouts.

Source: the released checkpoints of Stable Diffusion and Flux. Names are without `first_stage_model.`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nodes.diffusion.layout import Piece, Recipe

Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]
Names = Iterator[tuple[str, str]]

RESNET_PARTS = ('norm1', 'conv1', 'norm2', 'conv2')
ATTENTION_PARTS = {'group_norm': 'norm', 'to_q': 'q', 'to_k': 'k', 'to_v': 'v', 'to_out.0': 'proj_out'}
"""The parts of the attention in diffusers, and in the file."""

ATTENTION = '.mid.attn_1.'


def original(config: Config) -> dict[str, Recipe]:
	"""The layout of any number of levels and blocks. The projections of the attention are kept as convolutions."""
	return {
		name: (
			Piece(stored, convolution=ATTENTION in stored and '.norm.' not in stored and stored.endswith('.weight')),
		)
		for name, stored in names(config)
	}


def spellings(stored: str) -> tuple[str, ...]:
	"""The names under which writers keep a tensor, the original one first: some name the attention as newer diffusers."""
	start, found, part = stored.partition(ATTENTION)
	if not found:
		return (stored,)
	layer, _, kind = part.rpartition('.')
	newer = {there: name for name, there in ATTENTION_PARTS.items()}
	return stored, f'{start}{ATTENTION}{newer.get(layer, layer)}.{kind}'


def older_spellings(name: str) -> tuple[str, ...]:
	"""The same for diffusers' layout, where older writers call the attention's parts otherwise."""
	older = {'to_q': 'query', 'to_k': 'key', 'to_v': 'value', 'to_out.0': 'proj_attn'}
	start, found, part = name.partition('.mid_block.attentions.0.')
	layer, _, kind = part.rpartition('.')
	return (name, f'{start}{found}{older[layer]}.{kind}') if layer in older else (name,)


def ignored(name: str) -> bool:
	"""Whether a tensor is none of the VAE's: what its training kept beside it."""
	return name.startswith(('loss.', 'model_ema.'))


def names(config: Config) -> Names:
	"""`(tensor of the module, tensor of the file)`, each once."""
	channels: Sequence[int] = config['block_out_channels']
	blocks: int = config['layers_per_block']
	yield from _ends('encoder', config)
	yield from _ends('decoder', config)
	last = len(channels) - 1
	for level, width in enumerate(channels):
		for block in range(blocks):
			shortcut = block == 0 and channels[max(level - 1, 0)] != width
			name = f'encoder.down_blocks.{level}.resnets.{block}'
			yield from _resnet(name, f'encoder.down.{level}.block.{block}', shortcut=shortcut)
		if level < last:
			yield from _layer(
				f'encoder.down_blocks.{level}.downsamplers.0.conv', f'encoder.down.{level}.downsample.conv'
			)
	for step in range(last + 1):
		level = last - step  # the file counts the decoder's levels as the encoder's: 0 is the finest
		for block in range(blocks + 1):
			shortcut = block == 0 and channels[min(level + 1, last)] != channels[level]
			name = f'decoder.up_blocks.{step}.resnets.{block}'
			yield from _resnet(name, f'decoder.up.{level}.block.{block}', shortcut=shortcut)
		if step < last:
			yield from _layer(f'decoder.up_blocks.{step}.upsamplers.0.conv', f'decoder.up.{level}.upsample.conv')
	for convolution in ('quant_conv', 'post_quant_conv'):
		if config.get(f'use_{convolution}', True):
			yield from _layer(convolution, convolution)


def from_original(shapes: Shapes) -> dict[str, Any]:
	"""The config of a VAE as it was published."""
	widths: list[int] = []
	while (convolution := shapes.get(f'encoder.down.{len(widths)}.block.0.conv1.weight')) is not None:
		widths.append(convolution[0])
	blocks = _count(shapes, 'encoder.down.0.block.{}.conv1.weight')
	return _config(shapes, widths, blocks, attention='encoder.mid.attn_1.')


def from_diffusers(shapes: Shapes) -> dict[str, Any]:
	"""The config of a VAE in diffusers' layout."""
	widths: list[int] = []
	while (convolution := shapes.get(f'encoder.down_blocks.{len(widths)}.resnets.0.conv1.weight')) is not None:
		widths.append(convolution[0])
	blocks = _count(shapes, 'encoder.down_blocks.0.resnets.{}.conv1.weight')
	return _config(shapes, widths, blocks, attention='encoder.mid_block.attentions.0.')


def _config(shapes: Shapes, widths: Sequence[int], blocks: int, *, attention: str) -> dict[str, Any]:
	coloured, latent = shapes.get('encoder.conv_in.weight', ()), shapes.get('decoder.conv_in.weight', ())
	return {
		'in_channels': coloured[1] if len(coloured) == 4 else 3,
		'out_channels': coloured[1] if len(coloured) == 4 else 3,
		'latent_channels': latent[1] if len(latent) == 4 else 4,
		'block_out_channels': widths,
		'layers_per_block': blocks,
		'down_block_types': ['DownEncoderBlock2D'] * len(widths),
		'up_block_types': ['UpDecoderBlock2D'] * len(widths),
		'mid_block_add_attention': any(name.startswith(attention) for name in shapes),
		'use_quant_conv': 'quant_conv.weight' in shapes,
		'use_post_quant_conv': 'post_quant_conv.weight' in shapes,
	}


def _count(shapes: Shapes, pattern: str) -> int:
	count = 0
	while pattern.format(count) in shapes:
		count += 1
	return count


def _layer(name: str, stored: str) -> Names:
	yield f'{name}.weight', f'{stored}.weight'
	yield f'{name}.bias', f'{stored}.bias'


def _resnet(name: str, stored: str, *, shortcut: bool) -> Names:
	for part in RESNET_PARTS:
		yield from _layer(f'{name}.{part}', f'{stored}.{part}')
	if shortcut:
		yield from _layer(f'{name}.conv_shortcut', f'{stored}.nin_shortcut')


def _ends(half: str, config: Config) -> Names:
	"""What encoder and decoder have alike: first and last convolution, and the middle."""
	yield from _layer(f'{half}.conv_in', f'{half}.conv_in')
	yield from _resnet(f'{half}.mid_block.resnets.0', f'{half}.mid.block_1', shortcut=False)
	yield from _resnet(f'{half}.mid_block.resnets.1', f'{half}.mid.block_2', shortcut=False)
	if config.get('mid_block_add_attention', True):
		for part, there in ATTENTION_PARTS.items():
			yield from _layer(f'{half}.mid_block.attentions.0.{part}', f'{half}.mid.attn_1.{there}')
	yield from _layer(f'{half}.conv_norm_out', f'{half}.norm_out')
	yield from _layer(f'{half}.conv_out', f'{half}.conv_out')
