"""A small picture of a latent without the autoencoder: a linear map from latent channels to colours."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

SD1_LATENT_RGB = (
	(0.298, 0.207, 0.208),
	(0.187, 0.286, 0.173),
	(-0.158, 0.189, 0.264),
	(-0.184, -0.271, -0.473),
	(0.0, 0.0, 0.0),
)
"""Colours −1 to 1 per unit of each scaled latent channel, then the constant part.

Measured on Stable Diffusion 1.4 by Kevin Turner ("Decoding latents to RGB without upscaling", Hugging Face forum, 2022).
"""


def picture(latent: Tensor, latent_rgb: Tensor, *, size: int = 256) -> Image.Image:
	"""The first latent of a batch [batch, channels, h, w], in the model's scale, as an RGB picture.

	`latent_rgb` is [channels + 1, 3] with colours from −1 to 1, the last row being added. The longer side is brought to
	at most `size` pixels.
	"""
	colours = latent[0].float().movedim(0, -1) @ latent_rgb[:-1] + latent_rgb[-1]
	levels = ((colours + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
	small = Image.fromarray(levels.cpu().numpy(), 'RGB')
	factor = max(1, size // max(small.size))
	grown = small.resize((small.width * factor, small.height * factor), Image.Resampling.BILINEAR)
	grown.thumbnail((size, size))
	return grown
