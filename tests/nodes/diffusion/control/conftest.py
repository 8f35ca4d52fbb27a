"""Tiny ControlNets of real make, beside the tiny UNet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel
from safetensors.torch import save_file
from torch import Tensor

from tests import tiny

CONFIG: dict[str, Any] = {
	'in_channels': 4,
	'block_out_channels': [8, 16],
	'layers_per_block': 1,
	'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D'],
	'cross_attention_dim': tiny.WIDTH,
	'attention_head_dim': 2,
	'norm_num_groups': 4,
	'conditioning_embedding_out_channels': [2, 4, 4, 8],
}
UNION: dict[str, Any] = {
	**CONFIG,
	'num_control_type': 3,
	'addition_time_embed_dim': 8,
	'num_trans_channel': 8,
	'num_trans_head': 2,
	'num_trans_layer': 1,
	'num_proj_channel': 8,
}


def controlnet(cls: Any = ControlNetModel, config: Mapping[str, Any] = CONFIG, seed: int = 0) -> torch.nn.Module:
	"""A ControlNet none of whose weights is nought."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		module: torch.nn.Module = cls(**config)
		for parameter in module.parameters():
			torch.nn.init.normal_(parameter, std=0.1)
	return module.eval().requires_grad_(False)


def union(seed: int = 0) -> torch.nn.Module:
	"""A union of three kinds of hints."""
	return controlnet(ControlNetUnionModel, UNION, seed)


def write(path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any] = CONFIG) -> Path:
	"""A file with these tensors and the config in its metadata."""
	contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
	save_file(contiguous, path, metadata={'controlnet_config': json.dumps(config)})
	return path


# What the tiny ControlNet's layers are called in the first files, written out by hand.
ORIGINAL = {
	'time_embedding.linear_1': 'time_embed.0',
	'time_embedding.linear_2': 'time_embed.2',
	'conv_in': 'input_blocks.0.0',
	'down_blocks.0.resnets.0': 'input_blocks.1.0',
	'down_blocks.0.downsamplers.0.conv': 'input_blocks.2.0.op',
	'down_blocks.1.resnets.0': 'input_blocks.3.0',
	'down_blocks.1.attentions.0': 'input_blocks.3.1',
	'mid_block.resnets.0': 'middle_block.0',
	'mid_block.attentions.0': 'middle_block.1',
	'mid_block.resnets.1': 'middle_block.2',
	'controlnet_down_blocks.0': 'zero_convs.0.0',
	'controlnet_down_blocks.1': 'zero_convs.1.0',
	'controlnet_down_blocks.2': 'zero_convs.2.0',
	'controlnet_down_blocks.3': 'zero_convs.3.0',
	'controlnet_mid_block': 'middle_block_out.0',
	'controlnet_cond_embedding.conv_in': 'input_hint_block.0',
	'controlnet_cond_embedding.blocks.0': 'input_hint_block.2',
	'controlnet_cond_embedding.blocks.1': 'input_hint_block.4',
	'controlnet_cond_embedding.blocks.2': 'input_hint_block.6',
	'controlnet_cond_embedding.blocks.3': 'input_hint_block.8',
	'controlnet_cond_embedding.blocks.4': 'input_hint_block.10',
	'controlnet_cond_embedding.blocks.5': 'input_hint_block.12',
	'controlnet_cond_embedding.conv_out': 'input_hint_block.14',
}
RESNET = {
	'norm1': 'in_layers.0',
	'conv1': 'in_layers.2',
	'time_emb_proj': 'emb_layers.1',
	'norm2': 'out_layers.0',
	'conv2': 'out_layers.3',
	'conv_shortcut': 'skip_connection',
}


def original_names(module: torch.nn.Module, prefix: str = 'control_model.') -> dict[str, Tensor]:
	"""The tensors as the first files name them."""
	stored = {}
	for name, tensor in module.state_dict().items():
		layer = max((layer for layer in ORIGINAL if name.startswith(f'{layer}.')), key=len)
		rest = name.removeprefix(f'{layer}.').split('.')
		rest[0] = RESNET.get(rest[0], rest[0]) if 'resnets' in layer else rest[0]
		stored[f'{prefix}{ORIGINAL[layer]}.{".".join(rest)}'] = tensor
	return stored
