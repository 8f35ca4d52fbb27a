"""Samplers, on a target whose exact denoiser and whose paths are known (see gaussian.py)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nodes.diffusion.parametrisation import training_sigmas
from nodes.diffusion.samplers import SAMPLERS, lcm
from nodes.diffusion.schedules import karras
from tests.nodes.diffusion import gaussian

TABLE = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False)
ORDERS = {
	'euler': 1,
	'ddim': 1,
	'heun': 2,
	'lms': 2,
	'dpmpp_2m': 2,
	'ipndm': 2,
	'res_multistep': 2,
	'uni_pc': 2,
	'uni_pc_bh2': 2,
}
START = torch.tensor([8.0, -5.0, 12.0], dtype=torch.float64).reshape(1, 1, 1, 3)


def no_noise() -> Tensor:
	raise AssertionError('this sampler draws no noise')


def ignore(done: int, denoised: Tensor) -> None:
	"""Nobody looks at the steps."""


def fresh_noise(shape: tuple[int, ...]) -> Callable[[], Tensor]:
	generator = torch.Generator().manual_seed(1)
	return lambda: torch.randn(shape, generator=generator)


class TestOrder:
	@staticmethod
	def error(name: str, steps: int) -> float:
		"""How far from the exact path a sampler is at sigma ½, coming from 10 in even steps of log sigma."""
		sigmas = torch.linspace(math.log(10), math.log(0.5), steps + 1, dtype=torch.float64).exp()
		x = SAMPLERS[name](gaussian.denoise, START, sigmas, noise=no_noise, on_step=ignore)
		return float((x - gaussian.on_path(START, sigmas[0], sigmas[-1])).norm())

	@pytest.mark.parametrize(('name', 'order'), ORDERS.items())
	def test_half_the_step_has_the_error_of_its_order(self, name: str, order: int) -> None:
		"""Twice the steps leave at most 2^-order of the error, but for a tenth of an order."""
		assert math.log2(self.error(name, 32) / self.error(name, 64)) > order - 0.1

	def test_no_sampler_is_left_out(self) -> None:
		"""Those without an order draw noise, and have tests of their own."""
		assert SAMPLERS.keys() - ORDERS.keys() == {'euler_ancestral', 'lcm'}


class TestArrival:
	@pytest.mark.parametrize('name', ORDERS)
	def test_fifty_steps_to_zero_end_on_the_path(self, name: str) -> None:
		"""From the greatest sigma down to a clean value, within a twentieth of the spread."""
		sigmas = karras(TABLE, 50).double()
		x = SAMPLERS[name](gaussian.denoise, START, sigmas, noise=no_noise, on_step=ignore)

		assert torch.allclose(x, gaussian.on_path(START, sigmas[0], sigmas[-1]), atol=0.05 * gaussian.SPREAD)

	@pytest.mark.parametrize('name', SAMPLERS)
	def test_one_step_gives_the_first_guess(self, name: str) -> None:
		"""With nothing between the start and zero there is one look; UniPC stops a thousandth short."""
		sigmas = torch.tensor([10.0, 0.0], dtype=torch.float64)
		x = SAMPLERS[name](gaussian.denoise, START, sigmas, noise=no_noise, on_step=ignore)

		assert torch.allclose(x, gaussian.denoise(START, sigmas[0]), atol=2e-3)

	def test_euler_ancestral_draws_from_the_target(self) -> None:
		"""Many values, each with its noise, have the target's mean and spread."""
		shape = (1, 1, 100, 200)
		noise = fresh_noise(shape)
		sigmas = karras(TABLE, 300)
		x = SAMPLERS['euler_ancestral'](gaussian.denoise, noise() * sigmas[0], sigmas, noise=noise, on_step=ignore)

		assert float(x.mean()) == pytest.approx(gaussian.MEAN, abs=0.03)
		assert float(x.std()) == pytest.approx(gaussian.SPREAD, rel=0.03)

	def test_lcm_draws_from_the_target_with_a_consistent_network(self) -> None:
		"""A network that says the path's very end gives the target after any number of steps."""
		shape = (1, 1, 100, 200)
		noise = fresh_noise(shape)
		sigmas = karras(TABLE, 4)

		def consistent(x: Tensor, sigma: Tensor) -> Tensor:
			return gaussian.on_path(x, sigma, torch.zeros(()))

		x = lcm(consistent, gaussian.MEAN + noise() * sigmas[0], sigmas, noise=noise, on_step=ignore)

		assert float(x.mean()) == pytest.approx(gaussian.MEAN, abs=0.03)
		assert float(x.std()) == pytest.approx(gaussian.SPREAD, rel=0.03)


class TestSteps:
	@pytest.mark.parametrize('name', SAMPLERS)
	def test_every_step_is_told_once_with_a_guess(self, name: str) -> None:
		"""1, 2, … up to the number of steps, with the clean latent as guessed at that step."""
		seen: list[tuple[int, Tensor]] = []
		sigmas = karras(TABLE, 6)
		x = torch.randn(2, 1, 4, 4) * sigmas[0]
		SAMPLERS[name](
			gaussian.denoise,
			x,
			sigmas,
			noise=fresh_noise((2, 1, 4, 4)),
			on_step=lambda done, denoised: seen.append((done, denoised)),
		)

		assert [done for done, _ in seen] == [1, 2, 3, 4, 5, 6]
		assert torch.equal(seen[0][1], gaussian.denoise(x, sigmas[0]))
		assert all(denoised.shape == x.shape for _, denoised in seen)

	@pytest.mark.parametrize('name', SAMPLERS)
	def test_the_start_is_left_as_it_was(self, name: str) -> None:
		"""Samplers change no tensor that is not theirs."""
		x = torch.ones(1, 1, 2, 2) * 10
		sigmas = karras(TABLE, 3)
		before = sigmas.clone()
		SAMPLERS[name](gaussian.denoise, x, sigmas, noise=fresh_noise((1, 1, 2, 2)), on_step=ignore)

		assert torch.equal(x, torch.ones(1, 1, 2, 2) * 10)
		assert torch.equal(sigmas, before)
