"""The numbers of what working takes, against the released networks, traced without computing."""

from __future__ import annotations

import importlib
from typing import Any, cast

import pytest
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel

from engine.compute import Compute, Picture
from nodes.diffusion.clip_vision import VisionModel
from nodes.diffusion.control.residuals import Residuals, added
from nodes.diffusion.upscalers import _spandrel
from nodes.diffusion.working import (
	SPARE,
	TILE,
	add_forecasters,
	decoding_bytes,
	denoising_bytes,
	encoding_bytes,
	enlarging_bytes,
	sampling_bytes,
	seeing_bytes,
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

	def test_in_half_precision(self) -> None:
		"""Half of it, both of a UNet and of a VAE."""
		with torch.device('meta'):
			unet: Any = tiny.make(UNet2DConditionModel, SD1).bfloat16()
			vae: Any = tiny.make(AutoencoderKL, VAE).bfloat16()
			sample, text = torch.empty(2, 4, 32, 32), torch.empty(2, 77, 768)
			sample, text, latent = sample.bfloat16(), text.bfloat16(), torch.empty(1, 4, 32, 32).bfloat16()
			traced = peak_bytes(lambda: unet(sample, torch.empty(2), encoder_hidden_states=text))
			decoded = peak_bytes(lambda: vae.decode(latent))

		assert denoising_bytes((1, 4, 32, 32), 'sd1', each=2) / SPARE == pytest.approx(traced, rel=0.05)
		assert decoding_bytes(256, 256, each=2) / SPARE == pytest.approx(decoded, rel=0.05)

	@pytest.mark.parametrize(('nets', 'tolerance'), [(1, 0.01), (2, 0.01), (3, 0.06)])
	def test_controls(self, nets: int, tolerance: float) -> None:
		"""What ControlNets hand on is there beside the network's own values; three of them are counted a little too high."""
		with torch.device('meta'):
			unet = tiny.make(UNet2DConditionModel, SD1)
			net = cast(Any, ControlNetModel).from_unet(unet, load_weights_from_unet=False)
			sample, text, hint = torch.empty(2, 4, 32, 32), torch.empty(2, 77, 768), torch.empty(2, 3, 256, 256)

			def said() -> Residuals:
				down, middle = net(sample, torch.empty(2), text, hint, return_dict=False)
				return Residuals(tuple(down), middle).scaled(1.0)

			def both() -> object:
				total = added([said() for _ in range(nets)])
				assert total is not None
				return unet(sample, torch.empty(2), text, **total.for_unet(torch.float32))

			traced = peak_bytes(both)

		assert denoising_bytes((1, 4, 32, 32), 'sd1', controls=nets) / SPARE == pytest.approx(traced, rel=tolerance)

	def test_vision(self) -> None:
		"""Two pictures, by a large encoder; what is counted is that of the largest."""
		config = {
			'hidden_size': 1664,
			'intermediate_size': 8192,
			'num_hidden_layers': 48,
			'num_attention_heads': 16,
			'patch_size': 14,
			'image_size': 224,
			'projection_dim': 1280,
			'siglip': False,
		}
		with torch.device('meta'):
			encoder = VisionModel(config)
			traced = peak_bytes(lambda: encoder(torch.empty(2, 3, 224, 224)))

		assert seeing_bytes(2) / SPARE == pytest.approx(traced, rel=0.15)
		assert seeing_bytes(2) > traced

	@pytest.mark.parametrize(('scale', 'share'), [(4, 1.0), (2, 0.29)])
	def test_enlarging(self, scale: int, share: float) -> None:
		"""A tile, four times by an ESRGAN of 64 features; twice takes less."""
		pytest.importorskip('einops', reason='pip install --no-deps spandrel einops')
		_spandrel()
		network: Any = importlib.import_module('spandrel.architectures.ESRGAN.__arch.RRDB')
		with torch.device('meta'):
			module = network.RRDBNet(num_filters=64, num_blocks=2, scale=scale)
			traced = peak_bytes(lambda: module(torch.empty(1, 3, 128, 128)))

		assert enlarging_bytes(500, 128, tile=128) / SPARE * share == pytest.approx(traced, rel=0.03)

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

	def test_prompts_one_after_the_other(self) -> None:
		"""Half of what both take, with the control networks that steer them, or what showing them pictures takes."""
		compute = Compute()
		add_forecasters(compute)
		shape = (1, 4, 64, 64)

		assert compute.working('denoiser', Picture(512, 512, 1, 'sd1')).passes == denoising_bytes(
			shape, 'sd1', prompts=1
		)
		assert compute.working('denoiser', Picture(512, 512, 1, 'sd1', controls=2)) == (
			denoising_bytes(shape, 'sd1', controls=2),
			0,
			denoising_bytes(shape, 'sd1', prompts=1, controls=2),
		)
		assert sampling_bytes(shape, 'sd1', prompts=1, encodes=True) == encoding_bytes(512, 512)
		assert denoising_bytes(shape, 'flux', controls=1) > denoising_bytes(shape, 'flux') * 1.5

	def test_what_is_not_known(self) -> None:
		"""Of no part, or of a picture of unknown size, nothing is said."""
		compute = Compute()
		add_forecasters(compute)

		assert compute.working('text', Picture(64, 64)) == (0, 0, 0)
		assert compute.working('vae', Picture(0, 64)).least == 0

	def test_tiles_are_no_larger_than_the_picture(self) -> None:
		"""A small picture is one tile."""
		assert decoding_bytes(64, 64, tile=TILE) == decoding_bytes(64, 64)
