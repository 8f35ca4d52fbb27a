"""Tensor names of the single-file layout."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from nodes.diffusion import keys
from nodes.diffusion.families import SD1
from tests import tiny

UNETS: dict[str, dict[str, Any]] = {
	'tiny': tiny.UNET,
	'sd1': dict(SD1.unet),
	'three levels, one block each': {
		'block_out_channels': [16, 24, 32],
		'layers_per_block': 1,
		'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
		'up_block_types': ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
		'cross_attention_dim': 16,
		'norm_num_groups': 8,
	},
	'levels of unlike depth': {
		'block_out_channels': [32, 64],
		'layers_per_block': [1, 2],
		'transformer_layers_per_block': [2, 3],
		'use_linear_projection': True,
		'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
		'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
		'cross_attention_dim': 16,
	},
	'levels of one width': {
		'block_out_channels': [32, 32],
		'layers_per_block': 2,
		'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
		'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
		'cross_attention_dim': 16,
	},
}
VAES: dict[str, dict[str, Any]] = {
	'tiny': tiny.VAE,
	'sd1': dict(SD1.vae),
	'bare': {
		'block_out_channels': [32, 64, 64],
		'layers_per_block': 2,
		'down_block_types': ['DownEncoderBlock2D'] * 3,
		'up_block_types': ['UpDecoderBlock2D'] * 3,
		'mid_block_add_attention': False,
		'use_quant_conv': False,
		'use_post_quant_conv': False,
	},
}


def module(cls: Any, config: dict[str, Any]) -> torch.nn.Module:
	"""A module without memory for its weights."""
	with torch.device('meta'):
		made: torch.nn.Module = cls(**config)
	return made


class TestUnetNames:
	@pytest.mark.parametrize('config', UNETS.values(), ids=UNETS)
	def test_every_tensor_of_the_module_has_one_name(self, config: dict[str, Any]) -> None:
		"""The table has exactly the module's tensors, and no two share a name in the file."""
		names = keys.unet_names(config)

		assert set(names) == set(module(UNet2DConditionModel, config).state_dict())
		assert len(set(names.values())) == len(names)

	@pytest.mark.parametrize(
		('name', 'stored'),
		[
			('conv_in.weight', 'input_blocks.0.0.weight'),
			('time_embedding.linear_2.bias', 'time_embed.2.bias'),
			('down_blocks.0.resnets.1.conv2.weight', 'input_blocks.2.0.out_layers.3.weight'),
			('down_blocks.0.downsamplers.0.conv.weight', 'input_blocks.3.0.op.weight'),
			('down_blocks.1.resnets.0.conv_shortcut.weight', 'input_blocks.4.0.skip_connection.weight'),
			(
				'down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight',
				'input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight',
			),
			('mid_block.resnets.1.time_emb_proj.weight', 'middle_block.2.emb_layers.1.weight'),
			('up_blocks.0.upsamplers.0.conv.weight', 'output_blocks.2.1.conv.weight'),
			('up_blocks.1.upsamplers.0.conv.weight', 'output_blocks.5.2.conv.weight'),
			('conv_norm_out.weight', 'out.0.weight'),
		],
	)
	def test_sd1_names_are_those_of_the_released_file(self, name: str, stored: str) -> None:
		"""Some names of Stable Diffusion 1.5's file, known from the file itself."""
		assert keys.unet_names(SD1.unet)[name] == 'model.diffusion_model.' + stored


class TestVaeNames:
	@pytest.mark.parametrize('config', VAES.values(), ids=VAES)
	def test_every_tensor_of_the_module_has_one_name(self, config: dict[str, Any]) -> None:
		"""The table has exactly the module's tensors, and no two share a name in the file."""
		names = keys.vae_names(config)

		assert set(names) == set(module(AutoencoderKL, config).state_dict())
		assert len(set(names.values())) == len(names)

	def test_decoder_levels_are_counted_from_the_finest(self) -> None:
		"""diffusers' first block on the way up is the file's last level."""
		names = keys.vae_names(SD1.vae)

		assert (
			names['decoder.up_blocks.0.resnets.2.conv1.weight'] == 'first_stage_model.decoder.up.3.block.2.conv1.weight'
		)

	def test_only_the_projections_of_the_attention_are_stored_as_convolutions(self) -> None:
		"""Four weights each in encoder and decoder; not the norm, not the biases."""
		stored = [name for name in keys.vae_names(SD1.vae).values() if keys.stored_as_convolution(name)]

		assert len(stored) == 8
		assert 'first_stage_model.encoder.mid.attn_1.proj_out.weight' in stored


class TestTextNames:
	def test_every_tensor_of_the_module_has_one_name(self) -> None:
		"""Whatever transformers' version puts in front, the bare names are in the table."""
		config = tiny.text_config()
		names = keys.text_names(config)
		with torch.device('meta'):
			model = CLIPTextModel(CLIPTextConfig(**config))

		assert set(names) == {keys.bare_text_name(name) for name in model.state_dict()}

	def test_old_prefix_is_taken_off(self) -> None:
		"""transformers before 5.6 put `text_model.` in front."""
		assert keys.bare_text_name('text_model.final_layer_norm.bias') == 'final_layer_norm.bias'
		assert keys.bare_text_name('final_layer_norm.bias') == 'final_layer_norm.bias'


class TestSpellings:
	def test_attention_may_be_named_as_newer_diffusers_names_it(self) -> None:
		"""`q` is also written `to_q`, and `proj_out` as `to_out.0`."""
		start = 'first_stage_model.encoder.mid.attn_1.'

		assert keys.spellings(f'{start}q.weight') == (f'{start}q.weight', f'{start}to_q.weight')
		assert keys.spellings(f'{start}proj_out.bias')[1] == f'{start}to_out.0.bias'

	def test_text_encoder_may_lack_its_middle_name(self) -> None:
		"""Files written with newer transformers have no `text_model.`."""
		bare = 'cond_stage_model.transformer.final_layer_norm.bias'

		assert keys.spellings(f'{keys.TEXT}final_layer_norm.bias')[1] == bare
