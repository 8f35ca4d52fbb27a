"""RES multistep: exponential Adams–Bashforth of order 2 on the guesses (Zhang et al. 2023, "RES")."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task, ancestral, slope


def res_multistep(task: Task, x: Tensor, sigmas: Tensor, *, s_noise: float = 1.0) -> Tensor:
	"""Without noise."""
	return res_multistep_ancestral(task, x, sigmas, eta=0.0, s_noise=s_noise)


def res_multistep_cfg_pp(task: Task, x: Tensor, sigmas: Tensor, *, s_noise: float = 1.0) -> Tensor:
	"""Without noise, with CFG++."""
	return res_multistep_ancestral_cfg_pp(task, x, sigmas, eta=0.0, s_noise=s_noise)


def res_multistep_ancestral(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
	"""A step further down than asked for, then fresh noise up to it."""
	past = _Past()
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		down, up = ancestral(sigma, lower, eta)
		if down == 0 or past.guess is None:
			x = x + slope(x, denoised, sigma) * (down - sigma)
		else:
			x = past.step(x, denoised, sigma, down)
		x = _with_noise(task, x, lower, up, s_noise)
		past.keep(denoised, sigma, down)
		task.on_step(done, denoised)
	return x


def res_multistep_ancestral_cfg_pp(
	task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
	"""The same with CFG++ (Chung et al. 2024): along the guidance at once, then steps by unguided guesses."""
	past = _Past()
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		down, up = ancestral(sigma, lower, eta)
		if down == 0 or past.guess is None:
			x = denoised + slope(x, unguided, sigma) * down
		else:
			x = past.step(x + (denoised - unguided), unguided, sigma, down)
		x = _with_noise(task, x, lower, up, s_noise)
		past.keep(unguided, sigma, down)
		task.on_step(done, denoised)
	return x


class _Past:
	"""The last guess, with the sigma it was made at and the one that was then stepped down to."""

	def __init__(self) -> None:
		self.guess: Tensor | None = None
		self._sigma = self._down = torch.zeros(())

	def keep(self, guess: Tensor, sigma: Tensor, down: Tensor) -> None:
		"""Remember a step."""
		self.guess, self._sigma, self._down = guess, sigma, down

	def step(self, x: Tensor, guess: Tensor, sigma: Tensor, down: Tensor) -> Tensor:
		"""From sigma to `down` by this guess and the last one."""
		assert self.guess is not None
		width = (sigma / down).log()
		place = (self._down / self._sigma).log() / width  # where the last guess was made, in widths
		first = -(-width).expm1() / width
		second = torch.nan_to_num((1 - first) / width / place, nan=0.0)
		first = torch.nan_to_num(first - (1 - first) / width / place, nan=0.0)
		return (-width).exp() * x + width * (first * guess + second * self.guess)


def _with_noise(task: Task, x: Tensor, lower: Tensor, up: Tensor, s_noise: float) -> Tensor:
	return x + task.noise() * s_noise * up if lower > 0 and up > 0 else x
