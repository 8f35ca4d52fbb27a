"""Samplers that take one slope, or the mean of a few, per step; none draws noise."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from nodes.diffusion.samplers.base import Task, slope


def euler(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""Straight along the slope (Karras et al. 2022, algorithm 2 without churn).

	In sigma space this is DDIM with eta 0 too (Song et al. 2021), which is therefore the same function.
	"""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		x = x + slope(x, denoised, sigma) * (lower - sigma)
		task.on_step(done, denoised)
	return x


def heun(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""The mean of the slopes at both ends of a step; two looks per step (Karras et al. 2022, algorithm 1)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		here = slope(x, denoised, sigma)
		ahead = x + here * (lower - sigma)
		if lower > 0:
			there = slope(ahead, task.denoise(ahead, lower), lower)
			ahead = x + (here + there) / 2 * (lower - sigma)
		x = ahead
		task.on_step(done, denoised)
	return x


def heunpp2(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""Heun++: slopes at this and the next two sigmas, weighted by sigma over a multiple of the first (Carzit 2024).

	The step before the last looks ahead once, the last not at all.
	"""
	end = sigmas[-1]
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		slopes = [slope(x, denoised, sigma)]
		ahead = x
		if lower != end:
			beyond = sigmas[done + 1]
			looks = [(sigma, lower)] if beyond == end else [(sigma, lower), (lower, beyond)]
			for start, stop in looks:
				ahead = ahead + slopes[-1] * (stop - start)
				slopes.append(slope(ahead, task.denoise(ahead, stop), stop))
			whole = len(slopes) * sigmas[0]
			weights = [stop / whole for _, stop in looks]
			mean = slopes[0] * (1 - sum(weights))
			for weight, other in zip(weights, slopes[1:], strict=True):
				mean = mean + other * weight
			slopes = [mean]
		x = x + slopes[0] * (lower - sigma)
		task.on_step(done, denoised)
	return x


def gradient_estimation(task: Task, x: Tensor, sigmas: Tensor, *, gamma: float = 2.0) -> Tensor:
	"""Euler along the slope pushed on from the last one by gamma − 1 (Permenter and Yuan 2024, section 4.2)."""
	before: Tensor | None = None
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		here = slope(x, denoised, sigma)
		if lower > 0:
			steep = here if before is None else here + (gamma - 1) * (here - before)
			x = x + steep * (lower - sigma)
		else:
			x = denoised
		before = here
		task.on_step(done, denoised)
	return x


def gradient_estimation_cfg_pp(task: Task, x: Tensor, sigmas: Tensor, *, gamma: float = 2.0) -> Tensor:
	"""The same with CFG++ (Chung et al. 2024): the noise is the unguided guess's, the clean latent the guided one's."""
	before: Tensor | None = None
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		here = slope(x, unguided, sigma)
		if lower > 0:
			x = denoised + here * lower
			if before is not None:
				x = x + (gamma - 1) * (here - before) * (lower - sigma)
		else:
			x = denoised
		before = here
		task.on_step(done, denoised)
	return x
