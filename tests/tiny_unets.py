"""Tiny models of every family with a UNet, of real make, in each layout that people have files in.

A `Model` holds modules of diffusers and transformers with weights that follow from a seed; `files` gives what is stored
of them. Nothing but the tokenizer is in the metadata: configs follow from shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Module
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from nodes.diffusion.layout import Layout, prefixed, stored
from nodes.diffusion.layouts import clip, unet, vae
from tests import tiny

WIDTH = 64
LAYERS = {'clip_l': 2, 'clip_h': 24, 'clip_g': 32}
SIZES = {'addition_embed_type': 'text_time', 'addition_time_embed_dim': 256}
LEVELS = {
	'block_out_channels': [32, 64],
	'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
	'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
	'layers_per_block': 2,
	'cross_attention_dim': WIDTH,
}
SD1 = {**LEVELS, 'attention_head_dim': 8}
SD2 = {**LEVELS, 'attention_head_dim': [1, 1], 'use_linear_projection': True}
SDXL = {
	'block_out_channels': [32, 64, 64],
	'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
	'up_block_types': ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
	'layers_per_block': 2,
	'cross_attention_dim': 2 * WIDTH,
	'attention_head_dim': [1, 1, 1],
	'use_linear_projection': True,
	'transformer_layers_per_block': [1, 1, 2],
	'projection_class_embeddings_input_dim': WIDTH + 6 * 256,
	**SIZES,
}
UNETS: dict[str, dict[str, Any]] = {
	'sd1': SD1,
	'sd1 inpainting': {**SD1, 'in_channels': 9},
	'sd1 editing': {**SD1, 'in_channels': 8},
	'sd2': SD2,
	'sd2 inpainting': {**SD2, 'in_channels': 9},
	'sd2 unclip': {**SD2, 'class_embed_type': 'projection', 'projection_class_embeddings_input_dim': 2 * WIDTH},
	'sdxl': SDXL,
	'sdxl inpainting': {**SDXL, 'in_channels': 9},
	'sdxl editing': {**SDXL, 'in_channels': 8},
	'sdxl of uneven depth': {
		**SDXL,
		'mid_block_type': 'UNetMidBlock2D',
		'transformer_layers_per_block': [[0, 0], [1, 2], [3, 1]],
		'reverse_transformer_layers_per_block': [[1, 2, 3], [2, 1, 1], [0, 0, 0]],
	},
	'sdxl refiner': {
		**SDXL,
		'block_out_channels': [32, 64, 64, 64],
		'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
		'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
		'cross_attention_dim': WIDTH,
		'attention_head_dim': [1, 1, 1, 1],
		'transformer_layers_per_block': [1, 1, 1, 2],
		'projection_class_embeddings_input_dim': WIDTH + 5 * 256,
	},
}
"""Configs of the released kinds, but for their size. The norms' 32 groups and a head's width of 64 are as released."""

FAMILIES = {name: 'sdxl-refiner' if name == 'sdxl refiner' else name.split()[0] for name in UNETS}
VAE: dict[str, Any] = {
	'latent_channels': 4,
	'block_out_channels': [32, 32, 32, 64],
	'layers_per_block': 1,
	'down_block_types': ['DownEncoderBlock2D'] * 4,
	'up_block_types': ['UpDecoderBlock2D'] * 4,
}
CLIP_PREFIXES = {
	'sd1': {'clip_l': 'cond_stage_model.transformer.'},
	'sd2': {'clip_h': 'cond_stage_model.model.'},
	'sdxl': {'clip_l': 'conditioner.embedders.0.transformer.', 'clip_g': 'conditioner.embedders.1.model.'},
	'sdxl-refiner': {'clip_g': 'conditioner.embedders.0.model.'},
}
"""The text encoders of each family, and where whole checkpoints have them. OpenCLIP's are in its own layout."""


@dataclass(frozen=True)
class Model:
	"""A denoiser, a VAE and text encoders, as diffusers and transformers have them."""

	name: str
	unet: Module
	vae: Module
	towers: Mapping[str, CLIPTextModelWithProjection]

	@property
	def family(self) -> str:
		"""The name of its family."""
		return FAMILIES[self.name]

	def whole(self) -> dict[str, Tensor]:
		"""All of it as one file in the original layout."""
		kept = stored(prefixed(unet.original(UNETS[self.name]), tiny.CHECKPOINT), self.unet.state_dict())
		kept |= stored(prefixed(vae.original(VAE), tiny.FIRST_STAGE), self.vae.state_dict())
		for name, prefix in CLIP_PREFIXES[self.family].items():
			layout = clip.own if name == 'clip_l' else clip.open_clip
			kept |= stored(prefixed(layout(clip_config(name)), prefix), self.towers[name].state_dict())
		return kept


def model(name: str, seed: int = 0) -> Model:
	"""One of the kinds, with random weights."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		denoiser = made(UNet2DConditionModel, UNETS[name])
		coder = made(AutoencoderKL, VAE)
		towers = {tower: made(_clip, clip_config(tower)) for tower in CLIP_PREFIXES[FAMILIES[name]]}
		for module in (denoiser, coder, *towers.values()):
			for weight in module.parameters():
				# Norms and biases begin as ones and zeros: a layout that mixes them up would not be noticed.
				weight.add_(torch.randn_like(weight) * 0.02)
	return Model(name, denoiser, coder, towers)


def clip_config(name: str) -> dict[str, Any]:
	"""The config of a text encoder; its depth tells which it is."""
	words = len(tiny.vocabulary())
	return {
		'vocab_size': words,
		'hidden_size': WIDTH,
		'intermediate_size': 2 * WIDTH,
		'num_hidden_layers': LAYERS[name],
		'num_attention_heads': 1,
		'max_position_embeddings': tiny.LENGTH,
		'hidden_act': 'quick_gelu' if name == 'clip_l' else 'gelu',
		'projection_dim': WIDTH,
		'with_projection': name != 'clip_l',
		'bos_token_id': words - 2,
		'eos_token_id': words - 1,
		'pad_token_id': words - 1,
	}


def made(build: Callable[..., Any], config: Mapping[str, Any]) -> Any:
	"""A module for reading; the constructors have no annotations, hence Any."""
	return build(**config).eval().requires_grad_(False)


def _clip(with_projection: bool, **config: Any) -> CLIPTextModelWithProjection:
	return CLIPTextModelWithProjection(CLIPTextConfig(**config))


def save(path: Path, tensors: Mapping[str, Tensor], layout: Layout | None = None) -> Path:
	"""Write a file with the tokenizer in its metadata; `layout` is of a module's tensors."""
	kept = tensors if layout is None else stored(layout, tensors)
	metadata = {name: text for name, text in tiny.metadata().items() if name.startswith('tokenizer')}
	save_file({name: tensor.detach().clone().contiguous() for name, tensor in kept.items()}, path, metadata=metadata)
	return path
