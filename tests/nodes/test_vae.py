"""Large and masked pictures through the tiny checkpoint's autoencoder."""

from __future__ import annotations

import pytest
import torch

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import BadInput, JobCancelled
from engine.events import AnyEvent, NodeProgress
from engine.models import ModelRef
from nodes.latent import decode, encode
from nodes.load import load_checkpoint
from nodes.vae import decode_tiled, encode_for_inpaint, encode_tiled
from nodes.values import AutoEncoder, Images, Latent, Mask
from tests.nodes.conftest import Bench


class Desk:
	"""A context with the tiny model, and what was told in it."""

	def __init__(self, bench: Bench) -> None:
		self.events: list[AnyEvent] = []
		self.cancel = CancelToken()
		self.context = Context(
			JobInfo('job'),
			'node',
			models=bench.runner.models,
			storage=bench.runner.storage,
			cancel=self.cancel,
			publish=self.events.append,
		)
		self.vae: ModelRef[AutoEncoder] = load_checkpoint(self.context, 'tiny.safetensors').VAE


@pytest.fixture
def desk(bench: Bench) -> Desk:
	"""One of its own for the test."""
	return Desk(bench)


class TestShapes:
	"""What the plain nodes and the tiled ones take alike."""

	def test_a_single_frame_is_a_picture(self, desk: Desk) -> None:
		"""Some latents of pictures have a dimension for frames; several of them are refused."""
		latent = torch.randn(2, 4, 4, 8)
		one, many = Latent(latent[:, :, None]), Latent(latent[:, :, None].repeat(1, 1, 3, 1, 1))
		wanted = decode(desk.context, Latent(latent), desk.vae).pixels

		assert torch.equal(decode(desk.context, one, desk.vae).pixels, wanted)
		assert decode_tiled(desk.context, one, desk.vae, 512, 64, 64, 8).pixels.shape == wanted.shape
		with pytest.raises(BadInput, match="'samples': expected latents of pictures"):
			decode(desk.context, many, desk.vae)
		with pytest.raises(BadInput, match="'samples': expected latents of pictures"):
			decode_tiled(desk.context, many, desk.vae, 512, 64, 64, 8)

	def test_pictures_that_are_too_small_are_refused(self, desk: Desk) -> None:
		"""One value of a latent is eight pixels; nothing is made of fewer."""
		small = Images(torch.rand(1, 7, 32, 3))
		wanted = 'at least 8 × 8 pixels, got 32 × 7'
		with pytest.raises(BadInput, match=wanted):
			encode(desk.context, small, desk.vae)
		with pytest.raises(BadInput, match=wanted):
			encode_tiled(desk.context, small, desk.vae, 512, 64, 64, 8)
		with pytest.raises(BadInput, match=wanted):
			encode_for_inpaint(desk.context, small, desk.vae, Mask(torch.ones(1, 7, 32)), 0)


class TestTiled:
	"""VAEDecodeTiled and VAEEncodeTiled."""

	def test_decode_is_near(self, desk: Desk) -> None:
		"""Of the size of a decoding at once, and near to it away from the seams."""
		latent = Latent(torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(0)))
		tiled = decode_tiled(desk.context, latent, desk.vae, 64, 16, 64, 8).pixels
		whole = decode(desk.context, latent, desk.vae).pixels

		assert tiled.shape == whole.shape == (1, 128, 192, 3)
		# Each tile is normalised for itself, so they are not the same; another picture is much further off.
		assert (tiled - whole).abs().mean() < (tiled - whole.flip(1)).abs().mean() / 1.2

	def test_small_is_the_same(self, desk: Desk) -> None:
		"""What fits in a tile is decoded and encoded at once."""
		latent = Latent(torch.randn(1, 4, 4, 4))
		pixels = Images(torch.rand(1, 32, 32, 3))

		assert torch.allclose(
			decode_tiled(desk.context, latent, desk.vae, 512, 64, 64, 8).pixels,
			decode(desk.context, latent, desk.vae).pixels,
			atol=1e-6,
		)
		assert torch.allclose(
			encode_tiled(desk.context, pixels, desk.vae, 512, 64, 64, 8).samples,
			encode(desk.context, pixels, desk.vae).samples,
			atol=1e-6,
		)

	def test_encode_is_near(self, desk: Desk) -> None:
		"""Of the size of an encoding at once."""
		pixels = Images(torch.rand(1, 128, 200, 3))
		tiled = encode_tiled(desk.context, pixels, desk.vae, 64, 16, 64, 8).samples
		whole = encode(desk.context, pixels, desk.vae).samples

		assert tiled.shape == whole.shape
		assert (tiled - whole).abs().mean() < whole.std() / 2

	def test_progress_and_cancelling(self, desk: Desk) -> None:
		"""Tiles are told; a cancelled job stops after one."""
		latent = Latent(torch.randn(1, 4, 16, 16))
		decode_tiled(desk.context, latent, desk.vae, 64, 16, 64, 8)
		told = [event for event in desk.events if isinstance(event, NodeProgress)]
		desk.cancel.cancel()
		with pytest.raises(JobCancelled):
			decode_tiled(desk.context, latent, desk.vae, 64, 16, 64, 8)

		assert told[-1].done == told[-1].total == len(told)


class TestInpaint:
	"""VAEEncodeForInpaint."""

	def test_masked_pixels_are_grey(self, desk: Desk) -> None:
		"""What was there does not matter."""
		mask = torch.zeros(1, 64, 64)
		mask[:, 16:32, 16:32] = 1
		one, other = torch.rand(2, 1, 64, 64, 3)
		other = torch.where(mask.bool().unsqueeze(-1), other, one)
		latents = [encode_for_inpaint(desk.context, Images(pixels), desk.vae, Mask(mask), 6) for pixels in (one, other)]
		grey = torch.where(mask.bool().unsqueeze(-1), 0.5, one)

		assert torch.equal(latents[0].samples, latents[1].samples)
		assert torch.allclose(latents[0].samples, encode(desk.context, Images(grey), desk.vae).samples, atol=1e-5)

	def test_noise_reaches_further(self, desk: Desk) -> None:
		"""By half of so many pixels on each side; 0 leaves the mask, rounded."""
		mask = torch.zeros(1, 64, 64)
		mask[:, 16:32, 16:32] = 0.8
		pixels = Images(torch.rand(1, 64, 64, 3))
		grown, plain = (encode_for_inpaint(desk.context, pixels, desk.vae, Mask(mask), by).noise_mask for by in (5, 0))

		assert grown is not None
		assert plain is not None
		assert grown.sum() == 20 * 20
		assert torch.equal(plain, mask.round())

	def test_sides_are_cropped(self, desk: Desk) -> None:
		"""To multiples of eight, the mask with them; it is stretched over the picture before."""
		made = encode_for_inpaint(
			desk.context, Images(torch.rand(1, 70, 69, 4)), desk.vae, Mask(torch.ones(1, 7, 7)), 0
		)

		assert made.samples.shape == (1, 4, 8, 8)
		assert made.noise_mask is not None
		assert made.noise_mask.shape == (1, 64, 64)
