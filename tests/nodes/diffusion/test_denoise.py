"""Noise schedules and parametrisations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.unet import UNet
from nodes.diffusion.parametrisation import Discrete, Prediction, training_sigmas
from nodes.values import ModelInputs


class Oracle(torch.nn.Module):
	"""Stands for a UNet that knows the clean latent and says what its parametrisation should."""

	def __init__(self, clean: Tensor, prediction: Prediction) -> None:
		super().__init__()
		self.weight = torch.nn.Parameter(torch.zeros(1))
		self.clean = clean
		self.prediction = prediction
		self.steps: list[int] = []

	def forward(self, x: Tensor, step: Tensor, *, encoder_hidden_states: Tensor, return_dict: bool) -> tuple[Tensor]:
		self.steps += step.tolist()
		sigma = sd1_sigmas()[step].reshape(-1, 1, 1, 1)
		alpha, share = 1 / (sigma**2 + 1).sqrt(), sigma / (sigma**2 + 1).sqrt()
		noise = (x - alpha * self.clean) / share
		return (noise if self.prediction == 'epsilon' else alpha * noise - share * self.clean,)


def sd1_sigmas(*, zero_terminal: bool = False) -> Tensor:
	return training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=zero_terminal)


def oracle_denoiser(clean: Tensor, prediction: Prediction) -> tuple[Denoiser, Oracle]:
	oracle = Oracle(clean, prediction)
	denoiser = Denoiser(
		UNet(oracle, {'in_channels': 4}, LatentFormat(4, 0.18215)),
		Discrete(sd1_sigmas(), prediction),
		LatentFormat(4, 0.18215),
		'sd1',
	)
	return denoiser, oracle


class TestTrainingSigmas:
	def test_sd1_has_its_known_ends(self) -> None:
		"""0.0292 to 14.6146, rising."""
		sigmas = sd1_sigmas()

		assert sigmas.dtype == torch.float32
		assert float(sigmas[0]) == pytest.approx(0.0292, abs=1e-4)
		assert float(sigmas[-1]) == pytest.approx(14.6146, abs=1e-4)
		assert bool((sigmas.diff() > 0).all())

	def test_zero_terminal_snr_keeps_the_first_and_lifts_the_last(self) -> None:
		"""The last is finite only by the stand-in for its zero."""
		sigmas = sd1_sigmas(zero_terminal=True)

		assert float(sigmas[0]) == pytest.approx(float(sd1_sigmas()[0]), abs=1e-6)
		assert float(sigmas[-1]) == pytest.approx(4518.76, abs=0.01)
		assert bool((sigmas.diff() > 0).all())


class TestDenoiser:
	@pytest.mark.parametrize('prediction', ['epsilon', 'v_prediction'])
	def test_a_network_that_knows_the_answer_is_understood(self, prediction: Prediction) -> None:
		"""Both parametrisations lead to the clean latent, at each sigma of a batch."""
		clean = torch.randn(3, 4, 8, 8)
		sigma = sd1_sigmas()[[999, 500, 10]]
		denoiser, oracle = oracle_denoiser(clean, prediction)
		x = clean + sigma.reshape(-1, 1, 1, 1) * torch.randn(3, 4, 8, 8)

		denoised = denoiser.denoise(x, sigma, ModelInputs(torch.zeros(1, 77, 4)))

		assert torch.allclose(denoised, clean, atol=1e-4)
		assert oracle.steps == [999, 500, 10]

	def test_the_nearest_training_step_is_told(self) -> None:
		"""By distance in log sigma; beyond the ends, the ends."""
		denoiser, oracle = oracle_denoiser(torch.zeros(1, 4, 8, 8), 'epsilon')
		table = sd1_sigmas()
		between = float(table[300] * 0.9 + table[301] * 0.1)

		for sigma in (between, 100.0, 0.001):
			denoiser.denoise(torch.zeros(1, 4, 8, 8), torch.tensor([sigma]), ModelInputs(torch.zeros(1, 77, 4)))

		assert oracle.steps == [300, 999, 0]

	def test_latents_are_scaled_on_their_way_in_and_back_out(self, denoiser: Denoiser) -> None:
		"""By 0.18215 for Stable Diffusion 1.x."""
		latent = torch.ones(1, 4, 2, 2)

		assert float(denoiser.latents.process_in(latent)[0, 0, 0, 0]) == pytest.approx(0.18215)
		assert torch.allclose(denoiser.latents.process_out(denoiser.latents.process_in(latent)), latent)

	def test_batches_are_denoised_each_for_itself(self, v_checkpoint: Path) -> None:
		"""Sigmas and prompts may differ within a batch."""
		denoiser = load_denoiser(Load((v_checkpoint,), 'denoiser'))
		x, sigma, context = torch.randn(2, 4, 8, 8), torch.tensor([5.0, 0.1]), torch.randn(2, 77, 16)

		both = denoiser.denoise(x, sigma, ModelInputs(context))
		each = [denoiser.denoise(x[i : i + 1], sigma[i : i + 1], ModelInputs(context[i : i + 1])) for i in range(2)]

		assert torch.allclose(both, torch.cat(each), atol=1e-5)
