"""Configs read from the shapes of full-size ControlNets, without a weight."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

from nodes.diffusion.control.configs import diffusers_config, original_config, original_layout

SD1: dict[str, Any] = {'cross_attention_dim': 768, 'attention_head_dim': 8}
SD2: dict[str, Any] = {
	'cross_attention_dim': 1024,
	'attention_head_dim': [5, 10, 20, 20],
	'use_linear_projection': True,
}
SDXL: dict[str, Any] = {
	'cross_attention_dim': 2048,
	'attention_head_dim': [5, 10, 20],
	'use_linear_projection': True,
	'block_out_channels': [320, 640, 1280],
	'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
	'transformer_layers_per_block': [1, 2, 10],
	'addition_embed_type': 'text_time',
	'addition_time_embed_dim': 256,
	'projection_class_embeddings_input_dim': 2816,
}


def meta(cls: Any, config: dict[str, Any]) -> torch.nn.Module:
	with torch.device('meta'):
		module: torch.nn.Module = cls(**{'conditioning_embedding_out_channels': (16, 32, 96, 256), **config})
	return module


def shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
	return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize('config', [SD1, SD2, SDXL], ids=['sd1', 'sd2', 'sdxl'])
class TestConfigs:
	"""A network built from what was read has the same tensors, and as many heads."""

	def test_from_diffusers_names(self, config: dict[str, Any]) -> None:
		"""diffusers' layout."""
		module = meta(ControlNetModel, config)
		read = diffusers_config(shapes(module))

		assert shapes(meta(ControlNetModel, read)) == shapes(module)
		assert read['attention_head_dim'] == config['attention_head_dim']

	def test_from_original_names(self, config: dict[str, Any]) -> None:
		"""The original layout names every tensor, once; its config is that of diffusers' layout."""
		module = meta(ControlNetModel, config)
		read = diffusers_config(shapes(module))
		layout = original_layout(read)
		stored = {layout[name][0].name: shape for name, shape in shapes(module).items()}

		assert len(stored) == len(layout) == len(shapes(module))
		assert original_config(stored) == read


def test_union() -> None:
	"""The released union of eight kinds for SDXL."""
	module = meta(ControlNetUnionModel, {**SDXL, 'num_control_type': 8})
	read = diffusers_config(shapes(module))

	assert shapes(meta(ControlNetUnionModel, read)) == shapes(module)
	assert (read['num_control_type'], read['num_trans_head']) == (8, 8)
