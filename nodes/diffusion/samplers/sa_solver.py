"""SA-Solver: stochastic Adams with predictor and corrector, data prediction (Xue et al. 2023).

lambda is half the log SNR; tau, how much noise there is, is `eta` between two parts of the way and 0 elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task


def sa_solver(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	sde_start_percent: float = 0.2,
	sde_end_percent: float = 0.8,
	s_noise: float = 1.0,
	predictor_order: int = 3,
	corrector_order: int = 4,
	use_pece: bool = False,
	simple_order_2: bool = False,
) -> Tensor:
	"""Predict, look, correct; with `use_pece` look again at what was corrected.

	The orders are lowered towards a last sigma of 0. `simple_order_2` takes the paper's short forms for two points
	(appendix D).
	"""
	if len(sigmas) < 2:
		return x
	first, last = task.levels.at(sde_start_percent), task.levels.at(sde_end_percent)
	sigmas = task.with_finite_snr(sigmas)
	lambdas = task.half_log_snr(sigmas)
	steps = len(sigmas) - 1
	to_zero = bool(sigmas[-1] == 0)
	predicted, noise = x, torch.zeros_like(x)
	tau = 0.0
	past: list[Tensor] = []  # guesses, oldest first
	for index in range(steps):
		denoised = task.denoise(predicted, sigmas[index])
		guess = denoised
		past = [*past, denoised][-max(predictor_order, corrector_order) :]
		order, corrected = min(predictor_order, len(past)), min(corrector_order, len(past))
		if index == 0 or (sigmas[index + 1] == 0 and not use_pece):
			corrected = 0
		if to_zero:
			order, corrected = min(order, steps - 1 - index), min(corrected, steps - index)
		if corrected == 0:
			x = predicted
		else:
			step = _Step(lambdas, sigmas, index - 1, tau)
			weights = step.weights(lambdas[index - corrected + 1 : index + 1], simple_order_2, corrector=True)
			x = step.carried(x) + _weighed(weights, past[-corrected:]) + noise
			if use_pece:
				guess = task.denoise(x, sigmas[index])
				past[-1] = guess
		if sigmas[index + 1] == 0:
			predicted = guess
		else:
			tau = eta if first >= float(sigmas[index + 1]) >= last else 0.0
			step = _Step(lambdas, sigmas, index, tau)
			weights = step.weights(lambdas[index - order + 1 : index + 1], simple_order_2, corrector=False)
			predicted = step.carried(x) + _weighed(weights, past[-order:])
			noise = torch.zeros_like(x)
			if tau > 0 and s_noise > 0:
				noise = task.noise() * step.noise_size() * s_noise
				predicted = predicted + noise
		task.on_step(index + 1, denoised)
	return predicted


def sa_solver_pece(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	eta: float = 1.0,
	sde_start_percent: float = 0.2,
	sde_end_percent: float = 0.8,
	s_noise: float = 1.0,
	predictor_order: int = 3,
	corrector_order: int = 4,
	simple_order_2: bool = False,
) -> Tensor:
	"""SA-Solver that looks again at what was corrected."""
	return sa_solver(
		task,
		x,
		sigmas,
		eta=eta,
		sde_start_percent=sde_start_percent,
		sde_end_percent=sde_end_percent,
		s_noise=s_noise,
		predictor_order=predictor_order,
		corrector_order=corrector_order,
		use_pece=True,
		simple_order_2=simple_order_2,
	)


class _Step:
	"""The step from sigmas[index] to the next, with a tau."""

	def __init__(self, lambdas: Tensor, sigmas: Tensor, index: int, tau: float) -> None:
		self._start, self._end = lambdas[index], lambdas[index + 1]
		self._sigma, self._lower = sigmas[index], sigmas[index + 1]
		self._width, self._tau = self._end - self._start, tau

	def carried(self, x: Tensor) -> Tensor:
		"""What is left of x."""
		return self._lower / self._sigma * (-(self._tau**2) * self._width).exp() * x

	def noise_size(self) -> Tensor:
		"""The standard deviation of the step's noise."""
		return self._lower * (-(-2 * self._tau**2 * self._width).expm1()).sqrt()

	def weights(self, places: Tensor, simple: bool, *, corrector: bool) -> Tensor:
		"""What to multiply the guesses at these lambdas by, oldest first (equations 15 and 18)."""
		rate = 1 + self._tau**2
		share = self._lower * self._end.exp()
		if simple and len(places) == 2:
			if corrector:
				newer = share * 0.5 * rate * self._width
				older = -share * (-rate * self._width).expm1() - newer
			else:
				older = share * 0.5 * rate * self._width**2 / (places[0] - self._start)
				newer = -share * (-rate * self._width).expm1() - older
			return torch.stack([older, newer])
		powers = torch.vander(places, len(places), increasing=True).T
		solved: Tensor = torch.linalg.solve(powers, _moments(self._start, self._end, len(places), rate))
		return share * solved


def _moments(start: Tensor, end: Tensor, count: int, rate: float) -> Tensor:
	"""rate · ∫ e^(rate · (l − end)) · l^p dl from start to end, for p = 0 … count − 1, by parts."""
	power = torch.arange(count, dtype=start.dtype, device=start.device)
	ends = end**power - start**power * (-rate * (end - start)).exp()
	moments = [
		sum(
			((-1) ** (p - q) * math.factorial(p) / math.factorial(q) / rate ** (p - q) * ends[q] for q in range(p + 1)),
			start=torch.zeros_like(start),
		)
		for p in range(count)
	]
	return torch.stack(moments)


def _weighed(weights: Tensor, guesses: Sequence[Tensor]) -> Tensor:
	return sum((weight * guess for weight, guess in zip(weights, guesses, strict=True)), torch.zeros_like(guesses[0]))
