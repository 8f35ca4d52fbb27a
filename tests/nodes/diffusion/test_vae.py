"""Pixels to latents and back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder
from nodes.diffusion.vae import Distribution, Encoded, Vae, spread
from nodes.values import Images, Latent


class Exact:
	"""Stands for a VAE that halves the sides and keeps what it sees."""

	dtype = torch.float32
	device = torch.device('cpu')

	def __init__(self) -> None:
		self.seen: list[Tensor] = []

	def encode(self, x: Tensor) -> Encoded:
		self.seen.append(x)
		distribution: Distribution = SimpleNamespace(mean=torch.nn.functional.avg_pool2d(x, 2))
		encoded: Encoded = SimpleNamespace(latent_dist=distribution)
		return encoded

	def decode(self, z: Tensor) -> SimpleNamespace:
		self.seen.append(z)
		return SimpleNamespace(sample=z.repeat_interleave(2, 2).repeat_interleave(2, 3))


def exact() -> tuple[Vae, Exact]:
	model = Exact()
	return Vae(model, torch.nn.Identity(), factor=2, nbytes=0), model


class TestSpread:
	def test_channels_last_in_bfloat16(self) -> None:
		"""As it is quicker there; the values are the same, and in float32 nothing is moved."""
		latent = torch.randn(1, 4, 8, 8)
		found = spread(latent.bfloat16())

		assert found.is_contiguous(memory_format=torch.channels_last)
		assert torch.equal(found, latent.bfloat16())
		assert spread(latent) is latent

	def test_decoding_says_the_same(self, checkpoint: Path) -> None:
		"""As near to float32 as without."""
		exact, found = (load_autoencoder(Load((checkpoint,), 'vae', dtype)) for dtype in ('float32', 'bfloat16'))
		latent = Latent(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)))
		pixels, wanted = found.decode(latent).pixels, exact.decode(latent).pixels

		assert pixels.is_contiguous()
		assert 0 < (pixels - wanted).norm() < 0.02 * wanted.norm()


class TestEncode:
	def test_pixels_go_in_from_minus_one_to_one(self) -> None:
		"""Channels first, one picture at a time."""
		vae, model = exact()
		vae.encode(Images(torch.tensor([0.0, 0.5, 1.0]).expand(2, 4, 4, 3)))

		assert [x.shape for x in model.seen] == [(1, 3, 4, 4), (1, 3, 4, 4)]
		assert model.seen[0][0, :, 0, 0].tolist() == [-1.0, 0.0, 1.0]

	def test_sides_are_cropped_to_the_factor(self) -> None:
		"""What is too much is cut alike on both ends; transparency is left out."""
		model = Exact()
		wide = Vae(model, torch.nn.Identity(), factor=4, nbytes=0)
		pixels = torch.arange(7.0).reshape(1, 1, 7, 1).expand(1, 4, 7, 4) / 10

		wide.encode(Images(pixels))

		assert model.seen[0].shape == (1, 3, 4, 4)
		assert torch.allclose(model.seen[0][0, 0, 0], torch.arange(1.0, 5.0) / 5 - 1)

	def test_a_flat_picture_is_encoded_to_full_precision(self, vae: Vae) -> None:
		"""However it lies in memory, the latent of one colour is the same: norms of next to nothing are at work."""
		colour = torch.tensor([0.2, 0.4, 0.8])
		spread = vae.encode(Images(colour.expand(1, 32, 32, 3))).samples
		dense = vae.encode(Images(colour.repeat(1, 32, 32, 1))).samples

		assert torch.equal(spread, dense)

	def test_a_real_vae_is_deterministic(self, vae: Vae) -> None:
		"""The mean is taken, not a sample: equal pixels have equal latents."""
		images = Images(torch.rand(2, 20, 33, 3))
		latent = vae.encode(images)

		assert latent.samples.shape == (2, 4, 2, 4)
		assert latent.samples.dtype == torch.float32
		assert torch.equal(latent.samples, vae.encode(images).samples)


class TestDecode:
	def test_pixels_come_out_from_zero_to_one(self) -> None:
		"""Channels last, and cut where the network goes beyond."""
		vae, _ = exact()
		pixels = vae.decode(Latent(torch.tensor([-3.0, 0.0, 1.0]).reshape(1, 3, 1, 1).expand(2, 3, 2, 2))).pixels

		assert pixels.shape == (2, 4, 4, 3)
		assert pixels[0, 0, 0].tolist() == [0.0, 0.5, 1.0]
		assert pixels.is_contiguous()

	def test_a_real_vae_grows_by_its_factor(self, vae: Vae) -> None:
		"""Eight pixels per latent value along a side."""
		images = vae.decode(Latent(torch.randn(2, 4, 3, 5)))

		assert vae.factor == 8
		assert images.pixels.shape == (2, 24, 40, 3)
		assert images.pixels.dtype == torch.float32
		assert 0 <= float(images.pixels.min()) <= float(images.pixels.max()) <= 1
