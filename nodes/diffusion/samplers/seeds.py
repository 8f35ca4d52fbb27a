"""SEEDS: stochastic exponential Runge–Kutta steps of the guess (Gonzalez et al. 2023), with fresh noise per stretch.

lambda is half the log SNR. `eta` is how much noise there is (0 is the ODE), `s_noise` multiplies it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task


def seeds_2(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	s_noise: float = 1.0,
	r: float = 0.5,
	solver_type: Literal['phi_1', 'phi_2'] = 'phi_1',
) -> Tensor:
	"""SEEDS-2: a second look at `r` of the way.

	`phi_1` extrapolates the guess to the middle of the step, `phi_2` weighs both exactly for a guess that goes straight.
	"""
	sigmas = task.with_finite_snr(sigmas)
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			step = _Step(task, x, sigma, lower, eta, s_noise)
			guess = task.denoise(step.ahead(r, _phi_1(r * step.whole) * denoised), step.sigma(r))
			if solver_type == 'phi_1':
				mixed = _phi_1(step.whole) * torch.lerp(denoised, guess, 1 / (2 * r))
			else:
				late = _phi_2(step.whole) / r
				mixed = (_phi_1(step.whole) - late) * denoised + late * guess
			x = step.ahead(1.0, mixed)
		task.on_step(done, denoised)
	return x


def seeds_3(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	s_noise: float = 1.0,
	r_1: float = 1 / 3,
	r_2: float = 2 / 3,
) -> Tensor:
	"""SEEDS-3: looks at two places on the way."""
	sigmas = task.with_finite_snr(sigmas)
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			step = _Step(task, x, sigma, lower, eta, s_noise)
			early = task.denoise(step.ahead(r_1, _phi_1(r_1 * step.whole) * denoised), step.sigma(r_1))
			weight = r_2 / r_1 * _phi_2(r_2 * step.whole)
			mixed = (_phi_1(r_2 * step.whole) - weight) * denoised + weight * early
			late = task.denoise(step.ahead(r_2, mixed), step.sigma(r_2))
			weight = _phi_2(step.whole) / r_2
			x = step.ahead(1.0, (_phi_1(step.whole) - weight) * denoised + weight * late)
		task.on_step(done, denoised)
	return x


def exp_heun_2_x0(task: Task, x: Tensor, sigmas: Tensor, *, solver_type: Literal['phi_1', 'phi_2'] = 'phi_2') -> Tensor:
	"""Exponential Heun: the second look is at the end of the step; without noise."""
	return seeds_2(task, x, sigmas, eta=0.0, s_noise=0.0, r=1.0, solver_type=solver_type)


def exp_heun_2_x0_sde(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	s_noise: float = 1.0,
	solver_type: Literal['phi_1', 'phi_2'] = 'phi_2',
) -> Tensor:
	"""Exponential Heun with noise."""
	return seeds_2(task, x, sigmas, eta=eta, s_noise=s_noise, r=1.0, solver_type=solver_type)


class _Step:
	"""A step from x, in stretches: each place that is gone to adds the noise of the stretch to it."""

	def __init__(self, task: Task, x: Tensor, sigma: Tensor, lower: Tensor, eta: float, s_noise: float) -> None:
		self._task, self._x, self._sigma, self._lower = task, x, sigma, lower
		self._start, self._end = task.half_log_snr(sigma), task.half_log_snr(lower)
		self._width, self._eta, self._s_noise = self._end - self._start, eta, s_noise
		self._noise: Tensor | None = None
		self._reached = 0.0

	@property
	def whole(self) -> Tensor:
		"""What the exponentials decay by over the step."""
		return self._width * (self._eta + 1)

	def sigma(self, part: float) -> Tensor:
		"""The sigma at a part of the way."""
		return self._lower if part == 1 else self._task.sigma_at(torch.lerp(self._start, self._end, part))

	def ahead(self, part: float, weighed: Tensor) -> Tensor:
		"""x at a part of the way, which must not fall, from the weighed sum of guesses."""
		sigma = self.sigma(part)
		share = sigma * torch.lerp(self._start, self._end, part).exp()
		x = sigma / self._sigma * (-part * self._width * self._eta).exp() * self._x + share * weighed
		if self._eta > 0 and self._s_noise > 0:
			x = x + self._grown_noise(part) * sigma * self._s_noise
		return x

	def _grown_noise(self, part: float) -> Tensor:
		stretch = (self._reached - part) * self._width * self._eta
		if self._reached == 1 and self._noise is not None:
			# No way to go: the peer still draws here, so that later draws are the same.
			self._task.noise()
			return self._noise
		fresh = (-(2 * stretch).expm1()).sqrt() * self._task.noise()
		self._noise = fresh if self._noise is None else self._noise * stretch.exp() + fresh
		self._reached = part
		return self._noise


def _phi_1(whole: Tensor) -> Tensor:
	"""1 − e^−h."""
	return -(-whole).expm1()


def _phi_2(whole: Tensor) -> Tensor:
	"""1 − (1 − e^−h) / h."""
	return (-whole).expm1() / whole + 1
