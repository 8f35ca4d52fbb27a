"""Sigma schedules."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from nodes.diffusion import schedules
from nodes.diffusion.parametrisation import Discrete, Flow, training_sigmas

TABLE = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False)
LEVELS = Discrete(TABLE)
ZERO_TERMINAL = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=True)
LOW, HIGH = float(TABLE[0]), float(TABLE[-1])


def values(*sigmas: float) -> Tensor:
	return torch.tensor(sigmas)


class TestEverySchedule:
	@pytest.mark.parametrize('steps', [1, 2, 8, 20, 50])
	@pytest.mark.parametrize('table', [TABLE, ZERO_TERMINAL], ids=['sd1', 'zero terminal'])
	@pytest.mark.parametrize('name', schedules.SCHEDULES)
	def test_sigmas_go_down_to_zero(self, name: str, table: Tensor, steps: int) -> None:
		"""float32, one more than steps, each less than the one before, none above the greatest training sigma."""
		sigmas = schedules.SCHEDULES[name](Discrete(table), steps)

		assert sigmas.dtype == torch.float32
		assert len(sigmas) == steps + 1
		assert bool((sigmas.diff() < 0).all())
		assert float(sigmas[-1]) == 0
		assert float(sigmas[0]) <= float(table[-1]) * (1 + 1e-6)

	@pytest.mark.parametrize('name', ['normal', 'karras', 'exponential', 'kl_optimal'])
	def test_from_end_to_end_of_the_training_sigmas(self, name: str) -> None:
		"""The first sigma is the greatest, the last before zero the least."""
		sigmas = schedules.SCHEDULES[name](LEVELS, 10)

		assert torch.allclose(sigmas[[0, -2]], values(HIGH, LOW), rtol=1e-4)


class TestFormulas:
	def test_normal_takes_even_training_steps(self) -> None:
		"""999, 666, 333, 0."""
		assert torch.allclose(schedules.normal(LEVELS, 4)[:-1], TABLE[[999, 666, 333, 0]])

	def test_between_training_steps_log_sigma_is_interpolated(self) -> None:
		"""Half-way between two steps lies their geometric mean."""
		halfway = schedules.normal(LEVELS, 3)[1]

		assert float(halfway) == pytest.approx(math.sqrt(float(TABLE[499] * TABLE[500])), rel=1e-5)

	def test_sgm_uniform_leaves_the_last_place_out(self) -> None:
		"""999, 666, 333, and then zero."""
		assert torch.allclose(schedules.sgm_uniform(LEVELS, 3)[:-1], TABLE[[999, 666, 333]])

	def test_simple_takes_every_nth_sigma_from_the_end(self) -> None:
		"""Steps 999, 749, 499, 249."""
		assert torch.equal(schedules.simple(LEVELS, 4)[:-1], TABLE[[999, 749, 499, 249]])

	def test_simple_takes_its_stride_before_its_places(self) -> None:
		"""19 · (1000 / 38) is just below 500 in floating point, and so is the place."""
		assert float(schedules.simple(LEVELS, 38)[19]) == float(TABLE[-1 - 499])

	def test_ddim_uniform_begins_at_one(self) -> None:
		"""Steps 751, 501, 251, 1."""
		assert torch.equal(schedules.ddim_uniform(LEVELS, 4)[:-1], TABLE[[751, 501, 251, 1]])

	def test_ddim_uniform_gives_the_steps_that_fit(self) -> None:
		"""1000 // 7 = 142 goes eight times from 1 into 1000."""
		assert len(schedules.ddim_uniform(LEVELS, 7)) == 9

	def test_karras_is_even_in_the_seventh_root(self) -> None:
		"""The middle of three is the seventh power of the mean root."""
		middle = ((HIGH ** (1 / 7) + LOW ** (1 / 7)) / 2) ** 7

		assert torch.allclose(schedules.karras(LEVELS, 3)[:-1], values(HIGH, middle, LOW), rtol=1e-5)

	def test_exponential_is_even_in_the_logarithm(self) -> None:
		"""The middle of three is the geometric mean."""
		assert torch.allclose(schedules.exponential(LEVELS, 3)[1], values(math.sqrt(HIGH * LOW)), rtol=1e-5)

	def test_kl_optimal_is_even_in_the_arctangent(self) -> None:
		"""The middle of three has the mean angle."""
		middle = math.tan((math.atan(HIGH) + math.atan(LOW)) / 2)

		assert torch.allclose(schedules.kl_optimal(LEVELS, 3)[1], values(middle), rtol=1e-5)

	def test_linear_quadratic_joins_smoothly(self) -> None:
		"""Half of the steps go 2.5 % of the way, evenly; from there the steps grow evenly."""
		gone = 1 - schedules.linear_quadratic(LEVELS, 8) / HIGH
		growth = gone.diff().diff()

		assert torch.allclose(gone[:5], torch.linspace(0, 0.025, 5), atol=1e-6)
		assert torch.allclose(growth[4:], growth[4].expand(3), atol=1e-5)

	def test_beta_takes_quantiles(self) -> None:
		"""The quantiles of 1, ½ are the last training step and the middle one."""
		assert torch.equal(schedules.beta(LEVELS, 2)[:-1], TABLE[[999, 500]])

	def test_beta_steps_carry_equal_chances(self) -> None:
		"""The distribution function of Beta(0.6, 0.6), integrated in the angle whose sin² is the place, is even."""
		sigmas = schedules.beta(LEVELS, 10)[:-1]
		places = torch.tensor([int((sigma == TABLE).nonzero()) for sigma in sigmas]) / 999
		angles = torch.linspace(0, math.pi / 2, 200_001, dtype=torch.float64)
		integral = torch.cumulative_trapezoid((angles.sin() * angles.cos()) ** 0.2, angles)
		chances = (
			integral[(places.sqrt().asin() / (math.pi / 2) * 200_000).long().clamp(max=199_999) - 1] / integral[-1]
		)

		assert torch.allclose(chances, torch.arange(10, 0, -1).double() / 10, atol=2e-3)

	def test_beta_takes_no_step_twice(self) -> None:
		"""More steps than training steps near an end come out fewer."""
		sigmas = schedules.beta(LEVELS, 900)

		assert len(sigmas) < 901
		assert bool((sigmas.diff() < 0).all())


class TestFlow:
	LEVELS = Flow(shift=3.0)

	@pytest.mark.parametrize('name', schedules.SCHEDULES)
	def test_sigmas_go_down_from_pure_noise(self, name: str) -> None:
		"""To 0, as for diffusion."""
		sigmas = schedules.SCHEDULES[name](self.LEVELS, 10)

		assert bool((sigmas.diff() < 0).all())
		assert float(sigmas[-1]) == 0
		assert 0.9 < float(sigmas[0]) <= 1 + 1e-6

	def test_simple_takes_shifted_times(self) -> None:
		"""3 t / (1 + 2 t) for t = 1, ½."""
		assert torch.allclose(schedules.simple(self.LEVELS, 2), values(1.0, 0.75, 0.0))

	def test_normal_shifts_twice(self) -> None:
		"""Its ends are timesteps of shifted sigmas, which are shifted once more, as in ComfyUI."""
		sigmas = schedules.normal(self.LEVELS, 3)
		least = float(self.LEVELS.sigmas[0])
		halfway = (1 + least) / 2

		assert float(sigmas[1]) == pytest.approx(3 * halfway / (1 + 2 * halfway), rel=1e-5)
		assert float(sigmas[2]) == pytest.approx(3 * least / (1 + 2 * least), rel=1e-5)
