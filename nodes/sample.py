"""Sampling: from noise to a latent picture, step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

from engine.declaration import Agreement, Choice, Number, Toggle
from engine.errors import ModelError
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.names import SAMPLERS, SCHEDULES
from nodes.known import as_input, family_of
from nodes.load import tiny_decoder
from nodes.steering import CfgGuider, Guider, Noise, Sampler, Sigmas, TwoModelsGuider
from nodes.values import Conditioning, DiffusionModel, Latent, OnStep

if TYPE_CHECKING:
	from PIL import Image
	from torch import Tensor

	from nodes.diffusion.latents import LatentFormat

log = logging.getLogger(__name__)

SEED_MAX = 2**64 - 1
STEPS_MAX = 10000
TINY_BYTES = 2**27
"""Room for a tiny VAE and what it draws, without which previews do without it."""

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

SAME_CHANNELS = Agreement(fact='channels', inputs=('model', 'latent_image'))
SAME_FAMILY = Agreement(fact='family', inputs=('model', 'positive', 'negative'))


class Sampled(NamedTuple):
	"""What was made, and the last guess of what it would be without noise."""

	output: Latent
	denoised_output: Latent


@node(
	kind='KSampler',
	title='KSampler',
	category='sampling',
	facts=as_input('LATENT', 'latent_image', 'channels', 'width', 'height', 'batch'),
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
	from nodes.diffusion.control.leasing import controlled
	from nodes.diffusion.sample import sample

	with (
		leased(context, model, latent_image) as (denoiser, on_step),
		controlled(context.models, positive, negative) as (wanted, unwanted),
	):
		samples = sample(
			denoiser,
			seed=seed,
			steps=steps,
			cfg=cfg,
			sampler=sampler_name,
			scheduler=scheduler,
			positive=wanted,
			negative=unwanted,
			latent=latent_image,
			denoise=denoise,
			on_step=on_step,
			check_cancelled=context.check_cancelled,
		)
	return latent_image.with_samples(samples)


@node(
	kind='KSamplerAdvanced',
	title='KSampler (Advanced)',
	category='sampling',
	facts=as_input('LATENT', 'latent_image', 'channels', 'width', 'height'),
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
	from nodes.diffusion.control.leasing import controlled
	from nodes.diffusion.sample import sample

	with (
		leased(context, model, latent_image) as (denoiser, on_step),
		controlled(context.models, positive, negative) as (wanted, unwanted),
	):
		samples = sample(
			denoiser,
			seed=noise_seed,
			steps=steps,
			cfg=cfg,
			sampler=sampler_name,
			scheduler=scheduler,
			positive=wanted,
			negative=unwanted,
			latent=latent_image,
			add_noise=add_noise == 'enable',
			first_step=start_at_step,
			last_step=end_at_step,
			leftover_noise=return_with_leftover_noise == 'enable',
			on_step=on_step,
			check_cancelled=context.check_cancelled,
		)
	return latent_image.with_samples(samples)


@node(
	kind='SamplerCustom',
	category='sampling/custom_sampling',
	facts={
		name: as_input(name, 'latent_image', 'channels', 'width', 'height')[name]
		for name in ('output', 'denoised_output')
	},
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
	facts={
		name: as_input(name, 'latent_image', 'channels', 'width', 'height')[name]
		for name in ('output', 'denoised_output')
	},
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


@contextmanager
def leased(
	context: Context, model: ModelRef[DiffusionModel], latent: Latent
) -> Iterator[tuple[DiffusionModel, OnStep]]:
	"""The model, with room for working on such a latent, and what to call after each step."""
	from nodes.diffusion.working import denoising_bytes

	working = denoising_bytes(latent.samples.shape, family_of(context, model))
	with context.models.use(model, working_bytes=working) as denoiser, watched(context, denoiser) as on_step:
		yield denoiser, on_step


@contextmanager
def watched(context: Context, model: DiffusionModel) -> Iterator[OnStep]:
	"""What to call after each step: tells progress, and shows previews where they are wanted and can be drawn."""
	from nodes.diffusion.previews import Previews

	with _drawing(context, model.latents) as draw:
		if draw is None:
			yield lambda done, total, denoised: context.progress(done, total, phase='step')
			return
		with Previews(draw, context.preview) as previews:

			def on_step(done: int, total: int, denoised: Tensor) -> None:
				previews.offer(denoised)
				context.progress(done, total, phase='step')

			yield on_step


@contextmanager
def _drawing(context: Context, latents: LatentFormat) -> Iterator[Callable[[Tensor], Image.Image] | None]:
	"""What draws latents as the job wants them: a tiny VAE, if its decoder is there and there is room, or colours."""
	from nodes.diffusion.previews import decoded, picture

	method = context.job.previews
	if method == 'none':
		yield None
		return
	rgb = latents.rgb
	tiny = None if method == 'latent2rgb' else tiny_decoder(context.catalogue, latents.tiny)
	if method == 'taesd' and tiny is None:
		name = f'{latents.tiny}_decoder' if latents.tiny else 'one for this family of models'
		log.warning('Previews are drawn by colours: there is no tiny VAE, %s, in models/vae_approx.', name)
	with ExitStack() as leases:
		if tiny is not None and context.models.has_room(tiny, TINY_BYTES):
			try:
				vae = leases.enter_context(context.models.use(tiny))
			except ModelError as error:
				log.warning('Previews are drawn without the tiny VAE: %s', error)
			else:
				yield lambda latent: decoded(latent, latents, vae)
				return
		yield (lambda latent: picture(latent, rgb)) if rgb else None


@contextmanager
def _unwanted(context: Context, guider: Guider) -> Iterator[DiffusionModel | None]:
	"""The guider's other model, if it has one."""
	if isinstance(guider, TwoModelsGuider):
		with context.models.use(guider.unwanted) as model:
			yield model
	else:
		yield None


def _sampled(
	context: Context, guider: Guider, noise: Noise, sampler: Sampler, sigmas: Sigmas, latent: Latent
) -> Sampled:
	from nodes.diffusion.control.leasing import guider_controlled
	from nodes.diffusion.sample import sample_custom

	with (
		leased(context, guider.model, latent) as (denoiser, on_step),
		guider_controlled(context.models, guider) as steering,
		_unwanted(context, guider) as unwanted,
	):
		found = sample_custom(
			denoiser,
			steering,
			noise=noise,
			sampler=sampler,
			sigmas=sigmas.values,
			latent=latent,
			unwanted=unwanted,
			on_step=on_step,
			check_cancelled=context.check_cancelled,
		)
	return Sampled(latent.with_samples(found.samples), latent.with_samples(found.denoised))
