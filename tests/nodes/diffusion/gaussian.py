"""A target whose every formula is known: pictures whose values are drawn from N(MEAN, SPREAD²).

Its exact denoiser is linear, so where a sampler must arrive can be written down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.diffusion.hooks import NO_HOOKS, Hooks
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.noise import brownian_noise
from nodes.diffusion.parametrisation import Discrete, Parametrisation, training_sigmas
from nodes.diffusion.samplers import Denoise, StepDone, Task
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

MEAN = 0.5
SPREAD = 0.7


def denoise(x: Tensor, sigma: Tensor) -> Tensor:
	"""The mean of the clean values that may lie behind x."""
	return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def on_path(x: Tensor, sigma: Tensor, lower: Tensor) -> Tensor:
	"""Where the probability-flow ODE leads from x at sigma to at `lower`."""
	return MEAN + (x - MEAN) * ((SPREAD**2 + lower**2) / (SPREAD**2 + sigma**2)).sqrt()


LEVELS = Discrete(training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False))


def task(
	like: Tensor,
	*,
	seed: int = 1,
	denoise: Denoise = denoise,
	levels: Parametrisation = LEVELS,
	on_step: StepDone = lambda done, denoised: None,
) -> Task:
	"""What a sampler is handed, without a model: noise in the shape of `like`, by a seed."""
	generator = torch.Generator().manual_seed(seed)
	return Task(
		denoise,
		lambda x, sigma: (denoise(x, sigma), denoise(x, sigma)),
		levels,
		lambda: torch.randn(like.shape, generator=generator, dtype=like.dtype),
		lambda low, high, cpu: brownian_noise(like, seed, low, high, cpu=cpu),
		on_step,
	)


class GaussianModel:
	"""A `DiffusionModel` whose prompts are the means themselves (the only value of their embedding)."""

	nbytes = 0
	family = 'gaussian'
	hooks: Hooks = NO_HOOKS
	latents = LatentFormat(channels=4, scale=2.0)

	def __init__(self, *, zero_terminal: bool = False) -> None:
		sigmas = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=zero_terminal)
		self.parametrisation = Discrete(sigmas)
		self.batches: list[int] = []

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		return ModelInputs(prompt.embedding)

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		self.batches.append(len(x))
		level = sigma.reshape(-1, 1, 1, 1)
		mean = inputs.embedding.mean(dim=(1, 2)).reshape(-1, 1, 1, 1)
		return (SPREAD**2 * x + level**2 * mean) / (SPREAD**2 + level**2)


def prompt(mean: float, tokens: int = 1) -> Prompt:
	"""A prompt for a mean; its length can be chosen."""
	return Prompt(torch.full((1, tokens, 1), mean))
