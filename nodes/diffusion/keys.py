"""Tensor names: from diffusers' and transformers' modules to the single-file layout of Stable Diffusion 1.x and 2.x.

Each function takes a config (the JSON of diffusers or transformers) and gives `{module name: name in the file}` for
every tensor that the module has, so one table serves reading, writing and telling what is missing or unexpected.
The file's names begin with `model.diffusion_model.` (UNet), `first_stage_model.` (VAE) and
`cond_stage_model.transformer.text_model.` (text encoder).

Names only; one shape differs too: see `stored_as_convolution`. Source: the released checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNET = 'model.diffusion_model.'
VAE = 'first_stage_model.'
TEXT = 'cond_stage_model.transformer.text_model.'

Config = Mapping[str, Any]
Names = Iterator[tuple[str, str]]

# The parts of a residual block: in diffusers, in the UNet's file, in the VAE's file.
RESNET_PARTS = (
	('norm1', 'in_layers.0', 'norm1'),
	('conv1', 'in_layers.2', 'conv1'),
	('time_emb_proj', 'emb_layers.1', ''),
	('norm2', 'out_layers.0', 'norm2'),
	('conv2', 'out_layers.3', 'conv2'),
)
VAE_ATTENTION_PARTS = (('group_norm', 'norm'), ('to_q', 'q'), ('to_k', 'k'), ('to_v', 'v'), ('to_out.0', 'proj_out'))


def unet_names(config: Config) -> dict[str, str]:
	"""The names of a `UNet2DConditionModel` (SD 1.x, 2.x; any number of levels, blocks and attentions)."""
	channels: Sequence[int] = config['block_out_channels']
	names = [
		*_layer('time_embedding.linear_1', 'time_embed.0'),
		*_layer('time_embedding.linear_2', 'time_embed.2'),
		*_layer('conv_in', 'input_blocks.0.0'),
		*_unet_down(config, channels),
		*_unet_resnet('mid_block.resnets.0', 'middle_block.0', shortcut=False),
		*_transformer('mid_block.attentions.0', 'middle_block.1', _depths(config)[-1]),
		*_unet_resnet('mid_block.resnets.1', 'middle_block.2', shortcut=False),
		*_unet_up(config, list(reversed(channels))),
		*_layer('conv_norm_out', 'out.0'),
		*_layer('conv_out', 'out.2'),
	]
	return {name: UNET + stored for name, stored in names}


def vae_names(config: Config) -> dict[str, str]:
	"""The names of an `AutoencoderKL`."""
	channels: Sequence[int] = config['block_out_channels']
	blocks: int = config['layers_per_block']
	names = list(_vae_ends('encoder', config))
	names += _vae_ends('decoder', config)
	last = len(channels) - 1
	for level, width in enumerate(channels):
		for block in range(blocks):
			shortcut = block == 0 and channels[max(level - 1, 0)] != width
			names += _vae_resnet(
				f'encoder.down_blocks.{level}.resnets.{block}', f'encoder.down.{level}.block.{block}', shortcut=shortcut
			)
		if level < last:
			names += _layer(f'encoder.down_blocks.{level}.downsamplers.0.conv', f'encoder.down.{level}.downsample.conv')
	for step in range(last + 1):
		level = last - step  # the file counts the decoder's levels as the encoder's: 0 is the finest
		for block in range(blocks + 1):
			shortcut = block == 0 and channels[min(level + 1, last)] != channels[level]
			names += _vae_resnet(
				f'decoder.up_blocks.{step}.resnets.{block}', f'decoder.up.{level}.block.{block}', shortcut=shortcut
			)
		if step < last:
			names += _layer(f'decoder.up_blocks.{step}.upsamplers.0.conv', f'decoder.up.{level}.upsample.conv')
	if config.get('use_quant_conv', True):
		names += _layer('quant_conv', 'quant_conv')
	if config.get('use_post_quant_conv', True):
		names += _layer('post_quant_conv', 'post_quant_conv')
	return {name: VAE + stored for name, stored in names}


def text_names(config: Config) -> dict[str, str]:
	"""The names of a `CLIPTextModel` as transformers 5.6 and later have them; for earlier ones see `bare_text_name`."""
	names = ['embeddings.token_embedding.weight', 'embeddings.position_embedding.weight']
	for layer in range(config['num_hidden_layers']):
		for part in (
			'self_attn.q_proj',
			'self_attn.k_proj',
			'self_attn.v_proj',
			'self_attn.out_proj',
			'layer_norm1',
			'layer_norm2',
			'mlp.fc1',
			'mlp.fc2',
		):
			names += [f'encoder.layers.{layer}.{part}.weight', f'encoder.layers.{layer}.{part}.bias']
	names += ['final_layer_norm.weight', 'final_layer_norm.bias']
	return {name: TEXT + name for name in names}


def bare_text_name(name: str) -> str:
	"""A text encoder's tensor name without the `text_model.` that transformers before 5.6 put in front."""
	return name.removeprefix('text_model.')


def stored_as_convolution(stored: str) -> bool:
	"""Whether the file keeps this tensor as a 1×1 convolution [out, in, 1, 1] where diffusers has [out, in].

	So it is with the four projections of the VAE's attention.
	"""
	return '.mid.attn_1.' in stored and stored.endswith(
		('.q.weight', '.k.weight', '.v.weight', '.proj_out.weight'),
	)


def spellings(stored: str) -> tuple[str, ...]:
	"""The names under which writers keep a tensor, the original one first.

	Some write the VAE's attention as newer diffusers names it; some leave out the text encoder's `text_model.`.
	"""
	if stored.startswith(TEXT):
		return stored, TEXT.removesuffix('text_model.') + stored.removeprefix(TEXT)
	if '.mid.attn_1.' in stored:
		start, _, part = stored.partition('.mid.attn_1.')
		layer, _, kind = part.rpartition('.')
		newer = {original: name for name, original in VAE_ATTENTION_PARTS}
		return stored, f'{start}.mid.attn_1.{newer[layer]}.{kind}'
	return (stored,)


def _layer(name: str, stored: str, *, bias: bool = True) -> Names:
	yield f'{name}.weight', f'{stored}.weight'
	if bias:
		yield f'{name}.bias', f'{stored}.bias'


def _unet_resnet(name: str, stored: str, *, shortcut: bool) -> Names:
	for part, original, _ in RESNET_PARTS:
		yield from _layer(f'{name}.{part}', f'{stored}.{original}')
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


def _unet_down(config: Config, channels: Sequence[int]) -> Names:
	"""The way down: block 0 is the first convolution, then each level has its blocks and, but for the last, a halving."""
	blocks = _blocks(config)
	position = 1
	for level, width in enumerate(channels):
		attends = 'CrossAttn' in config['down_block_types'][level]
		for block in range(blocks[level]):
			name, stored = f'down_blocks.{level}', f'input_blocks.{position}'
			shortcut = block == 0 and channels[max(level - 1, 0)] != width
			yield from _unet_resnet(f'{name}.resnets.{block}', f'{stored}.0', shortcut=shortcut)
			if attends:
				yield from _transformer(f'{name}.attentions.{block}', f'{stored}.1', _depths(config)[level])
			position += 1
		if level < len(channels) - 1:
			yield from _layer(f'down_blocks.{level}.downsamplers.0.conv', f'input_blocks.{position}.0.op')
			position += 1


def _unet_up(config: Config, channels: Sequence[int]) -> Names:
	"""The way up: each level has one block more than on the way down; the doubling sits in its last one."""
	blocks, depths = _blocks(config)[::-1], _depths(config)[::-1]
	position = 0
	for level, width in enumerate(channels):
		attends = 'CrossAttn' in config['up_block_types'][level]
		below = channels[max(level - 1, 0)]
		skip = channels[min(level + 1, len(channels) - 1)]
		for block in range(blocks[level] + 1):
			name, stored = f'up_blocks.{level}', f'output_blocks.{position}'
			incoming = (below if block == 0 else width) + (skip if block == blocks[level] else width)
			yield from _unet_resnet(f'{name}.resnets.{block}', f'{stored}.0', shortcut=incoming != width)
			if attends:
				yield from _transformer(f'{name}.attentions.{block}', f'{stored}.1', depths[level])
			if block == blocks[level] and level < len(channels) - 1:
				yield from _layer(f'{name}.upsamplers.0.conv', f'{stored}.{2 if attends else 1}.conv')
			position += 1


def _blocks(config: Config) -> list[int]:
	return _per_level(config, 'layers_per_block', 2)


def _depths(config: Config) -> list[int]:
	return _per_level(config, 'transformer_layers_per_block', 1)


def _per_level(config: Config, name: str, default: int) -> list[int]:
	"""A setting that is one number for all levels or a list of one each."""
	value: int | Sequence[int] = config.get(name, default)
	return [value] * len(config['block_out_channels']) if isinstance(value, int) else list(value)


def _vae_resnet(name: str, stored: str, *, shortcut: bool) -> Names:
	for part, _, original in RESNET_PARTS:
		if original:
			yield from _layer(f'{name}.{part}', f'{stored}.{original}')
	if shortcut:
		yield from _layer(f'{name}.conv_shortcut', f'{stored}.nin_shortcut')


def _vae_ends(half: str, config: Config) -> Names:
	"""What encoder and decoder have alike: first and last convolution, and the middle."""
	yield from _layer(f'{half}.conv_in', f'{half}.conv_in')
	yield from _vae_resnet(f'{half}.mid_block.resnets.0', f'{half}.mid.block_1', shortcut=False)
	yield from _vae_resnet(f'{half}.mid_block.resnets.1', f'{half}.mid.block_2', shortcut=False)
	if config.get('mid_block_add_attention', True):
		for part, original in VAE_ATTENTION_PARTS:
			yield from _layer(f'{half}.mid_block.attentions.0.{part}', f'{half}.mid.attn_1.{original}')
	yield from _layer(f'{half}.conv_norm_out', f'{half}.norm_out')
	yield from _layer(f'{half}.conv_out', f'{half}.conv_out')
