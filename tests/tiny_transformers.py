"""Tiny transformers of real make, of each family: a few thousand weights each, and their tensors as published files keep them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
	AutoencoderKL,
	AutoencoderKLFlux2,
	AutoencoderKLQwenImage,
	Flux2Transformer2DModel,
	FluxTransformer2DModel,
	QwenImageTransformer2DModel,
	SD3Transformer2DModel,
	ZImageTransformer2DModel,
)
from safetensors.torch import save_file
from torch import Tensor

from nodes.diffusion.layout import Layout, stored
from nodes.diffusion.layouts import flux, flux2, flux2_vae, qwen_image, sd3, vae, wan_vae, z_image
from nodes.diffusion.layouts.pieces import Config, Shapes, identity
from tests import tiny, tiny_texts

WIDTH = 16
"""Of the tiny CLIP and Qwen; the tiny T5 is twice as wide."""

TinyConfig = dict[str, Any]

SD3: TinyConfig = {
	'sample_size': 128,
	'patch_size': 2,
	'in_channels': 16,
	'out_channels': 16,
	'num_layers': 2,
	'attention_head_dim': 8,
	'num_attention_heads': 2,
	'joint_attention_dim': 2 * WIDTH,
	'caption_projection_dim': WIDTH,
	'pooled_projection_dim': 2 * WIDTH,
	'pos_embed_max_size': 16,
	'dual_attention_layers': (),
	'qk_norm': None,
}
FLUX: TinyConfig = {
	'patch_size': 1,
	'in_channels': 64,
	'out_channels': 64,
	'num_layers': 1,
	'num_single_layers': 1,
	'attention_head_dim': 16,
	'num_attention_heads': 2,
	'joint_attention_dim': 2 * WIDTH,
	'pooled_projection_dim': WIDTH,
	'guidance_embeds': True,
	'axes_dims_rope': (4, 6, 6),
}
FLUX2: TinyConfig = {
	'patch_size': 1,
	'in_channels': 128,
	'out_channels': 128,
	'num_layers': 1,
	'num_single_layers': 1,
	'attention_head_dim': 16,
	'num_attention_heads': 2,
	'joint_attention_dim': 3 * WIDTH,
	'timestep_guidance_channels': 256,
	'mlp_ratio': 3.0,
	'axes_dims_rope': (4, 4, 4, 4),
	'guidance_embeds': False,
}
QWEN_IMAGE: TinyConfig = {
	'patch_size': 2,
	'in_channels': 64,
	'out_channels': 16,
	'num_layers': 2,
	'attention_head_dim': 16,
	'num_attention_heads': 2,
	'joint_attention_dim': WIDTH,
	'axes_dims_rope': (4, 6, 6),
	'zero_cond_t': False,
}
Z_IMAGE: TinyConfig = {
	'all_patch_size': (2,),
	'all_f_patch_size': (1,),
	'in_channels': 16,
	'dim': 32,
	'n_layers': 2,
	'n_refiner_layers': 1,
	'n_heads': 2,
	'n_kv_heads': 2,
	'cap_feat_dim': WIDTH,
	'axes_dims': (4, 6, 6),
	'axes_lens': z_image.LENGTHS,
}
WAN_VAE: TinyConfig = {
	'base_dim': 4,
	'z_dim': 16,
	'dim_mult': [1, 2, 4, 4],
	'num_res_blocks': 2,
	'temperal_downsample': [False, True, True],
	'input_channels': 3,
}


KL_VAE: TinyConfig = {
	**tiny.VAE,
	'latent_channels': 16,
	'block_out_channels': [4, 4, 8, 8],
	'use_quant_conv': False,
	'use_post_quant_conv': False,
}
KL_VAE.pop('scaling_factor')
FLUX2_VAE: TinyConfig = {**KL_VAE, 'latent_channels': 32, 'use_quant_conv': True, 'use_post_quant_conv': True}


@dataclass(frozen=True)
class Network:
	"""One of the networks: its class in diffusers, a tiny config, and what we know of its published layout."""

	cls: Any
	config: TinyConfig
	read: Callable[[Shapes], Mapping[str, Any]]
	layout: Callable[[Config], Layout] | None = None

	def make(self, seed: int = 0) -> torch.nn.Module:
		"""The network with random weights, none of them zero."""
		with torch.random.fork_rng(devices=[]):
			torch.manual_seed(seed)
			module = tiny.make(self.cls, self.config).eval().requires_grad_(False)
			for weight in module.parameters():
				weight.add_(torch.randn_like(weight), alpha=0.1)
		return module

	def original(self, module: torch.nn.Module) -> dict[str, Tensor]:
		"""Its tensors as the published file keeps them."""
		tensors = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
		layout = identity(list(tensors)) if self.layout is None else self.layout(self.config)
		return {name: tensor.clone() for name, tensor in stored(layout, tensors).items()}


NETWORKS = {
	'sd3': Network(SD3Transformer2DModel, SD3, sd3.config, sd3.layout),
	'sd3.5': Network(
		SD3Transformer2DModel,
		{**SD3, 'num_layers': 3, 'qk_norm': 'rms_norm', 'dual_attention_layers': (0, 1)},
		sd3.config,
		sd3.layout,
	),
	'flux': Network(FluxTransformer2DModel, FLUX, flux.config, flux.layout),
	'flux-schnell': Network(FluxTransformer2DModel, {**FLUX, 'guidance_embeds': False}, flux.config, flux.layout),
	'flux-depth': Network(FluxTransformer2DModel, {**FLUX, 'in_channels': 128}, flux.config, flux.layout),
	'flux-fill': Network(FluxTransformer2DModel, {**FLUX, 'in_channels': 384}, flux.config, flux.layout),
	'flux2': Network(Flux2Transformer2DModel, FLUX2, flux2.config, flux2.layout),
	'flux2-dev': Network(Flux2Transformer2DModel, {**FLUX2, 'guidance_embeds': True}, flux2.config, flux2.layout),
	'qwen-image': Network(QwenImageTransformer2DModel, QWEN_IMAGE, qwen_image.config),
	'z-image': Network(ZImageTransformer2DModel, Z_IMAGE, z_image.config, z_image.layout),
	'wan-vae': Network(AutoencoderKLQwenImage, WAN_VAE, wan_vae.config, wan_vae.layout),
}

VAES = {
	'kl': Network(AutoencoderKL, KL_VAE, vae.from_original, vae.original),
	'flux2': Network(AutoencoderKLFlux2, FLUX2_VAE, flux2_vae.config, flux2_vae.layout),
	'wan': NETWORKS['wan-vae'],
}


@dataclass(frozen=True)
class Files:
	"""The files of a tiny model: its denoiser, its text encoders in the order of loaders, its VAE."""

	denoiser: Path
	texts: tuple[Path, ...]
	vae: Path


def save_whole(path: Path, kind: str, *, t5: bool = True) -> None:
	"""Write Stable Diffusion 3 or Flux as one file with everything, as it is shared for checkpoint loaders."""
	network, autoencoder = NETWORKS[kind], VAES['kl']
	kept = {f'model.diffusion_model.{name}': tensor for name, tensor in network.original(network.make()).items()}
	kept |= {f'first_stage_model.{name}': one for name, one in autoencoder.original(autoencoder.make()).items()}
	kept |= tiny_texts.tensors(tiny_texts.clip(2, projected=True), 'text_encoders.clip_l.transformer.')
	if kind.startswith('sd3'):
		kept |= tiny_texts.tensors(tiny_texts.clip(32, projected=True), 'text_encoders.clip_g.transformer.')
	if t5:
		kept |= tiny_texts.tensors(tiny_texts.t5(), 'text_encoders.t5xxl.transformer.')
		kept['text_encoders.t5xxl.spiece_model'] = _spiece()
	save_file(kept, path, metadata=told(vae_config=autoencoder.config))


def save_parts(folder: Path, kind: str) -> Files:
	"""Write a model as files of its parts, as UNETLoader, the CLIP loaders and VAELoader take them."""
	family = kind.partition('-')[0] if kind.startswith('flux') else kind
	network, autoencoder = NETWORKS[kind], VAES[{'flux2': 'flux2', 'qwen-image': 'wan'}.get(family, 'kl')]
	files = Files(folder / 'denoiser.safetensors', tuple(_save_texts(folder, family)), folder / 'vae.safetensors')
	save_file(network.original(network.make()), files.denoiser)
	save_file(autoencoder.original(autoencoder.make()), files.vae, metadata=told(vae_config=autoencoder.config))
	return files


def _save_texts(folder: Path, family: str) -> Iterator[Path]:
	if family in ('sd3', 'sd3.5', 'flux'):
		clips = (2, 32) if family.startswith('sd3') else (2,)
		for layers in clips:
			path = folder / f'clip{layers}.safetensors'
			save_file(tiny_texts.tensors(tiny_texts.clip(layers, projected=True)), path, metadata=told())
			yield path
		path = folder / 't5xxl.safetensors'
		save_file({**tiny_texts.tensors(tiny_texts.t5()), 'spiece_model': _spiece()}, path)
		yield path
	else:
		generation = 2 if family == 'qwen-image' else 3
		path = folder / 'qwen.safetensors'
		vocabulary = {'qwen_tokenizer': tiny_texts.qwen_tokenizer()}
		kept = tiny_texts.tensors(tiny_texts.qwen(generation))
		if generation == 2:
			kept |= tiny_texts.tensors(tiny_texts.qwen_eyes())
		save_file(kept, path, metadata=vocabulary)
		yield path


def told(**configs: TinyConfig) -> dict[str, str]:
	"""Metadata of configs, and CLIP's vocabulary."""
	vocabulary = {name: text for name, text in tiny.metadata().items() if name.startswith('tokenizer_')}
	return vocabulary | {name: json.dumps(config) for name, config in configs.items()}


def _spiece() -> Tensor:
	return torch.tensor(list(tiny_texts.spiece_model()), dtype=torch.uint8)
