"""Schedules: at which sigmas a sampler looks, as ComfyUI's schedulers of the same names choose them.

Each takes the model's training sigmas, float32 [n] ascending, and a number of steps, and gives float32 [steps + 1],
descending, 0 at the end (`beta` and `ddim_uniform` may come out some steps shorter or longer, as said there).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

RHO = 7.0
BETA_SHAPE = 0.6
LINEAR_PART = 0.025
GRID = 4097


class Schedule(Protocol):
	"""A function from training sigmas and steps to the sigmas to look at."""

	def __call__(self, table: Tensor, steps: int) -> Tensor: ...


def normal(table: Tensor, steps: int) -> Tensor:
	"""Training steps in even distances from the last to the first."""
	return _with_zero(_sigma_at(table, torch.linspace(len(table) - 1, 0, steps)))


def sgm_uniform(table: Tensor, steps: int) -> Tensor:
	"""As `normal`, but the first training step is left out, so the last distance is as long as the others."""
	return _with_zero(_sigma_at(table, torch.linspace(len(table) - 1, 0, steps + 1)[:-1]))


def simple(table: Tensor, steps: int) -> Tensor:
	"""Every n-th of the training sigmas, counted from the greatest, without interpolation."""
	return _with_zero(torch.stack([table[-1 - int(step * len(table) / steps)] for step in range(steps)]))


def ddim_uniform(table: Tensor, steps: int) -> Tensor:
	"""Training steps 1, 1 + n, 1 + 2n … with n = total // steps (Song et al. 2021, DDIM, as first released).

	Where the total is no multiple of the steps, more steps than asked for fit.
	"""
	stride = max(len(table) // steps, 1)
	return _with_zero(table[1::stride].flip(0))


def karras(table: Tensor, steps: int) -> Tensor:
	"""Even distances in sigma^(1/ρ) with ρ = 7 (Karras et al. 2022, equation 5)."""
	low, high = float(table[0]) ** (1 / RHO), float(table[-1]) ** (1 / RHO)
	return _with_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** RHO)


def exponential(table: Tensor, steps: int) -> Tensor:
	"""Even distances in log sigma."""
	return _with_zero(torch.linspace(math.log(table[-1]), math.log(table[0]), steps).exp())


def kl_optimal(table: Tensor, steps: int) -> Tensor:
	"""Even distances in arctan sigma (Sabour et al. 2024, "Align Your Steps", the closed form)."""
	return _with_zero(torch.linspace(math.atan(table[-1]), math.atan(table[0]), steps).tan())


def linear_quadratic(table: Tensor, steps: int) -> Tensor:
	"""The first half of the steps goes down linearly by 2.5 %, the rest as a parabola that joins smoothly.

	Source: Polyak et al. 2024, "Movie Gen".
	"""
	if steps == 1:
		return table.new_tensor([float(table[-1]), 0.0])
	half = steps // 2
	rest = steps - half
	slope = LINEAR_PART / half
	excess = (half - LINEAR_PART * steps) / half
	gone = [
		slope * step if step < half else slope * step + excess * ((step - half) / rest) ** 2
		for step in range(steps + 1)
	]
	return (1 - table.new_tensor(gone)) * table[-1]


def beta(table: Tensor, steps: int) -> Tensor:
	"""Training steps at the quantiles of a Beta(0.6, 0.6) distribution: dense at both ends (Lee et al. 2024).

	Steps that fall on the same training step are taken once.
	"""
	places = _symmetric_beta_quantiles(1 - torch.arange(steps, dtype=torch.float64) / steps)
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


def _sigma_at(table: Tensor, steps: Tensor) -> Tensor:
	"""Sigmas at fractional training steps, interpolated in log sigma."""
	logs = table.log()
	low, high = steps.floor().long(), steps.ceil().long()
	return torch.lerp(logs[low], logs[high], steps - low).exp()


def _symmetric_beta_quantiles(chances: Tensor) -> Tensor:
	"""Where the distribution function of Beta(a, a), a = 0.6, takes these values in 0 to 1; float64.

	The function is integrated once over a grid on 0 to ½, in y = xᵃ, where the integrand (1 − y^(1/a))^(a − 1) is
	smooth; the other half is its mirror image. Good to about 1e-7, and the caller rounds to thousandths.
	"""
	grid = torch.linspace(0, 0.5**BETA_SHAPE, GRID, dtype=torch.float64)
	integral = torch.cumulative_trapezoid((1 - grid ** (1 / BETA_SHAPE)) ** (BETA_SHAPE - 1), grid)
	mass = torch.cat([grid.new_zeros(1), integral / (2 * integral[-1])])
	lower = torch.minimum(chances, 1 - chances)
	right = torch.searchsorted(mass, lower).clamp(1, GRID - 1)
	part = (lower - mass[right - 1]) / (mass[right] - mass[right - 1])
	quantiles = torch.lerp(grid[right - 1], grid[right], part) ** (1 / BETA_SHAPE)
	return torch.where(chances > 0.5, 1 - quantiles, quantiles)
