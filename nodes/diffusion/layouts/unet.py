"""UNets of Stable Diffusion in the original layout, as recipes for diffusers' `UNet2DConditionModel`.

Source: the released checkpoints of Stable Diffusion 1.x, 2.x and XL. Names are without `model.diffusion_model.`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from nodes.diffusion.layout import Recipe, plain

Config = Mapping[str, Any]
T = TypeVar('T')
Names = Iterator[tuple[str, str]]

# The parts of a residual block, in diffusers and in the file.
RESNET_PARTS = (
	('norm1', 'in_layers.0'),
	('conv1', 'in_layers.2'),
	('time_emb_proj', 'emb_layers.1'),
	('norm2', 'out_layers.0'),
	('conv2', 'out_layers.3'),
)


def original(config: Config) -> dict[str, Recipe]:
	"""The layout of any number of levels, blocks and attentions."""
	return plain(dict(names(config)))


def names(config: Config) -> Names:
	"""`(tensor of the module, tensor of the file)`, each once."""
	channels: Sequence[int] = config['block_out_channels']
	yield from _layer('time_embedding.linear_1', 'time_embed.0')
	yield from _layer('time_embedding.linear_2', 'time_embed.2')
	for embedding in _vector_embeddings(config):
		yield from _layer(f'{embedding}.linear_1', 'label_emb.0.0')
		yield from _layer(f'{embedding}.linear_2', 'label_emb.0.2')
	yield from _layer('conv_in', 'input_blocks.0.0')
	yield from _down(config, channels)
	yield from _middle(config)
	yield from _up(config, list(reversed(channels)))
	yield from _layer('conv_norm_out', 'out.0')
	yield from _layer('conv_out', 'out.2')


def _vector_embeddings(config: Config) -> Iterator[str]:
	"""What takes a vector besides the text: sizes and pooled text (XL), or an embedded picture (unCLIP)."""
	if config.get('addition_embed_type') == 'text_time':
		yield 'add_embedding'
	if config.get('class_embed_type') == 'projection':
		yield 'class_embedding'


def _layer(name: str, stored: str, *, bias: bool = True) -> Names:
	yield f'{name}.weight', f'{stored}.weight'
	if bias:
		yield f'{name}.bias', f'{stored}.bias'


def _resnet(name: str, stored: str, *, shortcut: bool) -> Names:
	for part, there in RESNET_PARTS:
		yield from _layer(f'{name}.{part}', f'{stored}.{there}')
	if shortcut:
		yield from _layer(f'{name}.conv_shortcut', f'{stored}.skip_connection')


def _transformer(name: str, stored: str, depth: int) -> Names:
	"""A cross-attention block: inside, both layouts have the same names."""
	for part in ('norm', 'proj_in', 'proj_out'):
		yield from _layer(f'{name}.{part}', f'{stored}.{part}')
	for index in range(depth):
		for attention in ('attn1', 'attn2'):
			part = f'transformer_blocks.{index}.{attention}'
			for projection in ('to_q', 'to_k', 'to_v'):
				yield from _layer(f'{name}.{part}.{projection}', f'{stored}.{part}.{projection}', bias=False)
			yield from _layer(f'{name}.{part}.to_out.0', f'{stored}.{part}.to_out.0')
		for layer in ('norm1', 'norm2', 'norm3', 'ff.net.0.proj', 'ff.net.2'):
			part = f'transformer_blocks.{index}.{layer}'
			yield from _layer(f'{name}.{part}', f'{stored}.{part}')


def _down(config: Config, channels: Sequence[int]) -> Names:
	"""The way down: block 0 is the first convolution, then each level has its blocks and, but for the last, a halving."""
	blocks, depths = _blocks(config), _depths(config)
	position = 1
	for level, width in enumerate(channels):
		attends = 'CrossAttn' in config['down_block_types'][level]
		for block in range(blocks[level]):
			name, stored = f'down_blocks.{level}', f'input_blocks.{position}'
			shortcut = block == 0 and channels[max(level - 1, 0)] != width
			yield from _resnet(f'{name}.resnets.{block}', f'{stored}.0', shortcut=shortcut)
			if attends:
				yield from _transformer(f'{name}.attentions.{block}', f'{stored}.1', _depth(depths[level], block))
			position += 1
		if level < len(channels) - 1:
			yield from _layer(f'down_blocks.{level}.downsamplers.0.conv', f'input_blocks.{position}.0.op')
			position += 1


def _middle(config: Config) -> Names:
	"""The lowest point: whole, without its attention and what follows (SSD-1B), or left out (Koala)."""
	kind = config.get('mid_block_type', 'UNetMidBlock2DCrossAttn')
	if kind is None:
		return
	yield from _resnet('mid_block.resnets.0', 'middle_block.0', shortcut=False)
	if kind == 'UNetMidBlock2DCrossAttn':
		yield from _transformer('mid_block.attentions.0', 'middle_block.1', _depth(_depths(config)[-1], 0))
		yield from _resnet('mid_block.resnets.1', 'middle_block.2', shortcut=False)


def _up(config: Config, channels: Sequence[int]) -> Names:
	"""The way up: each level has one block more than on the way down; the doubling sits in its last one."""
	blocks = _blocks(config)[::-1]
	depths = config.get('reverse_transformer_layers_per_block') or _depths(config)[::-1]
	position = 0
	for level, width in enumerate(channels):
		attends = 'CrossAttn' in config['up_block_types'][level]
		below = channels[max(level - 1, 0)]
		skip = channels[min(level + 1, len(channels) - 1)]
		for block in range(blocks[level] + 1):
			name, stored = f'up_blocks.{level}', f'output_blocks.{position}'
			incoming = (below if block == 0 else width) + (skip if block == blocks[level] else width)
			yield from _resnet(f'{name}.resnets.{block}', f'{stored}.0', shortcut=incoming != width)
			if attends:
				yield from _transformer(f'{name}.attentions.{block}', f'{stored}.1', _depth(depths[level], block))
			position += 1
		if level < len(channels) - 1:
			doubling = 2 if attends else 1
			yield from _layer(f'up_blocks.{level}.upsamplers.0.conv', f'output_blocks.{position - 1}.{doubling}.conv')


def _blocks(config: Config) -> Sequence[int]:
	return _each(config.get('layers_per_block', 2), config)


def _depths(config: Config) -> Sequence[int | Sequence[int]]:
	return _each(config.get('transformer_layers_per_block', 1), config)


def _each(value: T | Sequence[T], config: Config) -> Sequence[T]:
	"""A setting that is one for all levels, or a list of one for each."""
	return list(value) if isinstance(value, Sequence) else [value] * len(config['block_out_channels'])


def _depth(level: int | Sequence[int], block: int) -> int:
	"""The depth of one attention of a level."""
	return level if isinstance(level, int) else level[block]
