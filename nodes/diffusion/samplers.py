"""Samplers: from noise to a latent, one function each.

All work in sigma space, where x = clean + sigma · noise and dx/dsigma = (x − denoised) / sigma (Karras et al. 2022).
They take `denoise`, the start x [batch, channels, h, w] at sigmas[0], the sigmas, float32 [steps + 1] descending,
`noise`, which gives fresh unit noise in the shape of x, and `on_step`, called after each step with the steps done and
the last guess of the clean latent. They give x at sigmas[-1].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion.denoise import Denoise
from nodes.diffusion.unipc import uni_pc, uni_pc_bh2

Noise = Callable[[], Tensor]
StepDone = Callable[[int, Tensor], None]

LMS_ORDER = 4
ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""Weights of the last slopes, newest first, by order, for steps of one length."""


class Sampler(Protocol):
	"""What all samplers look like."""

	def __call__(self, denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor: ...


def euler(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""Straight along the slope (Karras et al. 2022, algorithm 2 without churn).

	In sigma space this is DDIM with eta 0 too (Song et al. 2021), which is therefore the same function.
	"""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		x = x + (x - denoised) / sigma * (lower - sigma)
		on_step(done, denoised)
	return x


def euler_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""A step further down than asked for, then fresh noise up to it; the variance is that of DDPM (Ho et al. 2020)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		up = (lower**2 * (sigma**2 - lower**2) / sigma**2).sqrt()
		down = (lower**2 - up**2).sqrt()
		x = x + (x - denoised) / sigma * (down - sigma)
		if lower > 0:
			x = x + noise() * up
		on_step(done, denoised)
	return x


def heun(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""The mean of the slopes at both ends of a step; two looks per step (Karras et al. 2022, algorithm 1)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		slope = (x - denoised) / sigma
		ahead = x + slope * (lower - sigma)
		if lower > 0:
			slope_ahead = (ahead - denoise(ahead, lower)) / lower
			ahead = x + (slope + slope_ahead) / 2 * (lower - sigma)
		x = ahead
		on_step(done, denoised)
	return x


def lms(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""Linear multistep of order 4: the polynomial through the last slopes, integrated over the step."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		slopes = [(x - denoised) / sigma, *slopes[: LMS_ORDER - 1]]
		if lower > 0:
			weights = _lagrange_integrals(sigmas[max(done - LMS_ORDER, 0) : done].flip(0), lower)
			x = x + _combined(weights.tolist(), slopes)
		else:
			x = denoised
		on_step(done, denoised)
	return x


def ipndm(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""Adams–Bashforth of order 4 with the weights of even steps (Zhang and Chen 2022, DEIS, "iPNDM")."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		slopes = [(x - denoised) / sigma, *slopes[:3]]
		if lower > 0:
			weights = ADAMS_BASHFORTH[len(slopes) - 1]
			x = x + (lower - sigma) * _combined(weights, slopes)
		else:
			x = denoised
		on_step(done, denoised)
	return x


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""DPM-Solver++(2M): exponential integrator on the guesses, second order from the last one (Lu et al. 2022, alg. 2)."""
	before: Tensor | None = None
	width_before = sigmas.new_zeros(())
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		width = (sigma / lower).log()
		guess = denoised
		if before is not None and lower > 0:
			guess = denoised + (denoised - before) * width / (2 * width_before)
		x = lower / sigma * x - torch.expm1(-width) * guess
		before, width_before = denoised, width
		on_step(done, denoised)
	return x


def res_multistep(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""Exponential Adams–Bashforth of order 2, exact in the step's width (Zhang et al. 2023, "RES")."""
	before: Tensor | None = None
	width_before = sigmas.new_zeros(())
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		width = (sigma / lower).log()
		change = -torch.expm1(-width) * denoised
		if before is not None and lower > 0:
			change = change + (width + torch.expm1(-width)) / width_before * (denoised - before)
		x = lower / sigma * x + change
		before, width_before = denoised, width
		on_step(done, denoised)
	return x


def lcm(denoise: Denoise, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: StepDone) -> Tensor:
	"""Jump to the guess and add fresh noise up to the next sigma (Luo et al. 2023, "Latent Consistency Models")."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = denoise(x, sigma)
		x = denoised + lower * noise() if lower > 0 else denoised
		on_step(done, denoised)
	return x


SAMPLERS: Mapping[str, Sampler] = {
	'euler': euler,
	'euler_ancestral': euler_ancestral,
	'heun': heun,
	'lms': lms,
	'dpmpp_2m': dpmpp_2m,
	'lcm': lcm,
	'ipndm': ipndm,
	'res_multistep': res_multistep,
	'ddim': euler,
	'uni_pc': uni_pc,
	'uni_pc_bh2': uni_pc_bh2,
}

SKIPS_LAST_SIGMA = frozenset({'uni_pc', 'uni_pc_bh2'})
"""Samplers that get a schedule of one step more, without its last sigma before 0."""


def _combined(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
	return torch.stack([weight * slope for weight, slope in zip(weights, slopes, strict=True)]).sum(dim=0)


def _lagrange_integrals(points: Tensor, end: Tensor) -> Tensor:
	"""The integral, from points[0] to `end`, of each Lagrange polynomial over the points; float64 [points].

	Found as the weights that integrate 1, s, s² … exactly, with s = sigma − points[0].
	"""
	places = (points - points[0]).double()
	powers = torch.arange(len(points), dtype=torch.float64)
	width = (end - points[0]).double()
	weights: Tensor = torch.linalg.solve(places ** powers[:, None], width ** (powers + 1) / (powers + 1))
	return weights
