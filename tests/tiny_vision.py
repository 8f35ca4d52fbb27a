"""Tiny encoders of pictures of real make, and the files that they come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, SiglipVisionConfig, SiglipVisionModel

WIDTH = 16
CLIP: dict[str, Any] = {
	'hidden_size': WIDTH,
	'intermediate_size': 2 * WIDTH,
	'num_hidden_layers': 3,
	'num_attention_heads': 2,
	'image_size': 28,
	'patch_size': 14,
	'projection_dim': 8,
	'hidden_act': 'quick_gelu',
}
SIGLIP: dict[str, Any] = {
	**{name: value for name, value in CLIP.items() if name != 'projection_dim'},
	'hidden_act': 'gelu_pytorch_tanh',
}


def clip(seed: int = 0, **changes: Any) -> torch.nn.Module:
	"""transformers' own CLIP encoder of pictures."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		module: torch.nn.Module = CLIPVisionModelWithProjection(CLIPVisionConfig(**(CLIP | changes)))
	return module.eval().requires_grad_(False)


def siglip(seed: int = 0) -> torch.nn.Module:
	"""transformers' own SigLIP encoder of pictures, with its pooling."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		module: torch.nn.Module = SiglipVisionModel(SiglipVisionConfig(**SIGLIP))
	return module.eval().requires_grad_(False)


def own_names(module: torch.nn.Module) -> dict[str, Tensor]:
	"""Tensors under the names of released files: transformers of some versions leaves a prefix out."""
	state = module.state_dict()
	prefix = '' if any(name.startswith('vision_model.') for name in state) else 'vision_model.'
	return {prefix + name: tensor for name, tensor in state.items()}


def open_clip_names(module: torch.nn.Module, prefix: str = '') -> dict[str, Tensor]:
	"""Tensors of a CLIP encoder as OpenCLIP names and lays them, written out by hand."""
	own = own_names(module)
	ends = {
		'visual.class_embedding': 'vision_model.embeddings.class_embedding',
		'visual.conv1.weight': 'vision_model.embeddings.patch_embedding.weight',
		'visual.positional_embedding': 'vision_model.embeddings.position_embedding.weight',
		'visual.ln_pre.weight': 'vision_model.pre_layrnorm.weight',
		'visual.ln_pre.bias': 'vision_model.pre_layrnorm.bias',
		'visual.ln_post.weight': 'vision_model.post_layernorm.weight',
		'visual.ln_post.bias': 'vision_model.post_layernorm.bias',
	}
	kept = {stored: own[name] for stored, name in ends.items()}
	kept['visual.proj'] = own['visual_projection.weight'].t()
	for index in range(CLIP['num_hidden_layers']):
		block, layer = f'visual.transformer.resblocks.{index}.', f'vision_model.encoder.layers.{index}.'
		for kind in ('weight', 'bias'):
			parts = [own[f'{layer}self_attn.{part}_proj.{kind}'] for part in 'qkv']
			kept[f'{block}attn.in_proj_{kind}'] = torch.cat(parts)
			kept[f'{block}attn.out_proj.{kind}'] = own[f'{layer}self_attn.out_proj.{kind}']
			kept[f'{block}ln_1.{kind}'] = own[f'{layer}layer_norm1.{kind}']
			kept[f'{block}ln_2.{kind}'] = own[f'{layer}layer_norm2.{kind}']
			kept[f'{block}mlp.c_fc.{kind}'] = own[f'{layer}mlp.fc1.{kind}']
			kept[f'{block}mlp.c_proj.{kind}'] = own[f'{layer}mlp.fc2.{kind}']
	return {prefix + name: tensor for name, tensor in kept.items()}


def write(path: Path, tensors: Mapping[str, Tensor]) -> Path:
	"""A file of these tensors; its metadata tell the heads, which no shape does."""
	path.parent.mkdir(parents=True, exist_ok=True)
	told = {'clip_vision_config': json.dumps({'num_attention_heads': CLIP['num_attention_heads']})}
	save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=told)
	return path
