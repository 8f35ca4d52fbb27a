"""What sampling nodes do: noise, sigmas, sampler and guidance put together, from latent to latent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from engine.errors import NodeUsage
from engine.models import FileDigest, ModelRef
from nodes.diffusion.guidance import Guided
from nodes.diffusion.guiders import steered
from nodes.diffusion.masking import Masked, fitted
from nodes.diffusion.noise import Between, brownian_noise, fresh_noise, later_noise, start_noise
from nodes.diffusion.parametrisation import Parametrisation
from nodes.diffusion.samplers import FRESH_MASK_NOISE, GROWING, MORE_SAMPLERS, SAMPLERS, SKIPS_LAST_SIGMA, Task
from nodes.diffusion.schedules import SCHEDULES
from nodes.steering import CfgGuider, Guider, Noise, Sampler
from nodes.values import Conditioning, DiffusionModel, Latent, OnStep, Scene

FLUX2_CHANNELS = 128
"""So many have latents whose values span 16 pixels a side; those of all others span 8."""

FULL = 0.9999
"""Above this, `denoise` counts as 1."""

F = TypeVar('F')


@dataclass(frozen=True, eq=False)
class Sampled:
	"""What sampling gave, in the wire's scale and the shape of the latent: the samples, and the last guess of clean ones."""

	samples: Tensor
	denoised: Tensor


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
	add_noise: bool = True,
	first_step: int = 0,
	last_step: int | None = None,
	leftover_noise: bool = False,
	places: int | None = None,
	on_step: OnStep = lambda done, total, denoised: None,
	check_cancelled: Callable[[], None] = lambda: None,
) -> Tensor:
	"""Denoise a latent as KSampler does; gives samples in the wire's scale, float32, in the shape of `latent.samples`.

	Args:
		seed: 0 to 2⁶⁴ − 1; equal seeds give equal noise, whatever the batch is steered by.
		steps: how many times the sampler goes down.
		cfg: strength of guidance; 1 leaves the negative side out.
		sampler: a name of `names.SAMPLERS`.
		scheduler: a name of `names.SCHEDULES`.
		latent: where to begin; its `noise_mask` says where anything may change.
		denoise: 0 to 1, the part of the schedule that is run; 0 gives the latent back as it is.
		add_noise: whether the latent is to be noised first.
		first_step: the step to begin with; from the last one on, the latent comes back as it is.
		last_step: the step to end before; all of them if None.
		leftover_noise: whether what ends early may keep its noise; else its last step goes down to 0.
		places: how large a pass of the network may be, see `guidance.Sides`; None is as large as it comes.
		on_step: gets the guess of the clean latent in the model's scale, as `previews.picture` wants it.
		check_cancelled: called before each look of the network; raises `JobCancelled` to stop.

	Raises `NodeUsage` for a name that is not known.
	"""
	_named(SAMPLERS, sampler, 'sampler')
	sigmas = sigmas_for(model.parametrisation, steps=steps, scheduler=scheduler, sampler=sampler, denoise=denoise)
	if last_step is not None and last_step < len(sigmas) - 1:
		sigmas = sigmas[: last_step + 1].clone()
		if not leftover_noise:
			sigmas[-1] = 0
	if first_step >= len(sigmas) - 1:
		return latent.samples
	unnamed = ModelRef[DiffusionModel](FileDigest(''), '')  # the model is here already
	return sample_custom(
		model,
		CfgGuider(unnamed, positive, negative, cfg),
		noise=Noise(seed, empty=not add_noise),
		sampler=Sampler(sampler),
		sigmas=sigmas[first_step:],
		latent=latent,
		places=places,
		on_step=on_step,
		check_cancelled=check_cancelled,
	).samples


def sample_custom(
	model: DiffusionModel,
	guider: Guider,
	*,
	noise: Noise,
	sampler: Sampler,
	sigmas: Tensor,
	latent: Latent,
	places: int | None = None,
	unwanted: DiffusionModel | None = None,
	on_step: OnStep = lambda done, total, denoised: None,
	check_cancelled: Callable[[], None] = lambda: None,
) -> Sampled:
	"""Take a latent through sigmas, float32 [steps + 1], as told. See `sample` for the rest.

	`guider.model` is not looked at: `model` is its lease, and `unwanted` that of its other model, if it has one. Raises
	`NodeUsage` for a name or option that is not known, and for a mask on a latent that grows.
	"""
	run = _sampler(sampler)
	latent = fitting(model, latent)
	if latent.noise_mask is not None and sampler.name in GROWING:
		raise NodeUsage('This sampler enlarges the latent; a noise mask cannot grow with it. Take the mask off.')
	if not len(sigmas):
		return Sampled(latent.samples, latent.samples)
	with torch.inference_mode():
		model = _begun(model)
		levels = model.parametrisation
		clean = scaled_in(model, latent.samples)
		start = _start(clean, noise, latent)
		mask = None if latent.noise_mask is None else fitted(latent.noise_mask, clean)
		scene = Scene(clean=clean, mask=mask, seed=noise.seed)
		other = None if unwanted is None else _begun(unwanted)
		guided: Guided = _Cancellable(steered(guider, model, clean, scene, places, unwanted=other), check_cancelled)
		for around in model.hooks.around:
			guided = around(guided, levels)
		if mask is not None:
			shown = start_noise(clean, noise.seed + 1) if sampler.name in FRESH_MASK_NOISE else start
			guided = Masked(guided, clean, shown, mask, sigmas, levels, model.hooks.mask)
		steps = len(sigmas) - 1
		last: list[Tensor] = []

		def step_done(done: int, denoised: Tensor) -> None:
			last[:] = [denoised]
			on_step(min(done, steps), steps, denoised)

		def brownian(low: Tensor, high: Tensor, cpu: bool) -> Between:
			return brownian_noise(clean, noise.seed, low, high, cpu=cpu)

		full = bool(sigmas[0] >= levels.sigmas[-1] * (1 - 1e-5))
		x = run(
			Task(
				guided,
				guided.apart,
				levels,
				fresh_noise(clean, noise.seed),  # as ComfyUI draws it: the first fresh noise is that of the start
				brownian,
				step_done,
				later_noise(clean, noise.seed, latent.batch_index or ()),
			),
			levels.noised(clean, start, sigmas[0], full=full),
			sigmas,
		)
		samples = model.latents.process_out(levels.restored(x, sigmas[-1]))
		return Sampled(samples, model.latents.process_out(last[0]) if last else samples)


def noised(model: DiffusionModel, noise: Noise, sigmas: Tensor, latent: Latent) -> Tensor:
	"""A latent with the noise that lies between the first and the last sigma, in the wire's scale."""
	latent = fitting(model, latent)
	clean = scaled_in(model, latent.samples)
	start = _start(clean, noise, latent)
	sigma = (sigmas[0] - sigmas[-1]).abs() if len(sigmas) > 1 else sigmas[0]
	made = model.latents.process_out(model.parametrisation.noised(clean, start, sigma, full=False))
	return made.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def fitting(model: DiffusionModel, latent: Latent) -> Latent:
	"""A latent with the model's channels: an empty one becomes one of the model's, for as many pixels.

	Raises `NodeUsage` for another model's that is not empty.
	"""
	batch, channels, *frames, height, width = latent.samples.shape
	format = model.latents
	if channels == format.channels:
		return latent
	if bool(latent.samples.any()):
		raise NodeUsage(
			f'This latent has {channels} channels, and the model makes latents of {format.channels}: it is of another '
			'family of models. Decode it with its own VAE, and encode the picture with that of this model.'
		)
	factor = (16 if channels == FLUX2_CHANNELS else 8) / format.pixels
	sides = (max(1, round(side * factor)) for side in (height, width))
	return latent.with_samples(latent.samples.new_zeros(batch, format.channels, *frames, *sides))


def scaled_in(model: DiffusionModel, latent: Tensor) -> Tensor:
	"""A latent of the wire in the model's scale, float32; an empty one stays empty, whatever the model's shift."""
	samples = latent.float()
	return model.latents.process_in(samples) if bool(samples.any()) else samples


def sigmas_for(
	levels: Parametrisation, *, steps: int, scheduler: str, sampler: str = '', denoise: float = 1.0
) -> Tensor:
	"""The sigmas a sampler is to go through, float32 descending; none if `denoise` is 0.

	For a part of the schedule, one of steps / denoise steps is made, and its end is taken. Raises `NodeUsage`.
	"""
	schedule = _named(SCHEDULES, scheduler, 'scheduler')
	if denoise <= 0:
		return levels.sigmas.new_zeros(0)
	planned = steps if denoise > FULL else int(steps / denoise)
	if sampler in SKIPS_LAST_SIGMA:
		sigmas = schedule(levels, planned + 1)
		sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
	else:
		sigmas = schedule(levels, planned)
	return sigmas if denoise > FULL else sigmas[-(steps + 1) :]


def _begun(model: DiffusionModel) -> DiffusionModel:
	"""A model for one run: what settings keep between looks is new."""
	for begin in model.hooks.run:
		model = begin(model)
	return model


def _start(clean: Tensor, noise: Noise, latent: Latent) -> Tensor:
	return torch.zeros_like(clean) if noise.empty else start_noise(clean, noise.seed, latent.batch_index or ())


@dataclass(frozen=True, eq=False)
class _Cancellable:
	guided: Guided
	check: Callable[[], None]

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		self.check()
		return self.guided(x, sigma)

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		self.check()
		return self.guided.apart(x, sigma)


def _sampler(sampler: Sampler) -> Callable[[Task, Tensor, Tensor], Tensor]:
	function = _named({**SAMPLERS, **MORE_SAMPLERS}, sampler.name, 'sampler')
	options = dict(sampler.options)
	known = inspect.signature(function).parameters
	unknown = sorted(options.keys() - known.keys())
	if unknown:
		raise NodeUsage(f'The sampler {sampler.name!r} has no option {unknown[0]!r}.')
	return partial(cast(Callable[..., Tensor], function), **cast(dict[str, Any], options))


def _named(functions: Mapping[str, F], name: str, what: str) -> F:
	try:
		return functions[name]
	except KeyError:
		raise NodeUsage(f'There is no {what} {name!r}; there are: {", ".join(functions)}.') from None
