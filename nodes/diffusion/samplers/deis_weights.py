"""The weights of DEIS: integrals over a step, in the time of a variance-preserving diffusion."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIGMA_MIN = 0.002
SIGMA_MAX = 80.0
TIME_MIN = 1e-3
"""Times 1e-3 and 1 are those of the least and the greatest sigma."""

PARTS = 10_000
"""Places at which the integrals are summed; the sum's own error is part of the definition."""


def deis_weights(sigmas: Tensor) -> list[float]:
	"""What to multiply the last slopes by, newest first, for the step between the last two of these sigmas.

	Time t belongs to sigma by sigma² + 1 = exp(½ · beta_d · t² + beta_min · t). The polynomial through the slopes is one
	in t; what it is multiplied by is the derivative of sigma by t (Zhang and Chen 2022, equation 15).
	"""
	low, high = math.log1p(SIGMA_MIN**2), math.log1p(SIGMA_MAX**2)
	beta_d = 2 * (low / TIME_MIN - high) / (TIME_MIN - 1)
	beta_min = high - beta_d / 2
	times = ((beta_min**2 + 2 * beta_d * (sigmas.double() ** 2 + 1).log()).sqrt() - beta_min) / beta_d
	start, end = times[-2], times[-1]
	places = torch.linspace(float(start), float(end), PARTS, dtype=torch.float64)
	alpha = (-(beta_d * places / 2 + beta_min) * places).exp()
	rate = (beta_d * places + beta_min) / 2 / (alpha * (1 - alpha)).sqrt()
	points = times[:-1].flip(0)
	weights = []
	for index, point in enumerate(points):
		polynomial = torch.ones_like(places)
		for other in (*points[:index], *points[index + 1 :]):
			polynomial = polynomial * (places - other) / (point - other)
		weights.append(float((rate * polynomial).sum() * (end - start) / PARTS))
	return weights
