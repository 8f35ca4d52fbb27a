"""Noise levels to go through that are told by numbers, without a model: float32 [steps + 1], descending, 0 at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nodes.diffusion.curve import Point, height_at

RHO = 7.0
NO_LOG_OF_ZERO = 1e-5

ALIGNED = {
	'SD1': (
		14.6146412293,
		6.4745760956,
		3.8636745985,
		2.694615152,
		1.8841921177,
		1.3943805092,
		0.9642583904,
		0.6523686016,
		0.3977456272,
		0.1515232662,
		0.0291671582,
	),
	'SDXL': (
		14.6146412293,
		6.3184485287,
		3.7681790315,
		2.1811480769,
		1.3405244945,
		0.8620721141,
		0.5550693289,
		0.3798540708,
		0.2332364134,
		0.1114188177,
		0.0291671582,
	),
	'SVD': (
		700.0,
		54.5,
		15.886,
		7.977,
		4.248,
		1.789,
		0.981,
		0.403,
		0.173,
		0.034,
		0.002,
	),
}
"""The sigmas for ten steps that were optimised for each family."""

PATCH = 16
"""Pixels of a Flux.2 patch along a side."""
LONG = 4300
"""Patches above which the number of steps does not count."""


def karras(steps: int, low: float, high: float, rho: float = RHO) -> Tensor:
	"""Even distances in sigma^(1/ρ) (Karras et al. 2022, equation 5)."""
	first, last = high ** (1 / rho), low ** (1 / rho)
	return _with_zero((first + torch.linspace(0, 1, steps) * (last - first)) ** rho)


def exponential(steps: int, low: float, high: float) -> Tensor:
	"""Even distances in log sigma."""
	return _with_zero(torch.linspace(math.log(high), math.log(low), steps).exp())


def polyexponential(steps: int, low: float, high: float, rho: float) -> Tensor:
	"""Distances in log sigma that fall as a power of the way that is left."""
	left = torch.linspace(1, 0, steps) ** rho
	return _with_zero((left * (math.log(high) - math.log(low)) + math.log(low)).exp())


def laplace(steps: int, low: float, high: float, mu: float, beta: float) -> Tensor:
	"""Quantiles of a Laplace distribution of log sigma (Hang et al. 2024), within bounds; no 0 is added: float32 [steps]."""
	place = torch.linspace(0, 1, steps)
	log = mu - beta * (0.5 - place).sign() * (1 - 2 * (0.5 - place).abs() + NO_LOG_OF_ZERO).log()
	return log.exp().clamp(low, high)


def variance_preserving(steps: int, beta_d: float, beta_min: float, epsilon: float) -> Tensor:
	"""Even times of a variance-preserving diffusion, from 1 to `epsilon` (Song et al. 2021; Karras et al. 2022, table 1)."""
	time = torch.linspace(1, epsilon, steps)
	return _with_zero((beta_d * time**2 / 2 + beta_min * time).expm1().sqrt())


def aligned(family: str, steps: int) -> Tensor:
	"""Align Your Steps (Sabour et al. 2024); for other than ten steps, in between by log sigma."""
	import numpy as np

	known = ALIGNED[family]
	if steps + 1 != len(known):
		logs = np.log(np.array(known[::-1]))
		places = np.linspace(0, 1, steps + 1)
		known = tuple(np.exp(np.interp(places, np.linspace(0, 1, len(logs)), logs))[::-1].tolist())
	sigmas = torch.tensor(known, dtype=torch.float32)
	sigmas[-1] = 0
	return sigmas


def flux2(steps: int, width: int, height: int) -> Tensor:
	"""Flux.2's: even times, shifted by the number of patches and of steps (from its reference sampling code)."""
	patches = round(width * height / PATCH**2)
	many = 0.00016927 * patches + 0.45666666
	if patches > LONG:
		shift = many
	else:
		few = 8.73809524e-05 * patches + 1.89833333
		slope = (many - few) / 190
		shift = slope * steps + many - 200 * slope
	time = torch.linspace(1, 0, steps + 1)
	return math.exp(shift) / (math.exp(shift) + (1 / time - 1))


def extended(sigmas: Tensor, parts: int, start: float, end: float, spacing: str) -> Tensor:
	"""The same with each step from a sigma in [end, start] split in so many, `linear`, `cosine` or `sine`."""
	place = torch.linspace(0, 1, parts + 1)[1:-1]
	if spacing == 'cosine':
		place = (place * math.pi / 2).sin()
	elif spacing == 'sine':
		place = 1 - (place * math.pi / 2).cos()
	found: list[Tensor] = []
	for sigma, lower in pairwise(sigmas):
		found.append(sigma[None])
		if end <= float(sigma) <= start:
			found.append(place * (lower - sigma) + sigma)
	return torch.cat([*found, sigmas[-1:]])


def along(points: Sequence[Point], steps: int, low: float, high: float) -> Tensor:
	"""By the heights of a curve at even distances from 0 to 1: 1 is `high`, 0 is `low`, by log sigma in between; then 0."""
	places = [index / max(1, steps - 1) for index in range(steps)]
	heights = torch.tensor([height_at(points, place) for place in places], dtype=torch.float64).clamp(0, 1)
	return _with_zero(torch.exp(math.log(low) + heights * (math.log(high) - math.log(low))).float())


def told(numbers: Sequence[float]) -> Tensor:
	"""Sigmas as they are given."""
	return torch.tensor(numbers, dtype=torch.float32)


def _with_zero(sigmas: Tensor) -> Tensor:
	return torch.cat([sigmas, sigmas.new_zeros(1)])
