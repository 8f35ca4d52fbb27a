"""The model's parts, made from configs, and pictures through the coder."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from nodes.demo.pictures import Pixels

LATENT_SIDE = 16
TEXT_LENGTH = 77
TEXT_WIDTH = 128
TEXT_GAIN = 2.0
"""Spread of what the text encoder says: cross attention is to hear it well from its first step on."""

SCALE = 0.18215
"""What latents are multiplied with for the denoiser: Stable Diffusion 1.x's own factor."""


def make_vae() -> AutoencoderKL:
	"""The picture coder, about 0.6 M parameters; norm_num_groups is 2 so that a flat colour survives the GroupNorm."""
	vae = AutoencoderKL(
		in_channels=3,
		out_channels=3,
		down_block_types=('DownEncoderBlock2D',) * 4,
		up_block_types=('UpDecoderBlock2D',) * 4,
		block_out_channels=(16, 24, 40, 56),
		layers_per_block=1,
		latent_channels=4,
		norm_num_groups=2,
		sample_size=128,
		scaling_factor=SCALE,
	)
	return cast(AutoencoderKL, vae.to(memory_format=torch.channels_last))


def make_unet() -> UNet2DConditionModel:
	"""The denoiser, about 1.9 M parameters: cross attention at 8x8 and 4x4, none at 16x16."""
	unet = UNet2DConditionModel(
		sample_size=LATENT_SIDE,
		in_channels=4,
		out_channels=4,
		down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'),
		up_block_types=('CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'),
		block_out_channels=(48, 64, 64),
		layers_per_block=1,
		cross_attention_dim=TEXT_WIDTH,
		norm_num_groups=8,
		attention_head_dim=(2, 2, 2),
	)
	return cast(UNet2DConditionModel, unet.to(memory_format=torch.channels_last))


def make_text_encoder(vocabulary: int) -> CLIPTextModel:
	"""The text encoder, about 0.5 M parameters; the last two tokens are the start and the end mark, which also fills up."""
	config = CLIPTextConfig(
		vocab_size=vocabulary,
		hidden_size=TEXT_WIDTH,
		intermediate_size=256,
		num_hidden_layers=3,
		num_attention_heads=4,
		projection_dim=TEXT_WIDTH,
		max_position_embeddings=TEXT_LENGTH,
		hidden_act='quick_gelu',
		bos_token_id=vocabulary - 2,
		eos_token_id=vocabulary - 1,
		pad_token_id=vocabulary - 1,
	)
	encoder = CLIPTextModel(config)
	for module in encoder.modules():
		if isinstance(module, nn.Embedding):
			# CLIP's own start (0.02) is far too quiet for a training this short
			nn.init.normal_(module.weight, std=0.1 if module.num_embeddings == TEXT_LENGTH else 0.3)
	nn.init.constant_(encoder.final_layer_norm.weight, TEXT_GAIN)
	return encoder


def make_scheduler() -> DDIMScheduler:
	"""SD 1.x's betas made to end in pure noise (zero terminal SNR), for v-prediction, with steps that begin at that end."""
	scheduler: DDIMScheduler = DDIMScheduler(
		beta_start=0.00085,
		beta_end=0.012,
		beta_schedule='scaled_linear',
		prediction_type='v_prediction',
		rescale_betas_zero_snr=True,
		timestep_spacing='trailing',
		clip_sample=False,
		set_alpha_to_one=True,
		steps_offset=1,
	)
	return scheduler


def pictures_to_tensor(pictures: Tensor) -> Tensor:
	"""uint8 (n, h, w, 3) to float (n, 3, h, w) in -1..1."""
	return pictures.permute(0, 3, 1, 2).float().div(127.5).sub(1)


@torch.no_grad()
def encode_pictures(vae: nn.Module, pictures: Sequence[Pixels], batch: int = 32) -> Tensor:
	"""Latents as the denoiser sees them, (n, 4, h / 8, w / 8), scaled by the coder's factor."""
	coder = cast(AutoencoderKL, vae)
	latents = []
	for start in range(0, len(pictures), batch):
		x = pictures_to_tensor(torch.from_numpy(np.stack(pictures[start : start + batch])))
		x = x.contiguous(memory_format=torch.channels_last)
		latents.append(coder.encode(x).latent_dist.mean.float() * SCALE)
	return torch.cat(latents)


@torch.no_grad()
def decode_latents(vae: nn.Module, latents: Tensor, batch: int = 32) -> list[Pixels]:
	"""Pictures, uint8 (h, w, 3) each, of latents (n, 4, h / 8, w / 8) as the denoiser makes them."""
	coder = cast(AutoencoderKL, vae)
	pictures: list[Pixels] = []
	for part in torch.split(latents, batch):
		x = (part / SCALE).contiguous(memory_format=torch.channels_last)
		y = coder.decode(x).sample.float().clamp(-1, 1)
		pictures.extend(((y + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
	return pictures
