"""Guiders: a model, and how it is steered; and the noise to begin with."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Agreement, Choice, FromInput, Number
from engine.models import ModelRef
from engine.spec import Context, node
from nodes import conditioning as prompts
from nodes.known import Facts
from nodes.sample import SAME_CHANNELS, SEED_MAX, sampled_facts
from nodes.steering import BasicGuider, CfgGuider, DualCfgGuider, Guider, Noise, PerpNegGuider, Sigmas, TwoModelsGuider
from nodes.values import Conditioning, DiffusionModel, Latent

GUIDERS = 'sampling/custom_sampling/guiders'
NOISE = 'sampling/custom_sampling/noise'
OF_MODEL: Facts = {'GUIDER': {'channels': FromInput(input='model')}}

Model = Annotated[ModelRef[DiffusionModel], 'The model that denoises.']
Cfg = Annotated[
	float, Number(default=8.0, min=0.0, max=100.0, step=0.1, round=0.01), 'How strictly to follow the prompt.'
]
Positive = Annotated[Conditioning, 'What the picture should show.']
Negative = Annotated[Conditioning, 'What it should not show.']


@node(
	kind='BasicGuider',
	category=GUIDERS,
	lane='cpu',
	facts=OF_MODEL,
	agreements=(Agreement(fact='family', inputs=('model', 'conditioning')),),
)
def basic(model: Model, conditioning: Positive) -> Guider:
	"""Steer a model by a prompt alone."""
	return BasicGuider(model, conditioning)


@node(
	kind='CFGGuider',
	category=GUIDERS,
	lane='cpu',
	facts=OF_MODEL,
	agreements=(Agreement(fact='family', inputs=('model', 'positive', 'negative')),),
)
def cfg_guider(model: Model, positive: Positive, negative: Negative, cfg: Cfg) -> Guider:
	"""Steer a model towards a positive and away from a negative prompt."""
	return CfgGuider(model, positive, negative, cfg)


@node(
	kind='DualCFGGuider',
	category=GUIDERS,
	lane='cpu',
	facts=OF_MODEL,
	agreements=(Agreement(fact='family', inputs=('model', 'cond1', 'cond2', 'negative')),),
)
def dual_cfg(
	model: Model,
	cond1: Positive,
	cond2: Annotated[Conditioning, 'What lies between: such as the picture to change, without the instruction.'],
	negative: Negative,
	cfg_conds: Annotated[
		float, Number(default=8.0, min=0.0, max=100.0, step=0.1, round=0.01), 'Strength from the second to the first.'
	],
	cfg_cond2_negative: Annotated[
		float, Number(default=8.0, min=0.0, max=100.0, step=0.1, round=0.01), 'Strength from negative to the second.'
	],
	style: Annotated[str, Choice(options=('regular', 'nested')), 'Whether the first guidance is within the second.'],
) -> Guider:
	"""Steer a model over two stretches, each with a strength of its own."""
	return DualCfgGuider(model, cond1, cond2, negative, cfg_conds, cfg_cond2_negative, style == 'nested')


@node(
	kind='DualModelGuider',
	experimental=True,
	title='Dual Model CFG Guider',
	category='model/sampling/guiders',
	lane='cpu',
	facts=OF_MODEL,
	agreements=(
		Agreement(fact='family', inputs=('model', 'positive', 'negative')),
		Agreement(fact='channels', inputs=('model', 'model_negative')),
	),
)
def two_models(
	model: Model,
	positive: Positive,
	cfg: Annotated[
		float, Number(default=4.0, min=0.0, max=100.0, step=0.1, round=0.01), 'How strictly to follow the prompt.'
	],
	model_negative: Annotated[
		ModelRef[DiffusionModel] | None, 'The model that makes what to lead away from; the same one, if there is none.'
	] = None,
	negative: Annotated[
		Conditioning | None, 'What it should not show; a prompt that says nothing, if there is none.'
	] = None,
) -> Guider:
	"""Steer a model towards a prompt and away from what another model makes, such as one that knows no prompts."""
	unwanted = prompts.zero_out(positive) if negative is None else negative
	if model_negative is None or model_negative == model:
		return CfgGuider(model, positive, unwanted, cfg)
	return TwoModelsGuider(model, positive, unwanted, cfg, model_negative)


@node(
	kind='PerpNegGuider',
	experimental=True,
	category='_for_testing',
	lane='cpu',
	facts=OF_MODEL,
	agreements=(Agreement(fact='family', inputs=('model', 'positive', 'negative', 'empty_conditioning')),),
)
def perp_neg(
	model: Model,
	positive: Positive,
	negative: Negative,
	empty_conditioning: Annotated[Conditioning, 'The encoding of an empty prompt.'],
	cfg: Cfg,
	neg_scale: Annotated[float, Number(default=1.0, min=0.0, max=100.0, step=0.01), 'Strength of the negative prompt.'],
) -> Guider:
	"""Steer a model away only from what of the negative prompt is not in the positive one."""
	return PerpNegGuider(model, positive, negative, empty_conditioning, cfg, neg_scale)


@node(kind='RandomNoise', category=NOISE, lane='cpu')
def random_noise(
	noise_seed: Annotated[int, Number(default=0, min=0, max=SEED_MAX, seed=True), 'Equal seeds give equal noise.'],
) -> Noise:
	"""Noise by a seed."""
	return Noise(noise_seed)


@node(kind='DisableNoise', category=NOISE, lane='cpu')
def disable_noise() -> Noise:
	"""No noise: the latent is sampled as it is."""
	return Noise(empty=True)


@node(
	kind='AddNoise',
	category='_for_testing/custom_sampling/noise',
	facts=sampled_facts('model', 'LATENT'),
	agreements=(SAME_CHANNELS,),
)
def add_noise(
	context: Context,
	model: Model,
	noise: Annotated[Noise, 'The noise to add.'],
	sigmas: Annotated[Sigmas, 'How much: what lies between the first and the last level.'],
	latent_image: Annotated[Latent, 'The latent.'],
) -> Latent:
	"""Noise a latent as sampling would begin with it."""
	from nodes.diffusion.sample import noised

	if not len(sigmas.values):
		return latent_image
	with context.models.use(model) as denoiser:
		return latent_image.with_samples(noised(denoiser, noise, sigmas.values, latent_image))
