"""The trained parts as one file: float16 tensors under the names of Stable Diffusion 1.x, configs and tokenizer in the metadata.

So a loader that knows SD 1.x names needs nothing else. Two empty tensors, `v_pred` and `ztsnr`, mark the prediction type and
the schedule the way other programs' checkpoints do.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from nodes.demo.layouts import text_layout, unet_layout, vae_layout
from nodes.demo.parts import encode_pictures, make_scheduler, pictures_to_tensor
from nodes.demo.pictures import Pixels
from nodes.demo.tokenizer import tokenizer_files
from nodes.diffusion.layout import Layout, stored

MARKERS = ('v_pred', 'ztsnr')


def export_model(
	unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel, pictures: Sequence[Pixels], path: Path
) -> None:
	"""Writes the single file beside its place and moves it in. `pictures` are what the previews' colours are fitted to."""
	tensors = stored_tensors(unet.state_dict(), unet_layout(unet.config))
	tensors |= stored_tensors(vae.state_dict(), vae_layout(vae.config))
	tensors |= stored_tensors(text.state_dict(), text_layout(text))
	tensors |= {marker: torch.zeros(0, dtype=torch.float16) for marker in MARKERS}
	fresh = path.with_suffix('.new')
	metadata = file_metadata(unet, vae, text) | {'latent_rgb': json.dumps(fit_latent_rgb(vae, pictures))}
	save_file(tensors, fresh, metadata=metadata)
	fresh.replace(path)


def stored_tensors(weights: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
	"""float16 copies as the file keeps them; every weight must be in the layout, and all of the layout a weight."""
	if unnamed := weights.keys() ^ layout.keys():
		raise KeyError(f'weights and names differ in {sorted(unnamed)[:5]}')
	return {name: value.to(torch.float16).contiguous() for name, value in stored(layout, weights).items()}


def file_metadata(unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel) -> dict[str, str]:
	"""What a loader needs besides the tensors, each as text."""
	files = tokenizer_files()
	configs = {
		'unet_config': dict(unet.config),
		'vae_config': dict(vae.config),
		'text_encoder_config': cast(dict[str, object], text.config.to_dict()),
		'scheduler_config': dict(make_scheduler().config),
	}
	metadata = {name: json.dumps(config) for name, config in configs.items()}
	return metadata | {
		'format': 'pt',
		'title': 'Lumengraph demo model: drawn shapes, 128x128',
		'tokenizer_vocab': files.vocab,
		'tokenizer_merges': files.merges,
	}


def fit_latent_rgb(vae: AutoencoderKL, pictures: Sequence[Pixels]) -> list[list[float]]:
	"""The linear map from latents to colours of -1..1 that is right on the whole: one row a channel, then what is added."""
	latents = encode_pictures(vae, pictures).movedim(1, -1).flatten(0, 2)
	colors = F.avg_pool2d(pictures_to_tensor(torch.from_numpy(np.stack(pictures))), 8).movedim(1, -1).flatten(0, 2)
	known = torch.cat([latents, torch.ones(len(latents), 1)], dim=1)
	rows: list[list[float]] = torch.linalg.lstsq(known, colors).solution.tolist()
	return [[round(value, 4) for value in row] for row in rows]
