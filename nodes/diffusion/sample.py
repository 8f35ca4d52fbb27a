"""What a KSampler does: noise, schedule, sampler and guidance put together, from latent to latent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.denoise import Denoise, guided
from nodes.diffusion.parametrisation import Parametrisation
from nodes.diffusion.samplers import SAMPLERS, SKIPS_LAST_SIGMA
from nodes.diffusion.schedules import SCHEDULES
from nodes.values import Conditioning, DiffusionModel, Latent, OnStep

FULL = 0.9999
"""Above this, `denoise` counts as 1."""

F = TypeVar('F')


def sample(
	model: DiffusionModel,
	*,
	seed: int,
	steps: int,
	cfg: float,
	sampler: str,
	scheduler: str,
	positive: Conditioning,
	negative: Conditioning,
	latent: Latent,
	denoise: float = 1.0,
	on_step: OnStep = lambda done, total, denoised: None,
	check_cancelled: Callable[[], None] = lambda: None,
) -> Tensor:
	"""Denoise a latent; gives samples in the wire's scale, float32, in the shape of `latent.samples`.

	Args:
		seed: 0 to 2⁶⁴ − 1; equal seeds give equal noise, whatever the batch is steered by.
		steps: how many times the sampler goes down.
		cfg: strength of guidance; 1 leaves the negative side out.
		sampler: a name of `names.SAMPLERS`.
		scheduler: a name of `names.SCHEDULES`.
		latent: where to begin; its `noise_mask` says where anything may change.
		denoise: 0 to 1, the part of the schedule that is run; 0 gives the latent back as it is.
		on_step: gets the guess of the clean latent in the model's scale, as `previews.picture` wants it.
		check_cancelled: called before each look of the network; raises `JobCancelled` to stop.

	Raises `NodeUsage` for a name that is not known.
	"""
	run = _named(SAMPLERS, sampler, 'sampler')
	levels = model.parametrisation
	sigmas = sigmas_for(levels.sigmas, steps=steps, scheduler=scheduler, sampler=sampler, denoise=denoise)
	if len(sigmas) < 2:
		return latent.samples
	with torch.inference_mode():
		start = model.latents.process_in(latent.samples.float())
		noise = _noise(start, seed)()
		guess = _cancellable(guided(model, positive, negative, cfg), check_cancelled)
		if latent.noise_mask is not None:
			guess = _masked(guess, start, noise, latent.noise_mask, levels)
		total = len(sigmas) - 1
		x = run(
			guess,
			levels.noised(start, noise, sigmas[0], full=bool(sigmas[0] >= levels.sigmas[-1] * (1 - 1e-5))),
			sigmas,
			noise=_noise(start, seed),  # as ComfyUI draws it: the first fresh noise is that of the start
			on_step=lambda done, denoised: on_step(done, total, denoised),
		)
		return model.latents.process_out(x)


def sigmas_for(table: Tensor, *, steps: int, scheduler: str, sampler: str = '', denoise: float = 1.0) -> Tensor:
	"""The sigmas a sampler is to go through, float32 descending; none if `denoise` is 0.

	For a part of the schedule, one of steps / denoise steps is made, and its end is taken. Raises `NodeUsage`.
	"""
	schedule = _named(SCHEDULES, scheduler, 'scheduler')
	if denoise <= 0:
		return table.new_zeros(0)
	planned = steps if denoise > FULL else int(steps / denoise)
	if sampler in SKIPS_LAST_SIGMA:
		sigmas = schedule(table, planned + 1)
		sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
	else:
		sigmas = schedule(table, planned)
	return sigmas if denoise > FULL else sigmas[-(steps + 1) :]


def _noise(like: Tensor, seed: int) -> Callable[[], Tensor]:
	"""Unit noise in the shape of a tensor, new with each call, always drawn on the CPU in float32."""
	generator = torch.Generator('cpu').manual_seed(seed)
	return lambda: torch.randn(like.shape, generator=generator).to(like)


def _masked(denoise: Denoise, clean: Tensor, noise: Tensor, mask: Tensor, levels: Parametrisation) -> Denoise:
	"""Where the mask is 0, let the network see the given latent under its own noise, and keep it as the guess."""
	free = torch.nn.functional.interpolate(mask.reshape(-1, 1, *mask.shape[-2:]), clean.shape[-2:], mode='bilinear')
	if len(free) < len(clean):
		free = free.repeat(-(-len(clean) // len(free)), 1, 1, 1)
	free = free[: len(clean)]

	def masked(x: Tensor, sigma: Tensor) -> Tensor:
		seen = x * free + levels.noised(clean, noise, sigma, full=False) * (1 - free)
		return denoise(seen, sigma) * free + clean * (1 - free)

	return masked


def _cancellable(denoise: Denoise, check_cancelled: Callable[[], None]) -> Denoise:
	def checked(x: Tensor, sigma: Tensor) -> Tensor:
		check_cancelled()
		return denoise(x, sigma)

	return checked


def _named(functions: Mapping[str, F], name: str, what: str) -> F:
	try:
		return functions[name]
	except KeyError:
		raise NodeUsage(f'There is no {what} {name!r}; there are: {", ".join(functions)}.') from None
