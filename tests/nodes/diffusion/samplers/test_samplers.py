"""Samplers, on a target whose exact denoiser and whose paths are known (see gaussian.py)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from nodes.diffusion.noise import later_noise
from nodes.diffusion.parametrisation import Flow, Parametrisation
from nodes.diffusion.samplers import SAMPLERS, Denoise, Sampler, ancestral, dpm, multistep, res, sa_solver, sde, seeds
from nodes.diffusion.schedules import karras, simple
from tests.nodes.diffusion import gaussian

ORDERS: dict[str, float] = {
	'euler': 1,
	'euler_cfg_pp': 1,
	'ddim': 1,
	'heun': 2,
	'exp_heun_2_x0': 2,
	'dpm_2': 2,
	'lms': 2,
	'dpmpp_2m': 2,
	'dpmpp_2m_cfg_pp': 2,
	'ipndm': 2,
	'ipndm_v': 2,
	'deis': 2,
	'res_multistep': 2,
	'res_multistep_cfg_pp': 2,
	'uni_pc': 2,
	'uni_pc_bh2': 2,
}
"""Samplers without noise, and the power of the step length by which their error falls."""
WITHOUT_ORDER = {'heunpp2', 'dpm_fast', 'dpm_adaptive', 'gradient_estimation', 'gradient_estimation_cfg_pp'}
"""Samplers without noise whose weights or steps do not depend on the step length alone."""
NOISY = tuple(name for name in SAMPLERS if name not in ORDERS and name not in WITHOUT_ORDER)
DIFFUSION_ALONE = {'ddpm', 'dpmpp_2s_ancestral_cfg_pp', 'res_multistep_ancestral', 'res_multistep_ancestral_cfg_pp'}
"""Noisy samplers without formulas for flow."""
WITHOUT_NOISE: dict[str, tuple[Sampler, float]] = {
	'dpmpp_sde': (partial(sde.dpmpp_sde, eta=0.0), 2),
	'dpmpp_2m_sde': (partial(sde.dpmpp_2m_sde, eta=0.0), 2),
	'dpmpp_2m_sde_heun': (partial(sde.dpmpp_2m_sde, eta=0.0, solver_type='heun'), 2),
	'dpmpp_3m_sde': (partial(sde.dpmpp_3m_sde, eta=0.0), 3),
	'er_sde': (partial(sde.er_sde, solver_type='ODE'), 1.9),
	'seeds_2': (partial(seeds.seeds_2, eta=0.0), 2),
	'seeds_3': (partial(seeds.seeds_3, eta=0.0), 3),
	'sa_solver': (partial(sa_solver.sa_solver, eta=0.0), 3),
	'sa_solver_pece': (partial(sa_solver.sa_solver_pece, eta=0.0), 3),
	'dpmpp_2s_ancestral': (partial(ancestral.dpmpp_2s_ancestral, eta=0.0), 2),
	'dpm_2_ancestral': (partial(ancestral.dpm_2_ancestral, eta=0.0), 2),
	'euler_ancestral': (partial(ancestral.euler_ancestral, eta=0.0), 1),
	'res_multistep_ancestral': (partial(res.res_multistep_ancestral, eta=0.0), 2),
}
"""What is left of noisy samplers when their noise is turned off, and its order; ER-SDE's integrals are coarse sums."""
START = torch.tensor([8.0, -5.0, 12.0], dtype=torch.float64).reshape(1, 1, 1, 3)
LEVELS = [gaussian.LEVELS, Flow(shift=3.0)]


def schedule(levels: Parametrisation, steps: int) -> Tensor:
	"""Sigmas over the whole way."""
	return (simple if isinstance(levels, Flow) else karras)(levels, steps)


def flow_denoise(x: Tensor, sigma: Tensor) -> Tensor:
	"""The exact denoiser where x is (1 − sigma) · clean + sigma · noise."""
	share, spread = 1 - sigma, gaussian.SPREAD
	known = share**2 * spread**2 + sigma**2
	return gaussian.MEAN + share * spread**2 / known * (x - share * gaussian.MEAN)


def denoiser(levels: Parametrisation) -> Denoise:
	return flow_denoise if isinstance(levels, Flow) else gaussian.denoise


class TestOrder:
	@staticmethod
	def error(sampler: Sampler, steps: int) -> float:
		"""How far from the exact path a sampler is at sigma ½, coming from 10 in even steps of log sigma."""
		sigmas = torch.linspace(math.log(10), math.log(0.5), steps + 1, dtype=torch.float64).exp()
		x = sampler(gaussian.task(START), START, sigmas)
		return float((x - gaussian.on_path(START, sigmas[0], sigmas[-1])).norm())

	@pytest.mark.parametrize(('name', 'order'), ORDERS.items())
	def test_half_the_step_has_the_error_of_its_order(self, name: str, order: float) -> None:
		"""Twice the steps leave at most 2^-order of the error, but for a tenth of an order."""
		assert math.log2(self.error(SAMPLERS[name], 32) / self.error(SAMPLERS[name], 64)) > order - 0.1

	@pytest.mark.parametrize('name', WITHOUT_NOISE)
	def test_noisy_samplers_have_an_order_too_without_their_noise(self, name: str) -> None:
		"""With eta 0 they solve the ODE; over three halvings, which evens out where an error changes its sign."""
		sampler, order = WITHOUT_NOISE[name]

		assert math.log2(self.error(sampler, 16) / self.error(sampler, 128)) / 3 > order - 0.35

	def test_dpm_fast_has_an_order_where_its_last_step_is_the_same(self) -> None:
		"""Its last step has the looks that are left over: two, in both."""
		assert math.log2(self.error(SAMPLERS['dpm_fast'], 32) / self.error(SAMPLERS['dpm_fast'], 65)) > 2

	def test_the_adaptive_sampler_is_as_exact_as_it_is_told(self) -> None:
		"""Smaller tolerances, smaller errors."""
		rough, fine = (
			self.error(partial(dpm.dpm_adaptive, rtol=tolerance, atol=tolerance), 8) for tolerance in (1e-2, 1e-5)
		)

		assert fine < rough / 20
		assert fine < 1e-3


class TestArrival:
	@pytest.mark.parametrize('name', [*ORDERS, *sorted(WITHOUT_ORDER)])
	def test_many_steps_to_zero_end_on_the_path(self, name: str) -> None:
		"""From the greatest sigma down to a clean value, within a tenth of the spread."""
		sigmas = karras(gaussian.LEVELS, 100).double()
		x = SAMPLERS[name](gaussian.task(START), START, sigmas)

		assert torch.allclose(x, gaussian.on_path(START, sigmas[0], sigmas[-1]), atol=0.1 * gaussian.SPREAD)

	@pytest.mark.parametrize('name', [name for name in SAMPLERS if name not in ('dpm_fast', 'dpm_adaptive')])
	def test_one_step_gives_the_first_guess(self, name: str) -> None:
		"""With nothing between the start and zero there is one look; UniPC stops a thousandth short."""
		sigmas = torch.tensor([10.0, 0.0], dtype=torch.float64)
		x = SAMPLERS[name](gaussian.task(START), START, sigmas)

		assert torch.allclose(x, gaussian.denoise(START, sigmas[0]), atol=2e-3)

	@pytest.mark.parametrize('levels', LEVELS, ids=['diffusion', 'flow'])
	@pytest.mark.parametrize('name', [name for name in NOISY if name != 'lcm'])
	def test_noisy_samplers_draw_from_the_target(self, name: str, levels: Parametrisation) -> None:
		"""Many values, each with its noise, have the target's mean and spread."""
		if isinstance(levels, Flow) and name in DIFFUSION_ALONE:
			pytest.skip('its formulas are those of diffusion alone')
		like = torch.zeros(1, 1, 100, 100)
		sigmas = schedule(levels, 100)
		start = torch.randn(like.shape, generator=torch.Generator().manual_seed(2)) * sigmas[0]
		x = SAMPLERS[name](gaussian.task(like, levels=levels, denoise=denoiser(levels)), start, sigmas)

		assert float(x.mean()) == pytest.approx(gaussian.MEAN, abs=0.05)
		assert float(x.std()) == pytest.approx(gaussian.SPREAD, rel=0.08)

	@pytest.mark.parametrize('levels', LEVELS, ids=['diffusion', 'flow'])
	def test_lcm_draws_from_the_target_with_a_consistent_network(self, levels: Parametrisation) -> None:
		"""A network that says the path's very end gives the target after any number of steps."""
		like = torch.zeros(1, 1, 100, 200)
		sigmas = schedule(levels, 4)

		def consistent(x: Tensor, sigma: Tensor) -> Tensor:
			if not isinstance(levels, Flow):
				return gaussian.on_path(x, sigma, torch.zeros(()))
			share = 1 - sigma
			spread = (share**2 * gaussian.SPREAD**2 + sigma**2).sqrt()
			return gaussian.MEAN + (x - share * gaussian.MEAN) / spread * gaussian.SPREAD

		start = torch.randn(like.shape, generator=torch.Generator().manual_seed(2)) * sigmas[0]
		x = SAMPLERS['lcm'](gaussian.task(like, denoise=consistent, levels=levels), start, sigmas)

		assert float(x.mean()) == pytest.approx(gaussian.MEAN, abs=0.05)
		assert float(x.std()) == pytest.approx(gaussian.SPREAD, rel=0.05)


class TestGuidanceApart:
	CFG_PP = tuple(name for name in SAMPLERS if 'cfg_pp' in name)

	@pytest.mark.parametrize('name', CFG_PP)
	def test_both_guesses_are_asked_for(self, name: str) -> None:
		"""What the guided guess adds to the other moves the result; the clean end is the guided one's."""
		sigmas = karras(gaussian.LEVELS, 10)
		like = torch.zeros(1, 1, 4, 4)
		start = torch.randn(like.shape, generator=torch.Generator().manual_seed(2)) * sigmas[0]

		def run(push: float) -> Tensor:
			def apart(x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
				return gaussian.denoise(x, sigma) + push, gaussian.denoise(x, sigma)

			return SAMPLERS[name](replace(gaussian.task(like), apart=apart), start, sigmas)

		assert float((run(1.0) - run(0.0)).mean()) > 0.5


class TestEulerAlternative:
	def test_without_guidance_it_is_euler(self) -> None:
		"""Twice a guess less the same one is the guess."""
		sigmas = karras(gaussian.LEVELS, 10).double()
		found = ancestral.euler_cfg_pp(gaussian.task(START), START, sigmas, alternative=True)

		assert torch.allclose(found, SAMPLERS['euler'](gaussian.task(START), START, sigmas))

	def test_its_slope_leads_further_from_the_unguided_guess(self) -> None:
		"""x + (x − 2 · guided + unguided) / sigma · (lower − sigma), step by step."""

		def apart(x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
			return x * 0.5, x * 0.25

		sigmas = torch.tensor([4.0, 2.0, 0.0], dtype=torch.float64)
		found = ancestral.euler_cfg_pp(replace(gaussian.task(START), apart=apart), START, sigmas, alternative=True)

		assert torch.allclose(found, START * (1 - 0.25 * 0.5) * (1 - 0.25))


class TestLcmUpscale:
	SIGMAS = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0], dtype=torch.float64)

	@pytest.mark.parametrize(
		('ratio', 'steps', 'sides'),
		[
			(2.0, -1, [8, 12, 16, 16, 16]),
			(3.0, 1, [8, 24, 24, 24, 24]),
			(0.5, 4, [8, 7, 6, 5, 4]),
			(2.0, 0, [8, 8, 8, 8, 8]),
		],
	)
	def test_guesses_are_enlarged_step_by_step(self, ratio: float, steps: int, sides: list[int]) -> None:
		"""Evenly, over the first half of the steps, or over as many as are told; what is seen after that has its size."""
		seen: list[int] = []

		def denoise(x: Tensor, sigma: Tensor) -> Tensor:
			seen.append(x.shape[-1])
			return x

		start = torch.zeros(1, 4, 8, 8)
		task = replace(gaussian.task(start), denoise=denoise)
		end = ancestral.lcm_upscale(
			task, start, self.SIGMAS, scale_ratio=ratio, scale_steps=steps, upscale_method='bilinear'
		)

		assert [*seen, end.shape[-1]] == sides

	def test_noise_goes_on_after_that_of_the_start(self) -> None:
		"""What is added is drawn by the generator of the start's noise, in the new size."""
		start = torch.zeros(1, 1, 2, 2)
		task = replace(gaussian.task(start), denoise=lambda x, sigma: x * 0, later=later_noise(start, 5))
		end = ancestral.lcm_upscale(task, start, torch.tensor([4.0, 3.0, 2.0]), scale_ratio=2.0)
		generator = torch.Generator().manual_seed(5)
		start_noise, first, second = (torch.randn(1, 1, side, side, generator=generator) for side in (2, 4, 4))

		assert torch.equal(end, second * 2)
		assert not torch.equal(first, second)
		assert start_noise.shape == start.shape

	def test_it_does_not_change_its_input(self) -> None:
		"""The start and the sigmas are somebody else's."""
		start, sigmas = torch.ones(1, 1, 4, 4), self.SIGMAS.clone()
		ancestral.lcm_upscale(gaussian.task(start), start, sigmas, scale_ratio=2.0)

		assert torch.equal(start, torch.ones(1, 1, 4, 4))
		assert torch.equal(sigmas, self.SIGMAS)


class TestGuidedHalfway:
	def test_the_guided_guess_halfway_makes_the_step(self) -> None:
		"""DPM-Solver++(2S) with CFG++ by hand: x is moved along the guidance first; guesses are parts of x."""

		def apart(x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
			return x * 0.5, x * 0.25

		sigmas = torch.tensor([4.0, 2.0, 0.0], dtype=torch.float64)
		task = replace(gaussian.task(START), apart=apart, denoise=lambda x, sigma: x * 0.5)
		found = ancestral.dpmpp_2s_ancestral_cfg_pp(task, START, sigmas, eta=0.0)
		moved, there = 1 + 0.5 - 0.25, 0.5**0.5
		guess = 0.5 * (there * moved + (1 - there) * 0.5)

		assert torch.allclose(found, START * (0.5 * moved + 0.5 * guess) * 0.5)


class TestUnevenSteps:
	PUBLISHED = (-1010 / 43200, 0.434444, -1.230903, 1.8175)

	@pytest.mark.parametrize('number', range(4))
	def test_weights_are_those_that_were_published(self, number: int) -> None:
		"""By the formulas of Zhou et al. 2024 for steps of 5, 3, 2 and 1; the weights of the last step do not add up to 1."""
		sigmas = torch.tensor([12.0, 7.0, 4.0, 2.0, 1.0], dtype=torch.float64)
		before: list[Tensor] = []

		def denoise(x: Tensor, sigma: Tensor) -> Tensor:
			before.append(x)
			return x - sigma if len(before) == number + 1 else x

		task = replace(gaussian.task(START), denoise=denoise)
		end = multistep.ipndm_v(task, START, sigmas)

		assert torch.allclose(before[-1] - end, torch.full_like(START, self.PUBLISHED[number]), atol=1e-5)


class TestSteps:
	@pytest.mark.parametrize('name', [name for name in SAMPLERS if name not in ('dpm_fast', 'dpm_adaptive')])
	def test_every_step_is_told_once_with_a_guess(self, name: str) -> None:
		"""1, 2, … up to the number of steps, with the clean latent as guessed at that step."""
		seen: list[tuple[int, Tensor]] = []
		sigmas = karras(gaussian.LEVELS, 6)
		x = torch.randn(2, 1, 4, 4) * sigmas[0]
		SAMPLERS[name](gaussian.task(x, on_step=lambda done, denoised: seen.append((done, denoised))), x, sigmas)

		assert [done for done, _ in seen] == [1, 2, 3, 4, 5, 6]
		assert torch.equal(seen[0][1], gaussian.denoise(x, sigmas[0]))
		assert all(denoised.shape == x.shape for _, denoised in seen)

	@pytest.mark.parametrize(('steps', 'looks'), [(1, 1), (2, 2), (3, 3), (4, 4), (9, 9), (10, 10)])
	def test_dpm_fast_looks_as_often_as_there_are_steps(self, steps: int, looks: int) -> None:
		"""In fewer steps of higher order."""
		seen: list[Tensor] = []

		def counted(x: Tensor, sigma: Tensor) -> Tensor:
			seen.append(sigma)
			return gaussian.denoise(x, sigma)

		SAMPLERS['dpm_fast'](
			gaussian.task(START, denoise=counted), START, karras(gaussian.LEVELS, steps + 1).double()[:-1]
		)

		assert len(seen) == looks

	@pytest.mark.parametrize('name', SAMPLERS)
	def test_the_start_is_left_as_it_was(self, name: str) -> None:
		"""Samplers change no tensor that is not theirs."""
		x = torch.ones(1, 1, 2, 2) * 10
		sigmas = karras(gaussian.LEVELS, 3)
		before = sigmas.clone()
		SAMPLERS[name](gaussian.task(x), x, sigmas)

		assert torch.equal(x, torch.ones(1, 1, 2, 2) * 10)
		assert torch.equal(sigmas, before)

	@pytest.mark.parametrize('name', SAMPLERS)
	def test_flow_from_pure_noise_stays_finite(self, name: str) -> None:
		"""At sigma 1 there is no signal, and log SNR is not finite."""
		sigmas = simple(Flow(shift=3.0), 5)
		x = torch.randn(1, 1, 4, 4)
		end = SAMPLERS[name](gaussian.task(x, levels=Flow(shift=3.0), denoise=flow_denoise), x, sigmas)

		assert bool(end.isfinite().all())
