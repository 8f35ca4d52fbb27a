"""Samplers that use the slopes or guesses of earlier steps; one look per step, no noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task, slope
from nodes.diffusion.samplers.deis_weights import deis_weights

ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""Weights of the last slopes, newest first, by order, for steps of one length."""


def lms(task: Task, x: Tensor, sigmas: Tensor, *, order: int = 4) -> Tensor:
	"""Linear multistep: the polynomial through the last slopes, integrated over the step (Katherine Crowson 2022)."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		slopes = [slope(x, denoised, sigma), *slopes[: order - 1]]
		if lower == 0:
			x = denoised
		else:
			weights = _lagrange_integrals(sigmas[max(done - order, 0) : done].flip(0), lower)
			x = x + _combined(weights.tolist(), slopes)
		task.on_step(done, denoised)
	return x


def ipndm(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""Adams–Bashforth of order 4 with the weights of even steps (Zhang and Chen 2022, DEIS, "iPNDM")."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		slopes = [slope(x, denoised, sigma), *slopes[:3]]
		x = denoised if lower == 0 else x + (lower - sigma) * _combined(ADAMS_BASHFORTH[len(slopes) - 1], slopes)
		task.on_step(done, denoised)
	return x


def ipndm_v(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""iPNDM with weights for uneven steps, as Zhou et al. 2024 published them ("diff-sampler")."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		slopes = [slope(x, denoised, sigma), *slopes[:3]]
		if lower == 0:
			x = denoised
		else:
			widths = sigmas[max(done - 4, 0) : done + 1].diff().flip(0)
			x = x + (lower - sigma) * _combined(_uneven_weights(widths.tolist()), slopes)
		task.on_step(done, denoised)
	return x


def deis(task: Task, x: Tensor, sigmas: Tensor, *, order: int = 3) -> Tensor:
	"""DEIS "tAB": the polynomial in VP time through the last slopes (Zhang and Chen 2022), up to order 3."""
	slopes: list[Tensor] = []
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		slopes = [slope(x, denoised, sigma), *slopes[: order - 1]]
		if len(slopes) == 1 or lower <= 0:
			x = x + (lower - sigma) * slopes[0]
		else:
			x = x + _combined(deis_weights(sigmas[done - len(slopes) : done + 1]), slopes)
		task.on_step(done, denoised)
	return x


def dpmpp_2m(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""DPM-Solver++(2M): exponential integrator on the guesses, second order from the last one (Lu et al. 2022, alg. 2)."""
	before: Tensor | None = None
	width_before = sigmas.new_zeros(())
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		width = (sigma / lower).log()
		guess = denoised
		if before is not None and lower != 0:
			guess = denoised + (denoised - before) * width / (2 * width_before)
		x = lower / sigma * x - torch.expm1(-width) * guess
		before, width_before = denoised, width
		task.on_step(done, denoised)
	return x


def dpmpp_2m_cfg_pp(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""The same with CFG++ (Chung et al. 2024): the noise is the unguided guess's, the clean latent the guided one's."""
	before: Tensor | None = None
	width_before = sigmas.new_zeros(())
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		width = (sigma / lower).log()
		x = denoised + lower / sigma * (x - unguided)
		if before is not None and lower != 0:
			x = x - torch.expm1(-width) * (denoised - before) * width / (2 * width_before)
		before, width_before = unguided, width
		task.on_step(done, denoised)
	return x


def _combined(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
	total = slopes[0] * weights[0]
	for weight, other in zip(weights[1:], slopes[1:], strict=True):
		total = total + other * weight
	return total


def _lagrange_integrals(points: Tensor, end: Tensor) -> Tensor:
	"""The integral, from points[0] to `end`, of each Lagrange polynomial over the points; float64 [points].

	Found as the weights that integrate 1, s, s² … exactly, with s = sigma − points[0].
	"""
	places = (points - points[0]).double()
	powers = torch.arange(len(points), dtype=torch.float64)
	width = (end - points[0]).double()
	weights: Tensor = torch.linalg.solve(places ** powers[:, None], width ** (powers + 1) / (powers + 1))
	return weights


def _uneven_weights(widths: Sequence[float]) -> list[float]:
	"""Weights of the last slopes, newest first; `widths` are those of this step and of those before it, newest first.

	Two factors are not those of Adams–Bashforth but where steps are even: that of the second difference, `bend`, and that of
	the oldest slope. What was published has them so, and pictures depend on it.
	"""
	if len(widths) == 1:
		return [1.0]
	h, h1, *rest = widths
	first = h / h1
	weights = [1 + first / 2, -first / 2]
	if rest:
		h2, *rest = rest
		ratio = h1 / h2
		bend = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2
		weights = [weights[0] + bend, weights[1] - (1 + ratio) * bend, bend * ratio]
		if rest:
			(h3,) = rest
			twist = (1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
			twist *= h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3))
			far = h1 * (h1 + h2) / (h2 * (h2 + h3))
			weights = [
				weights[0] + twist,
				weights[1] - (1 + ratio + far) * twist,
				weights[2] + (ratio + far * (1 + h2 / h3)) * twist,
				-twist * far * ratio,
			]
	return weights
