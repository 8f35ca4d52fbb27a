"""Tiny autoencoders, built here as their author's own code builds them, layer after layer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import ModelError, UnknownFormat
from engine.models import Load
from nodes.diffusion.tiny_vae import SCALES, load_tiny_vae
from nodes.values import Images, Latent
from tests.nodes.diffusion.patches.conftest import noise

WIDTH = 8


class Block(nn.Module):
	"""Three convolutions, with what came in added."""

	def __init__(self) -> None:
		super().__init__()
		layers = [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3)]
		self.conv = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])

	def forward(self, x: Tensor) -> Tensor:
		return torch.relu(self.conv(x) + x)


class Clamp(nn.Module):
	"""What the decoder begins with."""

	def forward(self, x: Tensor) -> Tensor:
		return torch.tanh(x / 3) * 3


def halves(channels: int) -> tuple[nn.Sequential, nn.Sequential]:
	"""An encoder and a decoder with random weights."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(0)

		def halving() -> nn.Module:
			return nn.Conv2d(WIDTH, WIDTH, 3, padding=1, stride=2, bias=False)

		encoder: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), Block()]
		decoder: list[nn.Module] = [Clamp(), nn.Conv2d(channels, WIDTH, 3, padding=1), nn.ReLU()]
		for _ in range(3):
			encoder += [halving(), Block(), Block(), Block()]
			decoder += [Block(), Block(), Block(), nn.Upsample(scale_factor=2)]
			decoder += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)]
		encoder.append(nn.Conv2d(WIDTH, channels, 3, padding=1))
		decoder += [Block(), nn.Conv2d(WIDTH, 3, 3, padding=1)]
	return nn.Sequential(*encoder).requires_grad_(False), nn.Sequential(*decoder).requires_grad_(False)


def write(folder: Path, encoder: nn.Module, decoder: nn.Module, option: str) -> Load:
	"""Two files, and what the loader is handed for them."""
	paths = (folder / f'{option}_decoder.safetensors', folder / f'{option}_encoder.safetensors')
	for path, half in zip(paths, (decoder, encoder), strict=True):
		save_file(half.state_dict(), path)
	return Load(paths, 'tiny_vae', option=option)


@pytest.mark.parametrize(('option', 'channels'), [('taesd', 4), ('taesdxl', 4), ('taesd3', 16), ('taef1', 16)])
class TestTinyVae:
	"""It does what the author's layers do, in the scale of our wires."""

	def test_decodes(self, option: str, channels: int, tmp_path: Path) -> None:
		"""Latents are brought to the scale that it was trained on."""
		encoder, decoder = halves(channels)
		vae = load_tiny_vae(write(tmp_path, encoder, decoder, option))
		scale, shift = SCALES[option]
		latent = noise(2, channels, 4, 4)
		wanted = decoder((latent - shift) * scale).clamp(0, 1).movedim(1, -1)

		assert torch.allclose(vae.decode(Latent(latent)).pixels, wanted, atol=1e-5)

	def test_encodes(self, option: str, channels: int, tmp_path: Path) -> None:
		"""And back to that of the wire."""
		encoder, decoder = halves(channels)
		vae = load_tiny_vae(write(tmp_path, encoder, decoder, option))
		scale, shift = SCALES[option]
		pixels = noise(1, 32, 32, 3).sigmoid()

		wanted = encoder(pixels.movedim(-1, 1)) / scale + shift

		assert torch.allclose(vae.encode(Images(pixels)).samples, wanted, atol=1e-4)


class TestStrangers:
	"""What is no tiny VAE."""

	def test_other_files_are_refused(self, tmp_path: Path) -> None:
		"""The decoder is looked for first."""
		other = nn.Sequential(nn.Linear(2, 2))

		with pytest.raises(UnknownFormat, match='no decoder of a tiny VAE'):
			load_tiny_vae(write(tmp_path, other, other, 'taesd'))

	def test_encoder_of_something_else_is_refused(self, tmp_path: Path) -> None:
		"""Missing tensors are named."""
		_, decoder = halves(4)

		with pytest.raises(UnknownFormat, match=r'lacks \d+ tensors: taesd_encoder'):
			load_tiny_vae(write(tmp_path, nn.Sequential(nn.Linear(2, 2)), decoder, 'taesd'))

	def test_other_names_are_refused(self, tmp_path: Path) -> None:
		"""There are four."""
		encoder, decoder = halves(4)

		with pytest.raises(ModelError, match='taesd, taesdxl, taesd3, taef1'):
			load_tiny_vae(write(tmp_path, encoder, decoder, 'taehv'))
