"""Noise levels and what a network's answer means."""

from __future__ import annotations

import pytest
import torch

from nodes.diffusion.parametrisation import Discrete, Flow, Parametrisation, training_sigmas

SD1 = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False)
ALL: dict[str, Parametrisation] = {
	'epsilon': Discrete(SD1),
	'v': Discrete(SD1, 'v_prediction'),
	'flow': Flow(),
	'shifted flow': Flow(shift=3.0),
	'flux': Flow(shift=1.15, multiplier=1.0, exponential=True, steps=10000),
}

each = pytest.mark.parametrize('levels', ALL.values(), ids=ALL)


class TestLevels:
	@each
	def test_timesteps_and_sigmas_are_each_other_s_way_back(self, levels: Parametrisation) -> None:
		"""Unshifted time goes in where the network is told of shifted sigmas: there only the ends agree."""
		table = levels.sigmas

		assert bool((table.diff() > 0).all())
		if isinstance(levels, Discrete):
			assert torch.allclose(levels.sigma(levels.timestep(table).float()), table, rtol=1e-5)
		assert float(levels.sigma(levels.timestep(table[-1:]).float())) == pytest.approx(float(table[-1]))

	@each
	def test_the_way_goes_from_all_noise_to_none(self, levels: Parametrisation) -> None:
		"""0 is at or above the greatest sigma, 1 is 0, and it falls between."""
		points = [levels.at(part) for part in (0.0, 0.25, 0.5, 0.75, 1.0)]

		assert points[0] >= float(levels.sigmas[-1])
		assert points[-1] == 0
		assert points == sorted(points, reverse=True)

	def test_halfway_of_known_schedules(self) -> None:
		"""Step 499.5 of Stable Diffusion 1.x; 3 · 0.5 / (1 + 2 · 0.5) of Stable Diffusion 3."""
		assert ALL['epsilon'].at(0.5) == pytest.approx(float((SD1[499] * SD1[500]).sqrt()), rel=1e-4)
		assert ALL['shifted flow'].at(0.5) == pytest.approx(0.75)

	def test_flux_shifts_by_a_power_of_e(self) -> None:
		"""sigma = e^mu / (e^mu + 1/t − 1) at t = 0.5."""
		factor = torch.tensor(1.15).exp()

		assert ALL['flux'].at(0.5) == pytest.approx(float(factor / (factor + 1)))


class TestNoise:
	@each
	def test_a_network_that_knows_the_answer_leads_to_the_clean_latent(self, levels: Parametrisation) -> None:
		"""At each sigma of a batch, from what it should say."""
		clean, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
		sigma = levels.sigmas[[5, len(levels.sigmas) // 2, -1]]
		x = torch.cat(
			[levels.noised(clean[i : i + 1], noise[i : i + 1], sigma[i], full=False) for i in range(3)],
		)
		said = noise
		if isinstance(levels, Flow):
			said = noise - clean
		elif levels is ALL['v']:
			total = (sigma.reshape(-1, 1, 1, 1) ** 2 + 1).sqrt()
			said = noise / total - clean * sigma.reshape(-1, 1, 1, 1) / total

		assert torch.allclose(levels.denoised(x, said, sigma), clean, atol=1e-4)

	def test_the_start_of_diffusion_has_the_size_of_signal_and_noise(self) -> None:
		"""√(sigma² + 1) · noise at the greatest sigma."""
		noise = torch.ones(1, 4, 2, 2)

		assert float(ALL['epsilon'].noised(noise * 0, noise, torch.tensor(2.0), full=True).mean()) == pytest.approx(
			5**0.5
		)

	def test_what_flow_leaves_half_way_is_brought_to_the_scale_of_clean_latents(self) -> None:
		"""x / (1 − sigma)."""
		clean = torch.randn(1, 16, 2, 2)
		sigma = torch.tensor(0.25)

		assert torch.allclose(Flow().restored((1 - sigma) * clean, sigma), clean)
		assert torch.equal(ALL['epsilon'].restored(clean, sigma), clean)
