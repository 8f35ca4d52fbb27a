"""Tiny autoencoders in the layout of their author (TAESD), as recipes for diffusers' `AutoencoderTiny`.

Encoder and decoder are chains of layers, numbered; in files of their own they have no prefix. In the decoder the file
counts a first step, which has no weights: values are bounded by 3 · tanh(z / 3). Source: Ollin Boer Bohan, TAESD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nodes.diffusion.layout import Recipe, plain

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]

SCALES: Mapping[str, tuple[float, float]] = {
	'taesd': (0.18215, 0.0),
	'taesdxl': (0.13025, 0.0),
	'taesd3': (1.5305, 0.0609),
	'taef1': (0.3611, 0.1159),
}
"""Name → scale and shift of the latents of the models that they stand in for: they know (latent − shift) · scale."""

ENCODER, DECODER = 'taesd_encoder.', 'taesd_decoder.'
BLOCKS = (1, 3, 3, 3)
"""Blocks at each of the encoder's levels; the decoder's are the same the other way round."""

PARTS = ('conv.0', 'conv.2', 'conv.4')
"""The convolutions of a block, alike in both layouts."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""From the original layout, with `taesd_encoder.` and `taesd_decoder.`."""
	width = shapes[f'{DECODER}1.weight'][0]
	return {
		'latent_channels': shapes[f'{DECODER}1.weight'][1],
		'encoder_block_out_channels': [width] * len(BLOCKS),
		'decoder_block_out_channels': [width] * len(BLOCKS),
	}


def original(config: Config) -> dict[str, Recipe]:
	"""The layout of the only size that there is."""
	names: dict[str, str] = {}
	position = 0
	for level, blocks in enumerate(BLOCKS):
		names |= _convolution('encoder', position, ENCODER, position, bias=level == 0)
		for block in range(position + 1, position + 1 + blocks):
			names |= _block('encoder', block, ENCODER, block)
		position += 1 + blocks
	names |= _convolution('encoder', position, ENCODER, position)
	# The decoder begins with a convolution and an activation; after each level but the last, an enlargement has no weights.
	names |= _convolution('decoder', 0, DECODER, 1)
	position = 2
	for level, blocks in enumerate(reversed(BLOCKS)):
		for block in range(position, position + blocks):
			names |= _block('decoder', block, DECODER, block + 1)
		position += blocks
		last = level == len(BLOCKS) - 1
		position += 0 if last else 1
		names |= _convolution('decoder', position, DECODER, position + 1, bias=last)
		position += 1
	return plain(names)


def _convolution(half: str, layer: int, prefix: str, stored: int, *, bias: bool = True) -> dict[str, str]:
	leaves = ('weight', 'bias') if bias else ('weight',)
	return {f'{half}.layers.{layer}.{leaf}': f'{prefix}{stored}.{leaf}' for leaf in leaves}


def _block(half: str, layer: int, prefix: str, stored: int) -> dict[str, str]:
	return {
		f'{half}.layers.{layer}.{part}.{leaf}': f'{prefix}{stored}.{part}.{leaf}'
		for part in PARTS
		for leaf in ('weight', 'bias')
	}
