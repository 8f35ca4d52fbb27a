"""UniPC: a predictor and a corrector of one order from the same guesses (Zhao et al. 2023, data prediction, multistep).

The paper's lambda is −log sigma here. Sigma 0 has none, so the last step ends at `LAST` instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task

LAST = 0.001
ORDER = 3

Past = Sequence[tuple[float, Tensor]]
"""Guesses with the lambda they were made at, newest first."""


def uni_pc(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""UniPC with B₁(h) = h."""
	return _unipc(task, x, sigmas, lambda width: width)


def uni_pc_bh2(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""UniPC with B₂(h) = eʰ − 1."""
	return _unipc(task, x, sigmas, math.expm1)


def _unipc(task: Task, x: Tensor, sigmas: Tensor, scale: Callable[[float], float]) -> Tensor:
	if len(sigmas) < 2:
		return x
	ends = sigmas.clone()
	ends[-1] = ends[-1].clamp(min=LAST)
	lambdas = [-math.log(sigma) for sigma in ends]
	steps = len(ends) - 1
	past: list[tuple[float, Tensor]] = [(lambdas[0], task.denoise(x, ends[0]))]
	for step in range(1, steps + 1):
		order = min(ORDER, steps - 1 or 1, step, steps + 1 - step)
		latest = past[0][1]
		predicted = _advance(x, past[:order], lambdas[step], None, scale)
		if step < steps:
			guess = task.denoise(predicted, ends[step])
			x = _advance(x, past[:order], lambdas[step], guess, scale)
			past = [(lambdas[step], guess), *past[: ORDER - 1]]
		else:
			x = predicted
		task.on_step(step, latest)
	return x


def _advance(x: Tensor, past: Past, end: float, guess: Tensor | None, scale: Callable[[float], float]) -> Tensor:
	"""One step from past[0] to lambda `end`: the predictor, or with the guess at its end the corrector."""
	start, newest = past[0]
	width = -(end - start)
	points = [((at - start) / (end - start), value) for at, value in past[1:]]
	if guess is not None:
		points.append((1.0, guess))
	x = math.exp(width) * x - math.expm1(width) * newest
	if not points:
		return x
	weights = _weights([ratio for ratio, _ in points], width, scale)
	for weight, (ratio, value) in zip(weights, points, strict=True):
		x = x - scale(width) * weight / ratio * (value - newest)
	return x


def _weights(ratios: Sequence[float], width: float, scale: Callable[[float], float]) -> list[float]:
	"""The paper's coefficients ρ for points at these fractions of the step (theorem 3.1 and appendix A).

	A single one is ½, as the paper takes it for both forms.
	"""
	if len(ratios) == 1:
		return [0.5]
	rows, wanted = [], []
	phi, factorial = math.expm1(width) / width - 1, 1.0
	for power in range(len(ratios)):
		rows.append([ratio**power for ratio in ratios])
		wanted.append(phi * factorial / scale(width))
		factorial *= power + 2
		phi = phi / width - 1 / factorial
	solved: list[float] = torch.linalg.solve(
		torch.tensor(rows, dtype=torch.float64), torch.tensor(wanted, dtype=torch.float64)
	).tolist()
	return solved
