"""From a network that predicts noise to "the clean latent as guessed at this noise", which is all that samplers see.

Noise is counted in sigmas, as in Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative
Models": x = clean + sigma · noise, with unit noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, Protocol

import torch
from torch import Tensor

from nodes.values import Conditioning, DiffusionModel, Prompt

Prediction = Literal['epsilon', 'v_prediction']

LAST_ALPHA_BAR = 4.8973451890853435e-08
"""What stands for the zero of a zero-terminal-SNR schedule, so that its greatest sigma is finite (about 4518.76)."""


class Denoise(Protocol):
	"""The clean latent as guessed from x [batch, channels, h, w] at one sigma (a tensor without dimensions)."""

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor: ...


class Denoiser:
	"""A UNet with its noise schedule and its parametrisation: a `DiffusionModel`.

	Args:
		unet: diffusers' `UNet2DConditionModel`.
		sigmas: training sigmas, float32 [steps], ascending.
		prediction: what the network says: the noise, or v = alpha · noise − sigma · clean (Salimans and Ho 2022).
		scaling: latents are multiplied by it on their way in.
		latent_rgb: [channels + 1, 3], what `previews.picture` needs.
	"""

	def __init__(
		self,
		unet: torch.nn.Module,
		*,
		sigmas: Tensor,
		prediction: Prediction,
		scaling: float,
		latent_channels: int,
		latent_rgb: Tensor,
	) -> None:
		self._unet = unet
		self._dtype = next(unet.parameters()).dtype
		self._sigmas = sigmas
		self._log_sigmas = sigmas.log()
		self._prediction = prediction
		self._scaling = scaling
		self._latent_channels = latent_channels
		self._latent_rgb = latent_rgb

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self._unet.parameters())

	@property
	def sigmas(self) -> Tensor:
		"""The training sigmas, float32 [1000], ascending."""
		return self._sigmas

	@property
	def latent_channels(self) -> int:
		"""Channels of a latent."""
		return self._latent_channels

	@property
	def latent_rgb(self) -> Tensor:
		"""The linear map from the model's latents to colours, float32 [channels + 1, 3]; the last row is added."""
		return self._latent_rgb

	def process_in(self, latent: Tensor) -> Tensor:
		"""From the wire's latent scale to the model's."""
		return latent * self._scaling

	def process_out(self, latent: Tensor) -> Tensor:
		"""From the model's latent scale to the wire's."""
		return latent / self._scaling

	def denoise(self, x: Tensor, sigma: Tensor, prompt: Prompt) -> Tensor:
		"""The clean latent as guessed at this noise.

		x is float32 [batch, channels, h, w] in the model's scale, sigma [batch]; the prompt's embedding is [1, tokens,
		width] for all or [batch, tokens, width] for each. The network hears of the training step nearest to log sigma.
		"""
		step = (sigma.log()[:, None] - self._log_sigmas).abs().argmin(dim=1)
		sigma = sigma.reshape(-1, 1, 1, 1)
		total = (sigma**2 + 1).sqrt()
		context = prompt.embedding.expand(len(x), -1, -1).to(self._dtype)
		with torch.inference_mode():
			said: Tensor = self._unet(
				(x / total).to(self._dtype), step, encoder_hidden_states=context, return_dict=False
			)[0]
		said = said.to(x.dtype)
		if self._prediction == 'v_prediction':
			return x / total**2 - said * sigma / total
		return x - said * sigma


def training_sigmas(*, steps: int, beta_start: float, beta_end: float, zero_terminal: bool) -> Tensor:
	"""The sigmas of the scaled-linear schedule, float32 [steps], ascending.

	The square root of beta rises linearly (Rombach et al. 2022); sigma² = (1 − ᾱ) / ᾱ. With `zero_terminal`, √ᾱ is
	shifted and stretched so that the last one is nothing but noise and the first is kept (Lin et al. 2023, "Common
	Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1); `LAST_ALPHA_BAR` stands for its zero.
	"""
	betas = torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64) ** 2
	alpha_bar = (1 - betas).cumprod(dim=0)
	if zero_terminal:
		root = alpha_bar.sqrt()
		alpha_bar = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
		alpha_bar[-1] = LAST_ALPHA_BAR
	return ((1 - alpha_bar) / alpha_bar).sqrt().float()


def guided(model: DiffusionModel, positive: Conditioning, negative: Conditioning, cfg: float) -> Denoise:
	"""Classifier-free guidance (Ho and Salimans 2022): unwanted + (wanted − unwanted) · cfg.

	Several prompts on one side are averaged. Prompts of one length go through the network in one batch; with cfg 1 the
	negative ones are not computed at all.
	"""
	prompts = positive.prompts if cfg == 1 else positive.prompts + negative.prompts

	def denoise(x: Tensor, sigma: Tensor) -> Tensor:
		guesses = _denoise_each(model, x, sigma, prompts)
		wanted = _mean(guesses[: len(positive.prompts)])
		if cfg == 1:
			return wanted
		unwanted = _mean(guesses[len(positive.prompts) :])
		return unwanted + (wanted - unwanted) * cfg

	return denoise


def _denoise_each(model: DiffusionModel, x: Tensor, sigma: Tensor, prompts: Sequence[Prompt]) -> list[Tensor]:
	"""One guess per prompt, in their order; neighbours of one shape share a batch."""
	guesses: list[Tensor] = []
	for _, equal in groupby(prompts, key=lambda prompt: prompt.embedding.shape):
		group = list(equal)
		embedding = torch.cat([prompt.embedding.expand(len(x), -1, -1) for prompt in group])
		batch = torch.cat([x] * len(group))
		guess = model.denoise(batch, sigma.expand(len(batch)), Prompt(embedding))
		guesses += guess.chunk(len(group))
	return guesses


def _mean(guesses: Sequence[Tensor]) -> Tensor:
	return torch.stack(list(guesses)).mean(dim=0)
