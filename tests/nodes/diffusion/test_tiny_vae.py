"""Tiny autoencoders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from engine.errors import ModelError, UnknownFormat
from engine.models import Load
from nodes.diffusion.layouts.tiny_vae import SCALES
from nodes.diffusion.tiny_vae import load_tiny_vae
from nodes.values import Images, Latent
from tests import tiny_vaes
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_vaes import halves


def write(folder: Path, encoder: nn.Module, decoder: nn.Module, option: str) -> Load:
	"""Two files, and what the loader is handed for them."""
	return Load(tiny_vaes.save(folder, option, encoder, decoder), 'tiny_vae', option=option)


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


class TestDecoderAlone:
	"""One file is enough to look at latents."""

	def test_draws_the_same(self, tmp_path: Path) -> None:
		"""And takes the room of the decoder only."""
		load = write(tmp_path, *halves(4), 'taesd')
		both = load_tiny_vae(load)
		half = load_tiny_vae(Load(load.paths[:1], 'tiny_vae', option='taesd'))
		latent = Latent(noise(1, 4, 4, 4))

		assert torch.equal(half.decode(latent).pixels, both.decode(latent).pixels)
		assert 0 < half.nbytes < both.nbytes


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
