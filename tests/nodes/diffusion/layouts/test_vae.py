"""Tensor names of VAEs in the original layout, and what shapes tell of their configs."""

from __future__ import annotations

from typing import Any

import pytest
from diffusers import AutoencoderKL

from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import vae
from tests import tiny, tiny_unets
from tests.nodes.diffusion.layouts import released
from tests.nodes.diffusion.layouts.released import empty, shapes_of

SD15: dict[str, Any] = {
	'latent_channels': 4,
	'block_out_channels': [128, 256, 512, 512],
	'layers_per_block': 2,
	'down_block_types': ['DownEncoderBlock2D'] * 4,
	'up_block_types': ['UpDecoderBlock2D'] * 4,
}
CONFIGS: dict[str, dict[str, Any]] = {
	'sd15': SD15,
	'tiny': tiny_unets.VAE,
	'sixteen channels, nothing around them': {
		**tiny_unets.VAE,
		'latent_channels': 16,
		'use_quant_conv': False,
		'use_post_quant_conv': False,
	},
	'without attention': {
		'block_out_channels': [32, 64, 64],
		'layers_per_block': 2,
		'down_block_types': ['DownEncoderBlock2D'] * 3,
		'up_block_types': ['UpDecoderBlock2D'] * 3,
		'mid_block_add_attention': False,
	},
}


class TestOriginal:
	def test_a_full_size_module_becomes_the_released_file(self) -> None:
		"""The same names and shapes, the attention's projections as convolutions; SD 1.5 and XL have one VAE."""
		module = empty(AutoencoderKL, SD15)

		assert sum(weight.numel() for weight in module.parameters()) == released.VAE.weights
		assert released.digest(shapes_of(stored(vae.original(SD15), module.state_dict()))) == released.VAE.digest

	@pytest.mark.parametrize('config', [*CONFIGS.values(), tiny.VAE], ids=[*CONFIGS, 'narrow'])
	def test_every_tensor_of_the_module_has_one_name(self, config: dict[str, Any]) -> None:
		"""The layout has exactly the module's tensors, and no two share a name in the file."""
		layout = vae.original(config)

		assert set(layout) == set(empty(AutoencoderKL, config).state_dict())
		assert len({piece.name for (piece,) in layout.values()}) == len(layout)

	def test_decoder_levels_are_counted_from_the_finest(self) -> None:
		"""diffusers' first block on the way up is the file's last level."""
		names = dict(vae.names(SD15))

		assert names['decoder.up_blocks.0.resnets.2.conv1.weight'] == 'decoder.up.3.block.2.conv1.weight'


class TestSpellings:
	def test_attention_may_be_named_as_newer_diffusers_names_it(self) -> None:
		"""`q` is also written `to_q`, and `proj_out` as `to_out.0`; the rest has one name."""
		start = 'encoder.mid.attn_1.'

		assert vae.spellings(f'{start}q.weight') == (f'{start}q.weight', f'{start}to_q.weight')
		assert vae.spellings(f'{start}proj_out.bias')[1] == f'{start}to_out.0.bias'
		assert vae.spellings('encoder.conv_in.weight') == ('encoder.conv_in.weight',)

	def test_attention_may_be_named_as_older_diffusers_named_it(self) -> None:
		"""Folders of 2022 have `query` for `to_q`."""
		start = 'encoder.mid_block.attentions.0.'

		assert vae.older_spellings(f'{start}to_q.weight')[1] == f'{start}query.weight'
		assert vae.older_spellings(f'{start}to_out.0.bias')[1] == f'{start}proj_attn.bias'
		assert vae.older_spellings(f'{start}group_norm.bias') == (f'{start}group_norm.bias',)


class TestConfig:
	@pytest.mark.parametrize('config', CONFIGS.values(), ids=CONFIGS)
	@pytest.mark.parametrize('layout', ['original', 'diffusers'])
	def test_shapes_tell_the_config(self, config: dict[str, Any], layout: str) -> None:
		"""A module built by what its shapes say has the same tensors."""
		module = empty(AutoencoderKL, config)
		if layout == 'original':
			told = vae.from_original(shapes_of(stored(vae.original(config), module.state_dict())))
		else:
			told = vae.from_diffusers(shapes_of(module.state_dict()))

		assert shapes_of(empty(AutoencoderKL, told).state_dict()) == shapes_of(module.state_dict())
