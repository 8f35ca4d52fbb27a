"""A small picture of a latent without the autoencoder: a linear map from latent channels to colours."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor


def picture(latent: Tensor, rgb: Sequence[Sequence[float]], *, size: int = 256) -> Image.Image:
	"""The first latent of a batch [batch, channels, h, w], in the model's scale, as an RGB picture.

	`rgb` see `latents.LatentFormat`. The longer side is brought to
	at most `size` pixels.
	"""
	table = latent.new_tensor(rgb)
	colours = latent[0].float().movedim(0, -1) @ table[:-1] + table[-1]
	levels = ((colours + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
	small = Image.fromarray(levels.cpu().numpy(), 'RGB')
	factor = max(1, size // max(small.size))
	grown = small.resize((small.width * factor, small.height * factor), Image.Resampling.BILINEAR)
	grown.thumbnail((size, size))
	return grown
