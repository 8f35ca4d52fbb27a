"""The VAEs of Flux.2 and Qwen-Image, called like the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import Flux2KleinPipeline
from safetensors.torch import save_file
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder
from nodes.diffusion.families.qwen_image import DEVIATIONS, MEANS, QWEN_IMAGE
from nodes.diffusion.vae import Vae
from nodes.values import Images, Latent
from tests.tiny_transformers import VAES, told


def saved(folder: Path, kind: str, module: Any) -> Vae:
	"""The module written as its published file, and loaded."""
	save_file(VAES[kind].original(module), folder / 'vae.safetensors', metadata=told(vae_config=VAES[kind].config))
	return load_autoencoder(Load((folder / 'vae.safetensors',), 'vae'))


def pictures() -> Tensor:
	"""Two pictures of noise."""
	return torch.rand(2, 32, 48, 3, generator=torch.Generator().manual_seed(1))


class TestFlux2:
	def made(self) -> Any:
		"""With statistics that are not those of a new norm."""
		module: Any = VAES['flux2'].make()
		module.bn.running_mean.copy_(torch.linspace(-1, 1, 128))
		module.bn.running_var.copy_(torch.linspace(0.5, 2, 128))
		return module

	def test_latents_are_folded_and_normed_as_in_the_pipeline(self, tmp_path: Path) -> None:
		"""Sixteen pixels a side, 128 channels."""
		module = self.made()
		latent = saved(tmp_path, 'flux2', module).encode(Images(pictures())).samples
		means = torch.cat(
			[module.encode(one).latent_dist.mean for one in torch.split(pictures().movedim(-1, 1) * 2 - 1, 1)]
		)
		mean, variance = module.bn.running_mean.view(1, -1, 1, 1), module.bn.running_var.view(1, -1, 1, 1)
		expected = (Flux2KleinPipeline._patchify_latents(means) - mean) / torch.sqrt(variance + 1e-4)

		assert latent.shape == (2, 128, 2, 3)
		assert torch.allclose(latent, expected, atol=1e-5)

	def test_decoding_is_the_way_back(self, tmp_path: Path) -> None:
		"""What the pipeline does before it hands latents to the module."""
		module = self.made()
		latent = torch.randn(1, 128, 2, 3)
		mean, variance = module.bn.running_mean.view(1, -1, 1, 1), module.bn.running_var.view(1, -1, 1, 1)
		unfolded = Flux2KleinPipeline._unpatchify_latents(latent * torch.sqrt(variance + 1e-4) + mean)
		expected = (module.decode(unfolded).sample / 2 + 0.5).clamp(0, 1).movedim(1, -1)

		assert torch.allclose(saved(tmp_path, 'flux2', module).decode(Latent(latent)).pixels, expected, atol=1e-5)


class TestWan:
	def test_a_picture_is_a_film_of_one_frame(self, tmp_path: Path) -> None:
		"""There and back."""
		module: Any = VAES['wan'].make()
		vae = saved(tmp_path, 'wan', module)
		film = (pictures()[:1].movedim(-1, 1) * 2 - 1)[:, :, None]
		latent = module.encode(film).latent_dist.mean
		expected = (module.decode(latent).sample / 2 + 0.5).clamp(0, 1)[:, :, 0].movedim(1, -1)

		assert torch.allclose(vae.encode(Images(pictures()[:1])).samples, latent[:, :, 0], atol=1e-5)
		assert torch.allclose(vae.decode(Latent(latent[:, :, 0])).pixels, expected, atol=1e-5)

	def test_of_a_film_the_first_frame_is_decoded(self, tmp_path: Path) -> None:
		"""Latents with frames are taken too."""
		vae = saved(tmp_path, 'wan', VAES['wan'].make())
		latent = torch.randn(1, 16, 2, 4, 4)

		assert torch.equal(vae.decode(Latent(latent)).pixels, vae.decode(Latent(latent[:, :, 0])).pixels)

	def test_the_network_sees_latents_of_mean_zero(self) -> None:
		"""Channel by channel, as the VAE was released with."""
		latent = torch.tensor(MEANS).reshape(1, 16, 1, 1) + torch.tensor(DEVIATIONS).reshape(1, 16, 1, 1)

		assert torch.allclose(QWEN_IMAGE.latents.process_in(latent), torch.ones(1, 16, 1, 1))
