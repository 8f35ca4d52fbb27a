"""Samplers that step further down than asked for, then add fresh noise up to it.

`eta` is how much of DDPM's noise is added, `s_noise` multiplies it. Flow has formulas of its own, since the clean share
of x changes too.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from nodes.diffusion.samplers.base import Task, ancestral, ancestral_flow, slope
from nodes.pixels.scale import resize

NEARLY_ONE = 0.9999
"""Where a flow sampler looks between 1, whose log SNR is not finite, and the next sigma."""


def euler_ancestral(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
	"""Euler steps; with eta 1 the variance is that of DDPM (Ho et al. 2020)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		if lower == 0:
			x = denoised
		elif task.flow:
			down, scale, up = ancestral_flow(sigma, lower, eta)
			x = torch.lerp(denoised, x, down / sigma)
			if eta > 0:
				x = scale * x + task.noise() * s_noise * up
		else:
			down, up = ancestral(sigma, lower, eta)
			x = denoised if down == 0 else x + slope(x, denoised, sigma) * (down - sigma) + task.noise() * s_noise * up
		task.on_step(done, denoised)
	return x


def euler_ancestral_cfg_pp(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
	"""The same with CFG++ (Chung et al. 2024): the noise is the unguided guess's, the clean latent the guided one's."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		if lower == 0:
			x = denoised
		else:
			share, share_lower = task.alpha(sigma), task.alpha(lower)
			down, up = ancestral(sigma / share, lower / share_lower, eta)
			x = share_lower * denoised + share_lower * down * slope(x, share * unguided, sigma)
			if eta > 0 and s_noise > 0:
				x = x + share_lower * task.noise() * s_noise * up
		task.on_step(done, denoised)
	return x


def euler_cfg_pp(task: Task, x: Tensor, sigmas: Tensor, *, alternative: bool = False) -> Tensor:
	"""Euler with CFG++ (Chung et al. 2024), without noise.

	The alternative is ComfyUI's: Euler whose slope is away from twice the guided guess less the unguided one.
	"""
	if not alternative:
		return euler_ancestral_cfg_pp(task, x, sigmas, eta=0.0, s_noise=0.0)
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		x = x + slope(x, 2 * denoised - unguided, sigma) * (lower - sigma)
		task.on_step(done, denoised)
	return x


def dpm_2_ancestral(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
	"""The slope at the geometric mean of a step's ends (DPM-Solver-2, Lu et al. 2022), then noise."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		if task.flow:
			down, scale, up = ancestral_flow(sigma, lower, eta)
		else:
			(down, up), scale = ancestral(sigma, lower, eta), torch.ones_like(sigma)
		here = slope(x, denoised, sigma)
		if down == 0:
			x = x + here * (down - sigma)
		else:
			middle = (sigma * down).sqrt()
			halfway = x + here * (middle - sigma)
			x = x + slope(halfway, task.denoise(halfway, middle), middle) * (down - sigma)
			x = scale * x + task.noise() * s_noise * up
		task.on_step(done, denoised)
	return x


def dpmpp_2s_ancestral(task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
	"""DPM-Solver++(2S): a look halfway in log SNR, whose guess makes the step (Lu et al. 2022, alg. 1), then noise."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		x = _step_2s(task, x, denoised, sigma, lower, eta, s_noise)
		task.on_step(done, denoised)
	return x


def dpmpp_2s_ancestral_cfg_pp(
	task: Task, x: Tensor, sigmas: Tensor, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
	"""The same with CFG++ (Chung et al. 2024): steps from where the guidance leads x, by guided guesses.

	x is moved by the guided guess less the unguided one, so that its noise is the unguided guess's. Flow has no formulas of
	its own here.
	"""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised, unguided = task.apart(x, sigma)
		down, up = ancestral(sigma, lower, eta)
		if down == 0:
			x = denoised
		else:
			halfway = (sigma * down).sqrt()
			moved = x + (denoised - unguided)
			guess = task.denoise(torch.lerp(denoised, moved, halfway / sigma), halfway)
			x = torch.lerp(guess, moved, down / sigma)
		if lower > 0:
			x = x + task.noise() * s_noise * up
		task.on_step(done, denoised)
	return x


def ddpm(task: Task, x: Tensor, sigmas: Tensor) -> Tensor:
	"""The mean of the posterior and noise of its variance, in variance-preserving scale (Ho et al. 2020, eq. 6, 7)."""
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		bar, bar_lower = 1 / (sigma**2 + 1), 1 / (lower**2 + 1)
		alpha = bar / bar_lower
		scaled = x / (1 + sigma**2).sqrt()
		x = (scaled - (1 - alpha) * slope(x, denoised, sigma) / (1 - bar).sqrt()) / alpha.sqrt()
		if lower > 0:
			x = x + ((1 - alpha) * (1 - bar_lower) / (1 - bar)).sqrt() * task.noise()
			x = x * (1 + lower**2).sqrt()
		task.on_step(done, denoised)
	return x


def lcm(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	s_noise: float = 1.0,
	s_noise_end: float | None = None,
	noise_clip_std: float = 0.0,
) -> Tensor:
	"""Jump to the guess and add fresh noise up to the next sigma (Luo et al. 2023, "Latent Consistency Models").

	The noise is multiplied by a factor that goes evenly from `s_noise` to `s_noise_end` over the steps; with
	`noise_clip_std` it is cut at so many standard deviations.
	"""
	steps = len(sigmas) - 1
	last = s_noise if s_noise_end is None else s_noise_end
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		x = denoised
		if lower > 0:
			noise = task.noise()
			if noise_clip_std > 0:
				bound = noise_clip_std * noise.std()
				noise = torch.clamp(noise, -bound, bound)
			part = (done - 1) / (steps - 1) if steps > 1 else 0.0
			noise = noise * (s_noise + (last - s_noise) * part)
			x = task.levels.noised(denoised, noise, lower, full=False)
		task.on_step(done, denoised)
	return x


def lcm_upscale(
	task: Task,
	x: Tensor,
	sigmas: Tensor,
	*,
	scale_ratio: float = 1.0,
	scale_steps: int = -1,
	upscale_method: str = 'bislerp',
) -> Tensor:
	"""LCM that enlarges its guesses, from step to step evenly, to `scale_ratio` times the sides.

	It grows over the first `scale_steps` steps, by default over half of them. A method is one of `pixels.scale.resize`.
	"""
	looks = len(sigmas) - 1
	growing = max((looks + 1) // 2, 1) if scale_steps < 0 else min(scale_steps, looks + 1)
	height, width = x.shape[-2:]
	for done, (sigma, lower) in enumerate(pairwise(sigmas), start=1):
		denoised = task.denoise(x, sigma)
		x = denoised
		if done <= growing:
			ratio = 1 + (scale_ratio - 1) * done / growing
			x = resize(x, round(width * ratio), round(height * ratio), upscale_method)
		if lower > 0:
			x = x + lower * task.later(x)
		task.on_step(done, denoised)
	return x


def _step_2s(
	task: Task, x: Tensor, denoised: Tensor, sigma: Tensor, lower: Tensor, eta: float, s_noise: float
) -> Tensor:
	"""One step of DPM-Solver++(2S) and its noise."""
	if lower == 0:
		return denoised
	if task.flow:
		down, scale, up = ancestral_flow(sigma, lower, eta)
		halfway = torch.full_like(sigma, NEARLY_ONE)
		if sigma != 1:
			halfway = task.sigma_at((task.half_log_snr(sigma) + task.half_log_snr(down)) / 2)
		guess = task.denoise(torch.lerp(denoised, x, halfway / sigma), halfway)
		x = torch.lerp(guess, x, down / sigma)
		return scale * x + task.noise() * s_noise * up if eta > 0 else x
	down, up = ancestral(sigma, lower, eta)
	if down == 0:
		x = denoised
	else:
		halfway = (sigma * down).sqrt()
		guess = task.denoise(torch.lerp(denoised, x, halfway / sigma), halfway)
		x = torch.lerp(guess, x, down / sigma)
	return x + task.noise() * s_noise * up
