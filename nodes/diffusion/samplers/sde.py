"""Samplers of the reverse-time SDE: exponential integrators of the guess, with noise from a Brownian path.

`eta` is how much noise there is (0 is the ODE), `s_noise` multiplies it, `cpu_noise` says where it is drawn. lambda is
half the log SNR, so that the same formulas serve diffusion and flow.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from nodes.diffusion.noise import Between
from nodes.diffusion.samplers.base import Task, ancestral

POINTS = 200
"""Places at which ER-SDE's integrals are summed."""


def dpmpp_sde(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	s_noise: float = 1.0,
	r: float = 0.5,
	cpu_noise: bool = True,
) -> Tensor:
	"""DPM-Solver++ (stochastic, singlestep of order 2): a look at `r` of the way (Lu et al. 2022, with its SDE form)."""
	if len(sigmas) < 2:
		return x
	noise = task.between(sigmas, cpu=cpu_noise)
	for done, (sigma, lower) in enumerate(pairwise(task.with_finite_snr(sigmas)), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			start, end = task.half_log_snr(sigma), task.half_log_snr(lower)
			middle = start + r * (end - start)
			between = task.sigma_at(middle)

			def ahead(guess: Tensor, place: Tensor, at: Tensor, x: Tensor = x, sigma: Tensor = sigma) -> Tensor:
				"""x at a sigma of half log SNR `place`, by one guess for all of the way, with noise."""
				begin = task.half_log_snr(sigma)
				share, share_start = at * place.exp(), sigma * begin.exp()
				down, up = ancestral((-begin).exp(), (-place).exp(), eta)
				width = -down.log() - begin
				there = share / share_start * (-width).exp() * x - share * (-width).expm1() * guess
				if eta > 0 and s_noise > 0:
					there = there + share * noise(sigma, at) * s_noise * up
				return there

			guess = task.denoise(ahead(denoised, middle, between), between)
			weight = 1 / (2 * r)
			x = ahead((1 - weight) * denoised + weight * guess, end, lower)
		task.on_step(done, denoised)
	return x


def dpmpp_2m_sde(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	s_noise: float = 1.0,
	solver_type: Literal['midpoint', 'heun'] = 'midpoint',
	cpu_noise: bool = True,
) -> Tensor:
	"""DPM-Solver++(2M) SDE: second order from the last guess (Lu et al. 2022, as k-diffusion extends it)."""
	if len(sigmas) < 2:
		return x
	noise = task.between(sigmas, cpu=cpu_noise)
	before: Tensor | None = None
	width_before = sigmas.new_zeros(())
	for done, (sigma, lower) in enumerate(pairwise(task.with_finite_snr(sigmas)), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			width = task.half_log_snr(lower) - task.half_log_snr(sigma)
			whole = width * (eta + 1)
			share = task.alpha(lower)
			x = _first_order(x, denoised, sigma, lower, width, eta, share)
			if before is not None:
				gain = -(-whole).expm1() / 2 if solver_type == 'midpoint' else (-whole).expm1() / whole + 1
				x = x + share * gain * (denoised - before) * width / width_before
			x = _with_noise(noise, x, sigma, lower, width, eta, s_noise)
			width_before = width
		before = denoised
		task.on_step(done, denoised)
	return x


def dpmpp_2m_sde_heun(
	task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0, cpu_noise: bool = True
) -> Tensor:
	"""DPM-Solver++(2M) SDE with the exact weight of the difference of guesses."""
	return dpmpp_2m_sde(task, x, sigmas, eta=eta, s_noise=s_noise, solver_type='heun', cpu_noise=cpu_noise)


def dpmpp_3m_sde(
	task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0, cpu_noise: bool = True
) -> Tensor:
	"""DPM-Solver++(3M) SDE: third order from the last two guesses (k-diffusion)."""
	if len(sigmas) < 2:
		return x
	noise = task.between(sigmas, cpu=cpu_noise)
	past: list[tuple[Tensor, Tensor]] = []  # guesses with the width of the step they made, newest first
	for done, (sigma, lower) in enumerate(pairwise(task.with_finite_snr(sigmas)), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			width = task.half_log_snr(lower) - task.half_log_snr(sigma)
			whole = width * (eta + 1)
			share = task.alpha(lower)
			x = _first_order(x, denoised, sigma, lower, width, eta, share)
			second = (-whole).expm1() / whole + 1
			third = second / whole - 0.5
			if past:
				ratio = past[0][1] / width
				change = (denoised - past[0][0]) / ratio
				if len(past) == 1:
					x = x + share * second * change
				else:
					ratio_before = past[1][1] / width
					bend = (change - (past[0][0] - past[1][0]) / ratio_before) / (ratio + ratio_before)
					x = x + share * second * (change + bend * ratio) - share * third * bend
			x = _with_noise(noise, x, sigma, lower, width, eta, s_noise)
			past = [(denoised, width), *past[:1]]
		task.on_step(done, denoised)
	return x


def er_sde(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	s_noise: float = 1.0,
	max_stage: int = 3,
	solver_type: Literal['ER-SDE', 'Reverse-time SDE', 'ODE'] = 'ER-SDE',
	eta: float = 1.0,
) -> Tensor:
	"""Extended reverse-time SDE solver of up to order 3 (Cui et al. 2023, "Elucidating the solution space").

	ER-SDE scales noise by l · (e^(l^0.3) + 10) with l = sigma / alpha; the other types by l^(eta + 1), the ODE with eta 0.
	"""
	if solver_type == 'ODE' or (solver_type == 'Reverse-time SDE' and eta == 0):
		eta, s_noise = 0.0, 0.0

	def scale(level: Tensor) -> Tensor:
		return level * ((level**0.3).exp() + 10.0) if solver_type == 'ER-SDE' else level ** (eta + 1)

	sigmas = task.with_finite_snr(sigmas)
	levels = (-task.half_log_snr(sigmas)).exp()
	before: Tensor | None = None
	change_before: Tensor | None = None
	for index, (sigma, lower) in enumerate(pairwise(sigmas)):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		else:
			level, next_level = levels[index], levels[index + 1]
			share, next_share = sigma / level, lower / next_level
			ratio = scale(next_level) / scale(level)
			x = next_share / share * ratio * x + next_share * (1 - ratio) * denoised
			if before is not None and max_stage >= 2:
				width = next_level - level
				part = -width / POINTS
				places = next_level + torch.arange(POINTS, dtype=sigmas.dtype, device=sigmas.device) * part
				change = (denoised - before) / (level - levels[index - 1])
				x = x + next_share * (width + (1 / scale(places)).sum() * part * scale(next_level)) * change
				if change_before is not None and max_stage >= 3:
					integral = ((places - level) / scale(places)).sum() * part
					bend = (change - change_before) / ((level - levels[index - 2]) / 2)
					x = x + next_share * (width**2 / 2 + integral * scale(next_level)) * bend
				change_before = change
			if s_noise > 0:
				size = (next_level**2 - level**2 * ratio**2).sqrt().nan_to_num(nan=0.0)
				x = x + next_share * task.noise() * s_noise * size
		before = denoised
		task.on_step(index + 1, denoised)
	return x


def _first_order(
	x: Tensor, denoised: Tensor, sigma: Tensor, lower: Tensor, width: Tensor, eta: float, share: Tensor
) -> Tensor:
	"""One exponential Euler step of the SDE by one guess, without its noise."""
	return lower / sigma * (-width * eta).exp() * x - share * (-width * (eta + 1)).expm1() * denoised


def _with_noise(
	noise: Between,
	x: Tensor,
	sigma: Tensor,
	lower: Tensor,
	width: Tensor,
	eta: float,
	s_noise: float,
) -> Tensor:
	if eta <= 0 or s_noise <= 0:
		return x
	return x + noise(sigma, lower) * lower * (-(-2 * width * eta).expm1()).sqrt() * s_noise
