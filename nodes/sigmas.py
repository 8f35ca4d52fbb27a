"""Noise levels to go through, as values: by a model's schedule, by numbers, and changed."""

from __future__ import annotations

import math
import re
from typing import Annotated, NamedTuple

from engine.declaration import Choice, Number, Text, Toggle
from engine.errors import BadInput, NodeUsage
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.names import SCHEDULES
from nodes.known import MAX_RESOLUTION
from nodes.steering import Sigmas
from nodes.values import DiffusionModel

SCHEDULERS = 'sampling/custom_sampling/schedulers'
CHANGES = 'sampling/custom_sampling/sigmas'
JUST_ABOVE_ZERO = 0.0001
NUMBER = re.compile(r'[-+]?(?:\d*\.*\d+)')


def _sigma(default: float, most: float = 5000.0, *, step: float = 0.01) -> Number:
	return Number(default=default, min=0.0, max=most, step=step, round=False)


Model = Annotated[ModelRef[DiffusionModel], 'The model whose noise levels are meant.']
Steps = Annotated[int, Number(default=20, min=1, max=10000), 'How many steps.']
Denoise = Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.01), 'The part of the schedule that is kept.']
Highest = Annotated[float, _sigma(14.614642), 'The most noise.']
Lowest = Annotated[float, _sigma(0.0291675), 'The least noise above none.']
Levels = Annotated[Sigmas, 'The noise levels.']


class Halves(NamedTuple):
	"""Levels before and after a cut; the one at the cut is in both."""

	high_sigmas: Sigmas
	low_sigmas: Sigmas


@node(kind='BasicScheduler', category=SCHEDULERS)
def basic(
	context: Context,
	model: Model,
	scheduler: Annotated[str, Choice(options=SCHEDULES), 'How the noise goes down over the steps.'],
	steps: Steps,
	denoise: Denoise,
) -> Sigmas:
	"""The noise levels of a schedule by its name."""
	from nodes.diffusion.sample import sigmas_for

	with context.models.use(model) as denoiser:
		found = sigmas_for(denoiser.parametrisation, steps=steps, scheduler=scheduler, denoise=denoise)
	# Some schedules give more than were asked for. As ComfyUI has it, they are cut here, but not in KSampler.
	return Sigmas(found[-(steps + 1) :])


@node(kind='KarrasScheduler', category=SCHEDULERS, lane='cpu')
def karras(
	steps: Steps,
	sigma_max: Highest,
	sigma_min: Lowest,
	rho: Annotated[float, Number(default=7.0, min=0.0, max=100.0, step=0.01, round=False), 'More dwells at low noise.'],
) -> Sigmas:
	"""Even distances in a root of sigma."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.karras(steps, sigma_min, sigma_max, rho))


@node(kind='ExponentialScheduler', category=SCHEDULERS, lane='cpu')
def exponential(steps: Steps, sigma_max: Highest, sigma_min: Lowest) -> Sigmas:
	"""Even distances in log sigma."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.exponential(steps, sigma_min, sigma_max))


@node(kind='PolyexponentialScheduler', category=SCHEDULERS, lane='cpu')
def polyexponential(
	steps: Steps,
	sigma_max: Highest,
	sigma_min: Lowest,
	rho: Annotated[float, Number(default=1.0, min=0.0, max=100.0, step=0.01, round=False), 'More dwells at low noise.'],
) -> Sigmas:
	"""Distances in log sigma by a power of the way that is left."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.polyexponential(steps, sigma_min, sigma_max, rho))


@node(kind='LaplaceScheduler', category=SCHEDULERS, lane='cpu')
def laplace(
	steps: Steps,
	sigma_max: Highest,
	sigma_min: Lowest,
	mu: Annotated[float, Number(default=0.0, min=-10.0, max=10.0, step=0.1, round=False), 'The middle of log sigma.'],
	beta: Annotated[float, Number(default=0.5, min=0.0, max=10.0, step=0.1, round=False), 'How far log sigma spreads.'],
) -> Sigmas:
	"""Dense around a middle, as a Laplace distribution is."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.laplace(steps, sigma_min, sigma_max, mu, beta))


@node(kind='VPScheduler', category=SCHEDULERS, lane='cpu')
def variance_preserving(
	steps: Steps,
	beta_d: Annotated[float, _sigma(19.9), 'How much the rate of noise grows.'],
	beta_min: Annotated[float, _sigma(0.1), 'The rate of noise at the clean end.'],
	eps_s: Annotated[
		float, Number(default=0.001, min=0.0, max=1.0, step=0.0001, round=False), 'The last time above 0.'
	],
) -> Sigmas:
	"""Even times of a variance-preserving diffusion."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.variance_preserving(steps, beta_d, beta_min, eps_s))


@node(kind='BetaSamplingScheduler', category=SCHEDULERS)
def beta(
	context: Context,
	model: Model,
	steps: Steps,
	alpha: Annotated[
		float, Number(default=0.6, min=0.0, max=50.0, step=0.01, round=False), 'Less is denser at high noise.'
	],
	beta: Annotated[
		float, Number(default=0.6, min=0.0, max=50.0, step=0.01, round=False), 'Less is denser at low noise.'
	],
) -> Sigmas:
	"""Training steps at the quantiles of a Beta distribution."""
	from nodes.diffusion import schedules

	for name, shape in (('alpha', alpha), ('beta', beta)):
		if not shape > 0:
			raise BadInput(name, 'a number above 0, without which there is no Beta distribution', str(shape))
	with context.models.use(model) as denoiser:
		return Sigmas(schedules.beta(denoiser.parametrisation, steps, rise=alpha, fall=beta))


@node(kind='SDTurboScheduler', category=SCHEDULERS)
def sd_turbo(
	context: Context,
	model: Model,
	steps: Annotated[int, Number(default=1, min=1, max=10), 'How many steps.'],
	denoise: Annotated[
		float, Number(default=1.0, min=0, max=1.0, step=0.01), 'The part of the ten levels that is used.'
	],
) -> Sigmas:
	"""The ten levels that SD-Turbo was distilled at, from the noisiest."""
	import torch

	first = 10 - int(10 * denoise)
	timesteps = (torch.arange(1, 11) * 100 - 1).flip(0)[first : first + steps]
	with context.models.use(model) as denoiser:
		levels = denoiser.parametrisation
		found = [levels.sigma(timestep) for timestep in timesteps]
	return Sigmas(torch.stack([*found, torch.zeros(())]).float())


@node(kind='AlignYourStepsScheduler', category=SCHEDULERS, lane='cpu')
def align_your_steps(
	model_type: Annotated[str, Choice(options=('SD1', 'SDXL', 'SVD')), 'The kind of model.'],
	steps: Annotated[int, Number(default=10, min=1, max=10000), 'How many steps.'],
	denoise: Denoise,
) -> Sigmas:
	"""Levels that were optimised for few steps (Align Your Steps)."""
	from nodes.diffusion import sigmas

	kept = steps if denoise >= 1 else round(steps * denoise)
	found = sigmas.aligned(model_type, steps)
	return Sigmas(found[-(kept + 1) :] if denoise > 0 else found[:0])


@node(kind='Flux2Scheduler', category='model/sampling/schedulers', lane='cpu')
def flux2(
	steps: Annotated[int, Number(default=20, min=1, max=4096), 'How many steps.'],
	width: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=1), 'Width of the picture in pixels.'],
	height: Annotated[
		int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=1), 'Height of the picture in pixels.'
	],
) -> Sigmas:
	"""The levels of Flux.2, by the size of the picture and the number of steps."""
	from nodes.diffusion import sigmas

	return Sigmas(sigmas.flux2(steps, width, height))


@node(kind='CurveSigmas', title='Sigmas from a Curve', category='model/sampling/sigmas', lane='cpu')
def from_curve(
	curve: Annotated[
		str,
		Text(default='[[0, 1], [1, 0]]', display='curve'),
		'How the noise goes down from the first step to the last.',
	],
	steps: Steps,
	sigma_max: Annotated[
		float,
		Number(default=14.614642, min=0.0001, max=5000.0, step=0.01, round=False),
		'The noise where the curve is at 1.',
	],
	sigma_min: Annotated[
		float, Number(default=0.0291675, min=0.0001, max=5000.0, step=0.01, round=False), 'The noise where it is at 0.'
	],
) -> Sigmas:
	"""Noise levels along a curve that is drawn, by log sigma, and none at the end. A straight line is an exponential schedule."""
	from nodes.diffusion import sigmas
	from nodes.diffusion.curve import read_points

	try:
		points = read_points(curve)
	except ValueError as error:
		raise BadInput('curve', 'points such as [[0, 1], [1, 0]]', f'{curve[:80]!r}: {error}') from error
	return Sigmas(sigmas.along(points, steps, sigma_min, sigma_max))


@node(kind='ManualSigmas', experimental=True, category='model/sampling/sigmas', lane='cpu')
def manual(
	sigmas: Annotated[str, Text(default='1, 0.5'), 'Numbers, with anything between them.'],
) -> Sigmas:
	"""Noise levels as they are typed."""
	from nodes.diffusion.sigmas import told

	return Sigmas(told([float(number) for number in NUMBER.findall(sigmas)]))


@node(kind='SplitSigmas', category=CHANGES, lane='cpu')
def split(sigmas: Levels, step: Annotated[int, Number(default=0, min=0, max=10000), 'The step to cut at.']) -> Halves:
	"""Cut noise levels in two, for two samplers."""
	return Halves(Sigmas(sigmas.values[: step + 1]), Sigmas(sigmas.values[step:]))


@node(kind='SplitSigmasDenoise', category=CHANGES, lane='cpu')
def split_by_part(
	sigmas: Levels,
	denoise: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.01), 'The part of the steps after the cut.'],
) -> Halves:
	"""Cut noise levels in two, so that the second has a part of the steps."""
	rest = round(max(len(sigmas.values) - 1, 0) * denoise)
	# As ComfyUI has it: with nothing after the cut there is nothing before it either.
	return Halves(Sigmas(sigmas.values[:-rest] if rest else sigmas.values[:0]), Sigmas(sigmas.values[-(rest + 1) :]))


@node(kind='FlipSigmas', category=CHANGES, lane='cpu')
def flip(sigmas: Levels) -> Sigmas:
	"""Noise levels the other way round, to add noise step by step; a first 0 is raised a little."""
	flipped = sigmas.values.flip(0)
	if len(flipped) and flipped[0] == 0:
		flipped[0] = JUST_ABOVE_ZERO
	return Sigmas(flipped)


@node(kind='SetFirstSigma', category=CHANGES, lane='cpu')
def set_first(
	sigmas: Levels, sigma: Annotated[float, _sigma(136.0, 20000.0, step=0.001), 'The noise to begin with.']
) -> Sigmas:
	"""Noise levels with another first one."""
	if not len(sigmas.values):
		raise NodeUsage('SetFirstSigma needs at least one noise level in `sigmas`; there is none.')
	changed = sigmas.values.clone()
	changed[0] = sigma
	return Sigmas(changed)


@node(kind='ExtendIntermediateSigmas', category=CHANGES, lane='cpu')
def extend(
	sigmas: Levels,
	steps: Annotated[int, Number(default=2, min=1, max=100), 'How many steps are made of one.'],
	start_at_sigma: Annotated[
		float, Number(default=-1.0, min=-1.0, max=20000.0, step=0.01, round=False), 'Below this noise; −1 is any.'
	],
	end_at_sigma: Annotated[float, _sigma(12.0, 20000.0), 'Above this noise.'],
	spacing: Annotated[str, Choice(options=('linear', 'cosine', 'sine')), 'Where steps are cut.'],
) -> Sigmas:
	"""Cut steps that begin in a range of noise into several."""
	from nodes.diffusion.sigmas import extended

	start = math.inf if start_at_sigma < 0 else start_at_sigma
	return Sigmas(extended(sigmas.values, steps, start, end_at_sigma, spacing))


@node(kind='SamplingPercentToSigma', category=CHANGES, outputs=('sigma_value',))
def percent_to_sigma(
	context: Context,
	model: Model,
	sampling_percent: Annotated[
		float, Number(default=0.0, min=0.0, max=1.0, step=0.0001), 'The part of the way: 0 is all noise, 1 is none.'
	],
	return_actual_sigma: Annotated[
		bool, Toggle(), 'At the ends, the greatest and the least level instead of what lies beyond them.'
	],
) -> float:
	"""The noise level at a part of the way from noise to picture."""
	with context.models.use(model) as denoiser:
		levels = denoiser.parametrisation
		if return_actual_sigma and sampling_percent in (0.0, 1.0):
			return float(levels.sigmas[-1 if sampling_percent == 0 else 0])
		return levels.at(sampling_percent)
