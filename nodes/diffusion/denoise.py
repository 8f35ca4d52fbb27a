"""From a network to "the clean latent as guessed at this noise", which is all that samplers see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.diffusion.hooks import NO_HOOKS, Hooks
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks import Network
from nodes.diffusion.parametrisation import Parametrisation
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


@dataclass(frozen=True, eq=False)
class Denoiser:
	"""A network with its noise levels and latents: a `DiffusionModel`. Settings are applied by replacing fields."""

	network: Network
	parametrisation: Parametrisation
	latents: LatentFormat
	family: str
	hooks: Hooks = NO_HOOKS

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.network.module.parameters())

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""What the network is to hear of a prompt: see `Network`."""
		return self.network.inputs(prompt, latent, scene)

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		"""The clean latent as guessed at this noise: x is float32 [batch, channels, …], sigma [batch]."""
		level = self.parametrisation
		with torch.inference_mode():
			said = self.network(level.scaled(x, sigma), level.timestep(sigma), inputs)
			return level.denoised(x, said, sigma)
