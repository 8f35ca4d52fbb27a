"""Stable Diffusion XL in its full size: known by its header, mapped, filled, and asked once at a small size.

The file is a header as released and a hole: it takes no room on the disk. Its weights are nothing but zeros, so random ones are
put in their place before the network is asked. Needs 8 GB of memory.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from engine.facts import recognise
from engine.models import Load
from engine.tensorfile import read_header
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import clip, unet, vae
from nodes.diffusion.marks import MARKS
from nodes.diffusion.text.clip import ClipModel
from nodes.values import Latent
from tests.nodes.diffusion.layouts import released, test_clip, test_unet, test_vae
from tests.nodes.diffusion.layouts.released import digest, empty, shapes_of

pytestmark = pytest.mark.full_size

PARTS = {
	'model.diffusion_model.': (UNet2DConditionModel, test_unet.SDXL, unet.original, released.SDXL_UNET),
	'first_stage_model.': (AutoencoderKL, test_vae.SD15, vae.original, released.VAE),
	'conditioner.embedders.0.transformer.': (ClipModel, {'config': test_clip.L}, clip.own, released.CLIP_L),
	'conditioner.embedders.1.model.': (ClipModel, {'config': test_clip.G}, clip.open_clip, released.OPEN_CLIP_G),
}


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
	"""Names and shapes of the released file."""
	for prefix, (build, config, layout, known) in PARTS.items():
		described = config.get('config', config)
		kept = shapes_of(stored(layout(described), empty(build, config).state_dict()))
		assert digest(kept) == known.digest
		yield from ((prefix + name, shape) for name, shape in kept.items())


@pytest.fixture(scope='module')
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""The file, in half precision."""
	header, end = {}, 0
	for name, shape in shapes():
		begin, end = end, end + 2 * math.prod(shape)
		header[name] = {'dtype': 'F16', 'shape': shape, 'data_offsets': [begin, end]}
	text = json.dumps(header).encode()
	path = tmp_path_factory.mktemp('sdxl') / 'sd_xl_base.safetensors'
	with path.open('wb') as file:
		file.write(struct.pack('<Q', len(text)) + text)
		file.truncate(file.tell() + end)
	return path


def load(path: Path) -> Load:
	return Load((path,), 'any', dtype='bfloat16')


def randomise(module: torch.nn.Module) -> None:
	"""Weights of about the size of trained ones."""
	generator = torch.Generator().manual_seed(0)
	for weight in module.parameters():
		if weight.dim() > 1:
			weight.normal_(std=weight[0].numel() ** -0.5, generator=generator)
		else:
			weight.fill_(0.5)


def test_its_header_tells_what_it_is(sdxl: Path) -> None:
	"""Nothing else of its seven gigabytes is looked at."""
	assert recognise(MARKS, read_header(sdxl).shapes) == {'family': 'sdxl', 'channels': 4}


def test_its_networks_hear_each_other(sdxl: Path) -> None:
	"""Both text encoders, then the UNet, at 64 × 64 pixels; the prompt makes a difference."""
	with torch.inference_mode():
		text = load_text_encoder(load(sdxl))
		for tower in text.towers.values():
			randomise(tower.module)
		prompts = [text.encode(words).prompts[0] for words in ('a red cat', 'a house by the sea')]
		assert [prompt.embedding.shape for prompt in prompts] == [(1, 77, 2048)] * 2
		assert [prompt.pooled is not None and tuple(prompt.pooled.shape) for prompt in prompts] == [(1, 1280)] * 2
		del text
		denoiser = load_denoiser(load(sdxl))
		randomise(denoiser.network.module)
		x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
		said = [denoiser.network(x, torch.tensor([500]), denoiser.inputs(prompt, x)) for prompt in prompts]

	assert denoiser.nbytes == 2 * released.SDXL_UNET.weights
	assert all(bool(answer.isfinite().all()) for answer in said)
	assert float((said[0] - said[1]).abs().max()) > 0


def test_its_vae_decodes(sdxl: Path) -> None:
	"""Eight pixels a side for each latent value."""
	coder = load_autoencoder(load(sdxl))

	assert coder.nbytes == 2 * released.VAE.weights
	assert coder.decode(Latent(torch.randn(1, 4, 8, 8))).pixels.shape == (1, 64, 64, 3)
