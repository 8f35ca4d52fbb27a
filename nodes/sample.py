"""Sampling: from noise to a latent picture, step by step."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from engine.declaration import Agreement, Choice, FromInput, Number, Toggle
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.names import SAMPLERS, SCHEDULES
from nodes.known import Facts
from nodes.room import ready
from nodes.steering import CfgGuider, Guider, Noise, Sampler, Sigmas
from nodes.values import Conditioning, DiffusionModel, Latent

SEED_MAX = 2**64 - 1
STEPS_MAX = 10000

Model = Annotated[ModelRef[DiffusionModel], 'The model that denoises.']
Seed = Annotated[int, Number(default=0, min=0, max=SEED_MAX, seed=True), 'Equal seeds give equal noise.']
Steps = Annotated[int, Number(default=20, min=1, max=STEPS_MAX), 'How many steps to take; more is finer and slower.']
Cfg = Annotated[
	float, Number(default=8.0, min=0.0, max=100.0, step=0.1, round=0.01), 'How strictly to follow the prompt.'
]
SamplerName = Annotated[str, Choice(options=SAMPLERS), 'How each step is taken.']
ScheduleName = Annotated[str, Choice(options=SCHEDULES), 'How the noise goes down over the steps.']
Positive = Annotated[Conditioning, 'What the picture should show.']
Negative = Annotated[Conditioning, 'What it should not show.']
Start = Annotated[Latent, 'The latent to begin with.']

SAME_CHANNELS = Agreement(fact='channels', inputs=('model', 'latent_image'), unless='empty')
SAME_FAMILY = Agreement(fact='family', inputs=('model', 'positive', 'negative'))


BOTH = ('output', 'denoised_output')


def sampled_facts(model: str, *outputs: str, more: tuple[str, ...] = ()) -> Facts:
	"""What is sampled has the channels of the model, and the size of the latent it began with."""
	sizes = {fact: FromInput(input='latent_image') for fact in ('width', 'height', *more)}
	return {output: {'channels': FromInput(input=model), **sizes} for output in outputs}


class Sampled(NamedTuple):
	"""What was made, and the last guess of what it would be without noise."""

	output: Latent
	denoised_output: Latent


@node(
	kind='KSampler',
	title='KSampler',
	category='sampling',
	facts=sampled_facts('model', 'LATENT', more=('batch',)),
	agreements=(SAME_CHANNELS, SAME_FAMILY),
)
def k_sampler(
	context: Context,
	model: Model,
	seed: Seed,
	steps: Steps,
	cfg: Cfg,
	sampler_name: SamplerName,
	scheduler: ScheduleName,
	positive: Positive,
	negative: Negative,
	latent_image: Start,
	denoise: Annotated[
		float, Number(default=1.0, min=0.0, max=1.0, step=0.01), 'How much to change: 1 is all, less keeps more.'
	],
) -> Latent:
	"""Denoise a latent picture, steered by a positive and a negative prompt."""
	from nodes.diffusion.sample import sample

	guider = CfgGuider(model, positive, negative, cfg)
	with ready(context, guider, latent_image, sampler_name) as it:
		samples = sample(
			it.model,
			seed=seed,
			steps=steps,
			cfg=cfg,
			sampler=sampler_name,
			scheduler=scheduler,
			positive=it.guider.positive,
			negative=it.guider.negative,
			latent=latent_image,
			denoise=denoise,
			places=it.places,
			on_step=it.on_step,
			check_cancelled=context.check_cancelled,
		)
	return latent_image.with_samples(samples)


@node(
	kind='KSamplerAdvanced',
	title='KSampler (Advanced)',
	category='sampling',
	facts=sampled_facts('model', 'LATENT'),
	agreements=(SAME_CHANNELS, SAME_FAMILY),
)
def k_sampler_advanced(
	context: Context,
	model: Model,
	add_noise: Annotated[str, Choice(options=('enable', 'disable')), 'Whether the latent is to be noised first.'],
	noise_seed: Seed,
	steps: Steps,
	cfg: Cfg,
	sampler_name: SamplerName,
	scheduler: ScheduleName,
	positive: Positive,
	negative: Negative,
	latent_image: Start,
	start_at_step: Annotated[int, Number(default=0, min=0, max=STEPS_MAX), 'The step to begin with.'],
	end_at_step: Annotated[int, Number(default=STEPS_MAX, min=0, max=STEPS_MAX), 'The step to end before.'],
	return_with_leftover_noise: Annotated[
		str, Choice(options=('disable', 'enable')), 'Whether what ends early keeps its noise, for another sampler.'
	],
) -> Latent:
	"""Take some of the steps of a schedule only, so that several samplers can share it."""
	from nodes.diffusion.sample import sample

	guider = CfgGuider(model, positive, negative, cfg)
	with ready(context, guider, latent_image, sampler_name) as it:
		samples = sample(
			it.model,
			seed=noise_seed,
			steps=steps,
			cfg=cfg,
			sampler=sampler_name,
			scheduler=scheduler,
			positive=it.guider.positive,
			negative=it.guider.negative,
			latent=latent_image,
			add_noise=add_noise == 'enable',
			first_step=start_at_step,
			last_step=end_at_step,
			leftover_noise=return_with_leftover_noise == 'enable',
			places=it.places,
			on_step=it.on_step,
			check_cancelled=context.check_cancelled,
		)
	return latent_image.with_samples(samples)


@node(
	kind='SamplerCustom',
	category='sampling/custom_sampling',
	facts=sampled_facts('model', *BOTH),
	agreements=(SAME_CHANNELS, SAME_FAMILY),
)
def sampler_custom(
	context: Context,
	model: Model,
	add_noise: Annotated[bool, Toggle(default=True), 'Whether the latent is to be noised first.'],
	noise_seed: Seed,
	cfg: Cfg,
	positive: Positive,
	negative: Negative,
	sampler: Annotated[Sampler, 'How each step is taken.'],
	sigmas: Annotated[Sigmas, 'The noise levels to go through.'],
	latent_image: Start,
) -> Sampled:
	"""Denoise a latent picture over given noise levels, with a sampler that has options of its own."""
	guider = CfgGuider(model, positive, negative, cfg)
	return _sampled(context, guider, Noise(noise_seed, empty=not add_noise), sampler, sigmas, latent_image)


@node(
	kind='SamplerCustomAdvanced',
	category='sampling/custom_sampling',
	facts=sampled_facts('guider', *BOTH),
	agreements=(Agreement(fact='channels', inputs=('guider', 'latent_image'), unless='empty'),),
)
def sampler_custom_advanced(
	context: Context,
	noise: Annotated[Noise, 'The noise to begin with.'],
	guider: Annotated[Guider, 'The model, and how it is steered.'],
	sampler: Annotated[Sampler, 'How each step is taken.'],
	sigmas: Annotated[Sigmas, 'The noise levels to go through.'],
	latent_image: Start,
) -> Sampled:
	"""Denoise a latent picture with noise, guidance, sampler and noise levels of choice."""
	return _sampled(context, guider, noise, sampler, sigmas, latent_image)


def _sampled(
	context: Context, guider: Guider, noise: Noise, sampler: Sampler, sigmas: Sigmas, latent: Latent
) -> Sampled:
	from nodes.diffusion.sample import sample_custom

	with ready(context, guider, latent, sampler.name) as it:
		found = sample_custom(
			it.model,
			it.guider,
			noise=noise,
			sampler=sampler,
			sigmas=sigmas.values,
			latent=latent,
			places=it.places,
			unwanted=it.unwanted,
			on_step=it.on_step,
			check_cancelled=context.check_cancelled,
		)
	return Sampled(latent.with_samples(found.samples), latent.with_samples(found.denoised))
