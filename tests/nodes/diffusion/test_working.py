"""The numbers of what working takes, against the released networks, traced without computing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from engine.compute import Compute, Picture
from nodes.diffusion.working import (
	SPARE,
	TILE,
	add_forecasters,
	decoding_bytes,
	denoising_bytes,
	encoding_bytes,
)
from tests import tiny
from tests.nodes.diffusion.tracing import peak_bytes

SD1: dict[str, Any] = {
	'block_out_channels': (320, 640, 1280, 1280),
	'cross_attention_dim': 768,
	'attention_head_dim': 8,
}
VAE: dict[str, Any] = {
	'block_out_channels': (128, 256, 512, 512),
	'layers_per_block': 2,
	'down_block_types': ('DownEncoderBlock2D',) * 4,
	'up_block_types': ('UpDecoderBlock2D',) * 4,
	'latent_channels': 4,
}


class TestAgainstNetworks:
	@pytest.mark.parametrize(('side', 'batch'), [(32, 1), (64, 2)])
	def test_denoising(self, side: int, batch: int) -> None:
		"""With both prompts at once, at any size."""
		with torch.device('meta'):
			unet = tiny.make(UNet2DConditionModel, SD1)
			sample, text = torch.empty(2 * batch, 4, side, side), torch.empty(2 * batch, 77, 768)
			traced = peak_bytes(lambda: unet(sample, torch.empty(2 * batch), encoder_hidden_states=text))

		assert denoising_bytes((batch, 4, side, side), 'sd1') / SPARE == pytest.approx(traced, rel=0.05)
		assert denoising_bytes((batch, 4, side, side)) >= traced

	def test_vae(self) -> None:
		"""One picture, both ways."""
		with torch.device('meta'):
			vae: Any = tiny.make(AutoencoderKL, VAE)
			latent, pixels = torch.empty(1, 4, 32, 32), torch.empty(1, 3, 256, 256)
			decoded, encoded = peak_bytes(lambda: vae.decode(latent)), peak_bytes(lambda: vae.encode(pixels))

		assert decoding_bytes(256, 256) / SPARE == pytest.approx(decoded, rel=0.05)
		assert encoding_bytes(256, 256) / SPARE == pytest.approx(encoded, rel=0.05)


class TestForecasters:
	def test_by_parts(self) -> None:
		"""The engine is told where models come in, and what working with them takes; in tiles it is less."""
		compute = Compute()
		add_forecasters(compute)
		picture = Picture(1024, 2048, 3, 'sdxl')

		assert compute.parts['VAE'] == 'vae'
		assert compute.working('denoiser', picture).nbytes == denoising_bytes((3, 4, 256, 128), 'sdxl')
		assert compute.working('vae', picture) == (
			decoding_bytes(1024, 2048, 3),
			decoding_bytes(1024, 2048, 3, tile=TILE),
			0,
		)
		assert compute.working('vae', picture).tiled < compute.working('vae', picture).nbytes / 10

	def test_what_is_not_known(self) -> None:
		"""Of no part, or of a picture of unknown size, nothing is said."""
		compute = Compute()
		add_forecasters(compute)

		assert compute.working('text', Picture(64, 64)) == (0, 0, 0)
		assert compute.working('vae', Picture(0, 64)).least == 0

	def test_tiles_are_no_larger_than_the_picture(self) -> None:
		"""A small picture is one tile."""
		assert decoding_bytes(64, 64, tile=TILE) == decoding_bytes(64, 64)
