"""Tensor names of UNets in the original layout, and what shapes tell of their configs."""

from __future__ import annotations

from typing import Any

import pytest
from diffusers import UNet2DConditionModel

from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import unet, unet_config
from tests import tiny, tiny_unets
from tests.nodes.diffusion.layouts import released
from tests.nodes.diffusion.layouts.released import Released, empty, shapes_of

SD15: dict[str, Any] = {
	'block_out_channels': [320, 640, 1280, 1280],
	'layers_per_block': 2,
	'down_block_types': ['CrossAttnDownBlock2D'] * 3 + ['DownBlock2D'],
	'up_block_types': ['UpBlock2D'] + ['CrossAttnUpBlock2D'] * 3,
	'attention_head_dim': 8,
	'cross_attention_dim': 768,
}
SDXL: dict[str, Any] = {
	'block_out_channels': [320, 640, 1280],
	'layers_per_block': 2,
	'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
	'up_block_types': ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
	'transformer_layers_per_block': [1, 2, 10],
	'attention_head_dim': [5, 10, 20],
	'cross_attention_dim': 2048,
	'use_linear_projection': True,
	'addition_embed_type': 'text_time',
	'addition_time_embed_dim': 256,
	'projection_class_embeddings_input_dim': 2816,
}
RELEASED = {'sd15': (SD15, released.SD15_UNET), 'sdxl': (SDXL, released.SDXL_UNET)}
CONFIGS = {
	**tiny_unets.UNETS,
	'sd15': SD15,
	'sdxl full size': SDXL,
	'three levels, one block each': tiny.UNET
	| {
		'block_out_channels': [32, 64, 96],
		'norm_num_groups': 32,
		'attention_head_dim': 8,
		'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
		'up_block_types': ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
	},
	'levels of one width': {
		'block_out_channels': [32, 32],
		'layers_per_block': 2,
		'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
		'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
		'cross_attention_dim': 16,
	},
	'without a middle': {
		**tiny_unets.SDXL,
		'layers_per_block': 1,
		'transformer_layers_per_block': [1, 2, 5],
		'mid_block_type': None,
	},
}


class TestOriginal:
	@pytest.mark.parametrize(('config', 'known'), RELEASED.values(), ids=RELEASED)
	def test_a_full_size_module_becomes_the_released_file(self, config: dict[str, Any], known: Released) -> None:
		"""The same names and shapes, down to the last one."""
		module = empty(UNet2DConditionModel, config)

		assert sum(weight.numel() for weight in module.parameters()) == known.weights
		assert released.digest(shapes_of(stored(unet.original(config), module.state_dict()))) == known.digest

	@pytest.mark.parametrize('config', CONFIGS.values(), ids=CONFIGS)
	def test_every_tensor_of_the_module_has_one_name(self, config: dict[str, Any]) -> None:
		"""The layout has exactly the module's tensors, and no two share a name in the file."""
		layout = unet.original(config)

		assert set(layout) == set(empty(UNet2DConditionModel, config).state_dict())
		assert len({piece.name for (piece,) in layout.values()}) == len(layout)

	@pytest.mark.parametrize(
		('name', 'there'),
		[
			('conv_in.weight', 'input_blocks.0.0.weight'),
			('time_embedding.linear_2.bias', 'time_embed.2.bias'),
			('down_blocks.0.resnets.1.conv2.weight', 'input_blocks.2.0.out_layers.3.weight'),
			('down_blocks.0.downsamplers.0.conv.weight', 'input_blocks.3.0.op.weight'),
			('down_blocks.1.resnets.0.conv_shortcut.weight', 'input_blocks.4.0.skip_connection.weight'),
			('mid_block.resnets.1.time_emb_proj.weight', 'middle_block.2.emb_layers.1.weight'),
			('up_blocks.0.upsamplers.0.conv.weight', 'output_blocks.2.1.conv.weight'),
			('up_blocks.1.upsamplers.0.conv.weight', 'output_blocks.5.2.conv.weight'),
			('conv_norm_out.weight', 'out.0.weight'),
		],
	)
	def test_some_names_of_sd15(self, name: str, there: str) -> None:
		"""Known from the file itself."""
		assert dict(unet.names(SD15))[name] == there


class TestConfig:
	@pytest.mark.parametrize('name', CONFIGS)
	@pytest.mark.parametrize('layout', ['original', 'diffusers'])
	def test_shapes_tell_the_config(self, name: str, layout: str) -> None:
		"""A module built by what its shapes say has the same tensors, and the same heads."""
		config = CONFIGS[name]
		module = empty(UNet2DConditionModel, config)
		if layout == 'original':
			told = unet_config.from_original(shapes_of(stored(unet.original(config), module.state_dict())))
		else:
			told = unet_config.from_diffusers(shapes_of(module.state_dict()))
		if 'addition_embed_type' in config:
			told = unet_config.with_sizes(told)
		again = empty(UNet2DConditionModel, told)

		assert shapes_of(again.state_dict()) == shapes_of(module.state_dict())
		assert heads(again) == heads(module)


def heads(module: Any) -> list[int]:
	"""The heads of every attention, in order."""
	return [part.heads for part in module.modules() if hasattr(part, 'heads')]
