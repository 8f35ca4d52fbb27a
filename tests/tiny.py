"""Tiny models of real make: UNet, VAE and CLIP of a few thousand weights each, shaped like Stable Diffusion 1.x.

`save_checkpoint` writes one as the single file that users have, with its configs and tokenizer in the metadata.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from nodes.diffusion.layout import prefixed, stored
from nodes.diffusion.layouts import clip, unet, vae
from nodes.diffusion.text.clip import ClipModel
from nodes.diffusion.tokenizer import END, START

CHECKPOINT, FIRST_STAGE, COND_STAGE = 'model.diffusion_model.', 'first_stage_model.', 'cond_stage_model.transformer.'
WIDTH = 16
LENGTH = 77
MERGES = (('r', 'e'), ('re', 'd</w>'), ('c', 'a'), ('ca', 't</w>'), ('d', 'o'), ('do', 'g</w>'))
LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.,:;!?\'"()-+*/&%#_[]<>='

UNET: dict[str, Any] = {
	'sample_size': 8,
	'in_channels': 4,
	'out_channels': 4,
	'block_out_channels': [8, 16],
	'layers_per_block': 1,
	'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D'],
	'up_block_types': ['CrossAttnUpBlock2D', 'UpBlock2D'],
	'cross_attention_dim': WIDTH,
	'attention_head_dim': 2,
	'norm_num_groups': 4,
}
VAE: dict[str, Any] = {
	'sample_size': 64,
	'in_channels': 3,
	'out_channels': 3,
	'latent_channels': 4,
	'block_out_channels': [4, 4, 8, 8],
	'layers_per_block': 1,
	'down_block_types': ['DownEncoderBlock2D'] * 4,
	'up_block_types': ['UpDecoderBlock2D'] * 4,
	'norm_num_groups': 2,
	'scaling_factor': 0.18215,
}


def vocabulary() -> dict[str, int]:
	"""Letters, letters that end a word, a few merged words, and CLIP's two marks."""
	pieces = [*LETTERS, *(letter + '</w>' for letter in LETTERS), *map(''.join, MERGES), START, END]
	return {piece: number for number, piece in enumerate(pieces)}


def text_config() -> dict[str, Any]:
	"""The config of the tiny text encoder."""
	return {
		'vocab_size': len(vocabulary()),
		'hidden_size': WIDTH,
		'intermediate_size': 2 * WIDTH,
		'num_hidden_layers': 2,
		'num_attention_heads': 2,
		'max_position_embeddings': LENGTH,
		'hidden_act': 'quick_gelu',
		'projection_dim': WIDTH,
		'bos_token_id': vocabulary()[START],
		'eos_token_id': vocabulary()[END],
		'pad_token_id': vocabulary()[END],
	}


def scheduler_config(prediction: Literal['eps', 'v']) -> dict[str, Any]:
	"""Stable Diffusion's noise schedule; with v-prediction it ends in nothing but noise."""
	return {
		'num_train_timesteps': 1000,
		'beta_start': 0.00085,
		'beta_end': 0.012,
		'beta_schedule': 'scaled_linear',
		'prediction_type': 'v_prediction' if prediction == 'v' else 'epsilon',
		'rescale_betas_zero_snr': prediction == 'v',
	}


def tensors(*, seed: int = 0, prediction: Literal['eps', 'v'] = 'eps') -> dict[str, Tensor]:
	"""The tensors of a checkpoint, float32, under the names of the single-file layout."""
	layouts = (
		prefixed(unet.original(UNET), CHECKPOINT),
		prefixed(vae.original(VAE), FIRST_STAGE),
		prefixed(clip.own(text_config()), COND_STAGE),
	)
	kept: dict[str, Tensor] = {}
	for module, layout in zip(modules(seed), layouts, strict=True):
		kept |= stored(layout, module.state_dict())
	if prediction == 'v':
		kept |= {'v_pred': torch.zeros(0), 'ztsnr': torch.zeros(0)}
	return {name: tensor.detach().clone().contiguous() for name, tensor in kept.items()}


def metadata(*, prediction: Literal['eps', 'v'] = 'eps') -> dict[str, str]:
	"""What the file says of itself: configs, vocabulary, merges."""
	merges = '\n'.join(['#version: 0.2', *(' '.join(pair) for pair in MERGES)])
	return {
		'unet_config': json.dumps(UNET),
		'vae_config': json.dumps(VAE),
		'text_encoder_config': json.dumps(text_config()),
		'scheduler_config': json.dumps(scheduler_config(prediction)),
		'tokenizer_vocab': json.dumps(vocabulary()),
		'tokenizer_merges': merges,
	}


def save_checkpoint(path: Path, *, seed: int = 0, prediction: Literal['eps', 'v'] = 'eps') -> None:
	"""Write a checkpoint that all three loaders can read; its weights follow from the seed."""
	save_file(tensors(seed=seed, prediction=prediction), path, metadata=metadata(prediction=prediction))


def save_folder(path: Path, *, seed: int = 0) -> None:
	"""Write the same model as a folder in diffusers' layout."""
	path.mkdir(parents=True)
	(path / 'model_index.json').write_text(json.dumps({'_class_name': 'StableDiffusionPipeline'}))
	described = metadata()
	parts = dict(zip(('unet', 'vae', 'text_encoder'), modules(seed), strict=True))
	for name, module in parts.items():
		(path / name).mkdir()
		(path / name / 'config.json').write_text(described[f'{name}_config'])
		stem = 'model' if name == 'text_encoder' else 'diffusion_pytorch_model'
		save_file(module.state_dict(), path / name / f'{stem}.safetensors')
	for place, text in {
		'scheduler/scheduler_config.json': 'scheduler_config',
		'tokenizer/vocab.json': 'tokenizer_vocab',
		'tokenizer/merges.txt': 'tokenizer_merges',
	}.items():
		(path / place).parent.mkdir(exist_ok=True)
		(path / place).write_text(described[text])


def modules(seed: int) -> tuple[torch.nn.Module, torch.nn.Module, torch.nn.Module]:
	"""UNet, VAE and text encoder, whose weights follow from the seed."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		return make(UNet2DConditionModel, UNET), make(AutoencoderKL, VAE), ClipModel(text_config())


def make(cls: Any, config: dict[str, Any]) -> torch.nn.Module:
	"""One of diffusers' modules; its constructors have no annotations, hence Any."""
	module: torch.nn.Module = cls(**config)
	return module
