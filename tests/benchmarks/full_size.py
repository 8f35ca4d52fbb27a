"""Full-size checkpoints with values of no meaning, made from the shapes of the networks themselves.

Each tensor's values follow from its name alone. They are such that what goes through the networks stays of the size of
one: weights have a variance of one over their inputs, norms are near one, biases near zero. The UNet guesses its own
input as the noise, more or less, so that sampling ends in latents of the size of one, too.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

from nodes.diffusion.layout import Layout, prefixed, stored
from nodes.diffusion.layouts import clip, unet, vae
from nodes.diffusion.text.clip import ClipModel
from tests.tiny import make

UNET = 'model.diffusion_model.'
VAE = 'first_stage_model.'
CLIP = 'cond_stage_model.transformer.'

SD15_UNET: dict[str, Any] = {
	'sample_size': 64,
	'block_out_channels': [320, 640, 1280, 1280],
	'layers_per_block': 2,
	'down_block_types': ['CrossAttnDownBlock2D'] * 3 + ['DownBlock2D'],
	'up_block_types': ['UpBlock2D'] + ['CrossAttnUpBlock2D'] * 3,
	'attention_head_dim': 8,
	'cross_attention_dim': 768,
}
SD_VAE: dict[str, Any] = {
	'sample_size': 512,
	'latent_channels': 4,
	'block_out_channels': [128, 256, 512, 512],
	'layers_per_block': 2,
	'down_block_types': ['DownEncoderBlock2D'] * 4,
	'up_block_types': ['UpDecoderBlock2D'] * 4,
}
CLIP_L: dict[str, Any] = {
	'vocab_size': 49408,
	'hidden_size': 768,
	'intermediate_size': 3072,
	'num_hidden_layers': 12,
	'num_attention_heads': 12,
	'max_position_embeddings': 77,
	'hidden_act': 'quick_gelu',
}
LATENT = 4


def sd15_shapes() -> dict[str, tuple[int, ...]]:
	"""Every tensor of a whole Stable Diffusion 1.5 in the original layout."""
	with torch.device('meta'):
		parts: tuple[tuple[torch.nn.Module, Layout], ...] = (
			(make(UNet2DConditionModel, SD15_UNET), prefixed(unet.original(SD15_UNET), UNET)),
			(make(AutoencoderKL, SD_VAE), prefixed(vae.original(SD_VAE), VAE)),
			(ClipModel(CLIP_L), prefixed(clip.own(CLIP_L), CLIP)),
		)
		return {
			name: tuple(tensor.shape)
			for module, layout in parts
			for name, tensor in stored(layout, module.state_dict()).items()
		}


def sd15_control_shapes() -> dict[str, tuple[int, ...]]:
	"""Every tensor of a ControlNet for it, in diffusers' layout."""
	down = {name: kept for name, kept in SD15_UNET.items() if name not in ('sample_size', 'up_block_types')}
	with torch.device('meta'):
		module = make(ControlNetModel, down)
	return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def write(path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype = torch.float16) -> None:
	"""Write a safetensors file with tensors of these names and shapes, one after the other."""
	spelled = {torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float32: 'F32'}[dtype]
	entries, end = {}, 0
	for name, shape in shapes.items():
		start, end = end, end + math.prod(shape) * dtype.itemsize
		entries[name] = {'dtype': spelled, 'shape': list(shape), 'data_offsets': [start, end]}
	header = json.dumps(entries).encode()
	header += b' ' * (-len(header) % 8)
	with path.open('wb') as file:
		file.write(struct.pack('<Q', len(header)) + header)
		for name, shape in shapes.items():
			file.write(values(name, shape).to(dtype).view(torch.uint8).numpy().data)


def values(name: str, shape: tuple[int, ...]) -> Tensor:
	"""The float32 values of a tensor."""
	random = torch.Generator().manual_seed(zlib.crc32(name.encode()))
	tensor = torch.empty(shape).uniform_(-math.sqrt(3), math.sqrt(3), generator=random)
	if len(shape) == 1:
		norm = name.endswith('.weight')
		return tensor.mul_(0.05).add_(1.0) if norm else tensor.mul_(0.02)
	if 'embedding' in name.rpartition('.')[0].rpartition('.')[2]:
		return tensor.mul_(0.02)
	tensor.mul_(1 / math.sqrt(math.prod(shape[1:])))
	for end, change in _WIRES.items():
		if name == UNET + end:
			change(tensor)
	return tensor


def _in(weight: Tensor) -> None:
	"""The first convolution carries the latent, and its negative, through its first channels."""
	weight[: 2 * LATENT] = 0
	for sign, start in ((1, 0), (-1, LATENT)):
		for channel in range(LATENT):
			weight[start + channel, channel, 1, 1] = sign


def _skip(weight: Tensor) -> None:
	"""The last block takes them from its shortcut to the first convolution."""
	weight[: 2 * LATENT] = 0
	for channel in range(2 * LATENT):
		weight[channel, weight.shape[1] // 2 + channel] = 1


def _quiet(weight: Tensor) -> None:
	"""And adds little to them."""
	weight[: 2 * LATENT] *= 0.15


def _out(weight: Tensor) -> None:
	"""What comes out is x = silu(x) − silu(−x) and a bit of everything else."""
	weight *= 0.35
	weight[:, : 2 * LATENT] = 0
	for sign, start in ((1, 0), (-1, LATENT)):
		for channel in range(LATENT):
			weight[channel, start + channel, 1, 1] = sign


_WIRES = {
	'input_blocks.0.0.weight': _in,
	'output_blocks.11.0.skip_connection.weight': _skip,
	'output_blocks.11.0.out_layers.3.weight': _quiet,
	'output_blocks.11.1.proj_out.weight': _quiet,
	'out.2.weight': _out,
}
