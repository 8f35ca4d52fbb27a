"""DPM-Solver (Lu et al. 2022): exponential integrators of the slope, of fixed and of found step length.

The paper's lambda is −log sigma here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task, ancestral, slope

CLOSE = 1e-5
"""So near to its end the adaptive sampler is there."""

TINY = 1e-8
"""Keeps the reciprocal of an error finite."""


def dpm_2(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""The slope at the geometric mean of a step's ends (DPM-Solver-2 as in Karras et al. 2022, appendix)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		here = slope(x, denoised, sigma)
		if lower > 0:
			middle = (sigma * lower).sqrt()
			halfway = x + here * (middle - sigma)
			here = slope(halfway, task.denoise(halfway, middle), middle)
		x = x + here * (lower - sigma)
		task.on_step(done, denoised)
	return x


def dpm_fast(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 0.0, s_noise: float = 1.0) -> Tensor:
	"""DPM-Solver-fast: steps of order 3 and at the end less, so that there are as many looks as sigmas to go.

	Only the first and the last sigma above 0 count; the steps between are even in log sigma.
	"""
	if len(sigmas) < 2:
		return x
	looks = len(sigmas) - 1
	start, end = (-sigma.log() for sigma in _ends(sigmas))
	count = looks // 3 + 1
	orders = [3] * (count - 2) + [2, 1] if looks % 3 == 0 else [3] * (count - 1) + [looks % 3]
	times = torch.linspace(float(start), float(end), count + 1, dtype=sigmas.dtype)
	for done, (order, (time, later)) in enumerate(zip(orders, pairwise(times), strict=True), start=1):
		step = _Step(task, x, time)
		down, up = _with_noise(time, later, end, eta)
		x = (step.first, step.second, step.third)[order - 1](down)
		if eta:
			x = x + up * s_noise * task.noise()
		task.on_step(done, step.denoised)
	return x


def dpm_adaptive(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	order: int = 3,
	rtol: float = 0.05,
	atol: float = 0.0078,
	h_init: float = 0.05,
	pcoeff: float = 0.0,
	icoeff: float = 1.0,
	dcoeff: float = 0.0,
	accept_safety: float = 0.81,
	eta: float = 0.0,
	s_noise: float = 1.0,
) -> Tensor:
	"""DPM-Solver-12 or -23: steps as long as the difference of two orders allows, by a PID controller.

	Only the first and the last sigma above 0 count; they may rise too, if `eta` is 0. `rtol` and `atol` are what the two
	orders may differ by.
	"""
	if len(sigmas) < 2:
		return x
	time, end = (-sigma.log() for sigma in _ends(sigmas))
	forward = bool(end > time)
	control = _Control(
		h_init if forward else -h_init,
		pcoeff,
		icoeff,
		dcoeff,
		order=1.5 if eta else order,
		accept_safety=accept_safety,
	)
	x_before, done = x, 0
	while abs(float(end - time)) > CLOSE:
		later = time + control.step
		later = torch.minimum(end, later) if forward else torch.maximum(end, later)
		down, up = _with_noise(time, later, end, eta)
		step = _Step(task, x, time)
		if order == 2:
			rough, fine = step.first(down), step.second(down)
		else:
			rough, fine = step.second(down, ratio=1 / 3), step.third(down)
		allowed = (rtol * torch.maximum(rough.abs(), x_before.abs())).clamp(min=atol)
		error = float(torch.linalg.norm((rough - fine) / allowed)) / x.numel() ** 0.5
		if control.accepts(error):
			x_before = rough
			x = fine + up * s_noise * task.noise() if eta else fine
			time = later
		done += 1
		task.on_step(done, step.denoised)
	return x


class _Reach(Protocol):
	"""x at a lambda."""

	def __call__(self, place: Tensor, /) -> Tensor: ...


class _Step:
	"""One step from x at a lambda; what was looked at for one order serves the next."""

	def __init__(self, task: Task, x: Tensor, time: Tensor) -> None:
		self._task, self._x, self._time = task, x, time
		self._known: dict[float, Tensor] = {}
		sigma = (-time).exp()
		self.denoised = task.denoise(x, sigma)
		self._slope = slope(x, self.denoised, sigma)

	def first(self, later: Tensor) -> Tensor:
		"""Order 1."""
		return self._x - (-later).exp() * (later - self._time).expm1() * self._slope

	def second(self, later: Tensor, *, ratio: float = 0.5) -> Tensor:
		"""Order 2, with a look at `ratio` of the way."""
		width = later - self._time
		change = self._look(self._time + ratio * width, ratio, self.first) - self._slope
		return self.first(later) - (-later).exp() / (2 * ratio) * width.expm1() * change

	def third(self, later: Tensor, *, ratios: tuple[float, float] = (1 / 3, 2 / 3)) -> Tensor:
		"""Order 3, with looks at two places."""
		early, late = ratios
		width = later - self._time
		change = self._look(self._time + early * width, early, self.first) - self._slope
		place = self._time + late * width
		reach = late * width

		def ahead(place: Tensor) -> Tensor:
			return self.first(place) - (-place).exp() * (late / early) * (reach.expm1() / reach - 1) * change

		change_late = self._look(place, late, ahead) - self._slope
		return self.first(later) - (-later).exp() / late * (width.expm1() / width - 1) * change_late

	def _look(self, place: Tensor, ratio: float, reach: _Reach) -> Tensor:
		if ratio not in self._known:
			there, sigma = reach(place), (-place).exp()
			self._known[ratio] = slope(there, self._task.denoise(there, sigma), sigma)
		return self._known[ratio]


@dataclass
class _Control:
	"""A PID controller of step length over reciprocals of errors."""

	step: float
	pcoeff: float
	icoeff: float
	dcoeff: float
	order: float
	accept_safety: float
	_inverse: list[float] = field(default_factory=list)

	def accepts(self, error: float) -> bool:
		"""Whether a step of this error stands; sets the length of the next."""
		inverse = 1 / (error + TINY)
		if not self._inverse:
			self._inverse = [inverse] * 3
		self._inverse[0] = inverse
		powers = (
			(self.pcoeff + self.icoeff + self.dcoeff) / self.order,
			-(self.pcoeff + 2 * self.dcoeff) / self.order,
			self.dcoeff / self.order,
		)
		factor = math.prod(value**power for value, power in zip(self._inverse, powers, strict=True))
		factor = 1 + math.atan(factor - 1)
		accepted = factor >= self.accept_safety
		if accepted:
			self._inverse = [inverse, inverse, self._inverse[1]]
		self.step *= factor
		return accepted


def _ends(sigmas: Tensor) -> tuple[Tensor, Tensor]:
	"""The first sigma, and the last that is not 0."""
	return sigmas[0], sigmas[-1] if sigmas[-1] > 0 else sigmas[-2]


def _with_noise(time: Tensor, later: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
	"""The lambda to step to so that noise brings x back to `later`, and how much noise that is."""
	if not eta:
		return later, later.new_zeros(())
	down, _ = ancestral((-time).exp(), (-later).exp(), eta)
	further = torch.minimum(end, -down.log())
	return further, ((-later).exp() ** 2 - (-further).exp() ** 2).sqrt()
