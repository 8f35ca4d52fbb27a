"""Schedules: at which sigmas a sampler looks, as ComfyUI's schedulers of the same names choose them.

Each takes the model's noise levels and a number of steps, and gives float32 [steps + 1], descending, 0 at the end (`beta`
and `ddim_uniform` may come out some steps shorter or longer, as said there). Those that need no model are in `sigmas`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion import sigmas as between
from nodes.diffusion.parametrisation import Parametrisation

BETA_SHAPE = 0.6
LINEAR_PART = 0.025
NEARLY_ZERO = 1e-5
"""A least sigma up to this is taken for 0, so that none is added."""


class Schedule(Protocol):
	"""A function from noise levels and steps to the sigmas to look at."""

	def __call__(self, levels: Parametrisation, steps: int) -> Tensor: ...


def normal(levels: Parametrisation, steps: int) -> Tensor:
	"""Timesteps in even distances from that of the greatest to that of the least sigma.

	For flow the shift of the levels acts twice: the ends are timesteps of shifted sigmas.
	"""
	first, last = _ends(levels)
	if float(levels.sigma(last)) < NEARLY_ZERO:
		return _at(levels, torch.linspace(float(first), float(last), steps + 1))
	return _with_zero(_at(levels, torch.linspace(float(first), float(last), steps)))


def sgm_uniform(levels: Parametrisation, steps: int) -> Tensor:
	"""As `normal`, but the last timestep is left out, so the last distance is as long as the others."""
	first, last = _ends(levels)
	return _with_zero(_at(levels, torch.linspace(float(first), float(last), steps + 1)[:-1]))


def simple(levels: Parametrisation, steps: int) -> Tensor:
	"""Every n-th of the training sigmas, counted from the greatest, without interpolation."""
	table = levels.sigmas
	# The stride first: where a place is a whole number, rounding may leave it just below, as in ComfyUI.
	stride = len(table) / steps
	return _with_zero(torch.stack([table[-1 - int(step * stride)] for step in range(steps)]))


def ddim_uniform(levels: Parametrisation, steps: int) -> Tensor:
	"""Training steps 1, 1 + n, 1 + 2n … with n = total // steps (Song et al. 2021, DDIM, as first released).

	Where the total is no multiple of the steps, more steps than asked for fit.
	"""
	table = levels.sigmas
	if float(table[1]) < NEARLY_ZERO:
		return table[1 :: max(len(table) // (steps + 1), 1)].flip(0)
	return _with_zero(table[1 :: max(len(table) // steps, 1)].flip(0))


def karras(levels: Parametrisation, steps: int) -> Tensor:
	"""Even distances in sigma^(1/ρ) with ρ = 7 (Karras et al. 2022, equation 5)."""
	return between.karras(steps, *_range(levels))


def exponential(levels: Parametrisation, steps: int) -> Tensor:
	"""Even distances in log sigma."""
	return between.exponential(steps, *_range(levels))


def kl_optimal(levels: Parametrisation, steps: int) -> Tensor:
	"""Even distances in arctan sigma (Sabour et al. 2024, "Align Your Steps", the closed form)."""
	low, high = _range(levels)
	return _with_zero(torch.linspace(math.atan(high), math.atan(low), steps).tan())


def linear_quadratic(levels: Parametrisation, steps: int) -> Tensor:
	"""The first half of the steps goes down linearly by 2.5 %, the rest as a parabola that joins smoothly.

	Source: Polyak et al. 2024, "Movie Gen".
	"""
	greatest = levels.sigmas[-1]
	if steps == 1:
		return greatest.new_tensor([float(greatest), 0.0])
	half = steps // 2
	rest = steps - half
	slope = LINEAR_PART / half
	excess = (half - LINEAR_PART * steps) / half
	gone = [
		slope * step if step < half else slope * step + excess * ((step - half) / rest) ** 2
		for step in range(steps + 1)
	]
	return (1 - greatest.new_tensor(gone)) * greatest


def beta(levels: Parametrisation, steps: int, *, rise: float = BETA_SHAPE, fall: float = BETA_SHAPE) -> Tensor:
	"""Training steps at the quantiles of a Beta distribution, by default dense at both ends (Lee et al. 2024).

	`rise` and `fall` are its alpha and beta. Steps that fall on the same training step are taken once.
	"""
	from scipy.special import betaincinv  # takes a while, and few schedules want it

	table = levels.sigmas
	chances = 1 - torch.arange(steps, dtype=torch.float64) / steps
	places = torch.from_numpy(betaincinv(rise, fall, chances.numpy()))
	# Ties go to the even step, so a place that is ½ must not be a bit less.
	indices = (places.round(decimals=9) * (len(table) - 1)).round().long()
	return _with_zero(table[torch.unique_consecutive(indices)])


SCHEDULES: Mapping[str, Schedule] = {
	'simple': simple,
	'sgm_uniform': sgm_uniform,
	'karras': karras,
	'exponential': exponential,
	'ddim_uniform': ddim_uniform,
	'beta': beta,
	'normal': normal,
	'linear_quadratic': linear_quadratic,
	'kl_optimal': kl_optimal,
}


def _with_zero(sigmas: Tensor) -> Tensor:
	return torch.cat([sigmas, sigmas.new_zeros(1)])


def _ends(levels: Parametrisation) -> tuple[Tensor, Tensor]:
	"""The timesteps of the greatest and of the least sigma."""
	return levels.timestep(levels.sigmas[-1]), levels.timestep(levels.sigmas[0])


def _range(levels: Parametrisation) -> tuple[float, float]:
	"""The least and the greatest sigma."""
	return float(levels.sigmas[0]), float(levels.sigmas[-1])


def _at(levels: Parametrisation, timesteps: Tensor) -> Tensor:
	return torch.stack([levels.sigma(timestep) for timestep in timesteps]).float()
