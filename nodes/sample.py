"""Sampling: from noise to a latent picture, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from engine.declaration import Agreement, Choice, FromInput, Number
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.names import SAMPLERS, SCHEDULES
from nodes.values import Conditioning, DiffusionModel, Latent

if TYPE_CHECKING:
	from torch import Tensor

SEED_MAX = 2**64 - 1


@node(
	kind='KSampler',
	title='KSampler',
	category='sampling',
	facts={'LATENT': {fact: FromInput(input='latent_image') for fact in ('channels', 'width', 'height')}},
	agreements=(
		Agreement(fact='channels', inputs=('model', 'latent_image')),
		Agreement(fact='family', inputs=('model', 'positive', 'negative')),
	),
)
def k_sampler(
	context: Context,
	model: Annotated[ModelRef[DiffusionModel], 'The model that denoises.'],
	seed: Annotated[int, Number(default=0, min=0, max=SEED_MAX, seed=True), 'Equal seeds give equal noise.'],
	steps: Annotated[int, Number(default=20, min=1, max=10000), 'How many steps to take; more is finer and slower.'],
	cfg: Annotated[
		float, Number(default=8.0, min=0.0, max=100.0, step=0.1, round=0.01), 'How strictly to follow the prompt.'
	],
	sampler_name: Annotated[str, Choice(options=SAMPLERS), 'How each step is taken.'],
	scheduler: Annotated[str, Choice(options=SCHEDULES), 'How the noise goes down over the steps.'],
	positive: Annotated[Conditioning, 'What the picture should show.'],
	negative: Annotated[Conditioning, 'What it should not show.'],
	latent_image: Annotated[Latent, 'The latent to begin with.'],
	denoise: Annotated[
		float, Number(default=1.0, min=0.0, max=1.0, step=0.01), 'How much to change: 1 is all, less keeps more.'
	],
) -> Latent:
	"""Denoise a latent picture, steered by a positive and a negative prompt."""
	from nodes.diffusion.control.leasing import controlled
	from nodes.diffusion.previews import picture
	from nodes.diffusion.sample import sample

	with (
		context.models.use(model) as denoiser,
		controlled(context.models, positive, negative) as (wanted, unwanted),
	):

		def on_step(done: int, total: int, denoised: Tensor) -> None:
			if context.job.previews and denoiser.latents.rgb:
				context.preview(picture(denoised, denoiser.latents.rgb))
			context.progress(done, total, phase='step')

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
