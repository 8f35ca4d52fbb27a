"""Pictures that a model is to hear: encoded, and added to what it is steered by."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, NamedTuple

from engine.declaration import Choice, Number
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from nodes.computing import measure
from nodes.conditioning import Steer, same_family
from nodes.load import AUTOENCODER, DENOISER, TEXT, digest_of, from_file
from nodes.values import AutoEncoder, Conditioning, DiffusionModel, Images, TextEncoder
from nodes.vision_values import ClipVision, StyleModel, Variation, VisionOutput

CLIP_VISION = 'clip_vision'
STYLE = 'style'

Seen = Annotated[VisionOutput, 'The encoded pictures.']


class UnclipCheckpoint(NamedTuple):
	"""The four parts of a checkpoint that hears pictures."""

	MODEL: ModelRef[DiffusionModel]
	CLIP: ModelRef[TextEncoder]
	VAE: ModelRef[AutoEncoder]
	CLIP_VISION: ModelRef[ClipVision]


@node(
	kind='CLIPVisionLoader',
	title='Load CLIP Vision',
	category='loaders',
	lane='disk',
	fingerprint=digest_of('clip_vision', 'clip_name'),
)
def load_clip_vision(
	context: Context,
	clip_name: Annotated[str, Choice(files_from='models:clip_vision'), 'The file of the vision encoder.'],
) -> ModelRef[ClipVision]:
	"""Choose a network that encodes pictures: CLIP's ViT-L, H or bigG, or SigLIP."""
	return ModelRef(context.catalogue.digest(context.catalogue.path('clip_vision', clip_name)), CLIP_VISION)


@node(
	kind='unCLIPCheckpointLoader',
	category='loaders',
	lane='disk',
	facts={
		'MODEL': from_file('ckpt_name', 'family', 'channels'),
		'CLIP': from_file('ckpt_name', 'family'),
		'VAE': from_file('ckpt_name', 'family', 'channels'),
	},
	fingerprint=digest_of('checkpoints', 'ckpt_name'),
)
def load_unclip(
	context: Context,
	ckpt_name: Annotated[str, Choice(files_from='models:checkpoints'), 'The checkpoint file.'],
) -> UnclipCheckpoint:
	"""Choose a checkpoint that makes variations of pictures, and holds the network that encodes them besides."""
	digest = context.catalogue.digest(context.catalogue.path('checkpoints', ckpt_name))
	return UnclipCheckpoint(
		ModelRef[DiffusionModel](digest, DENOISER),
		ModelRef[TextEncoder](digest, TEXT),
		ModelRef[AutoEncoder](digest, AUTOENCODER),
		ModelRef[ClipVision](digest, CLIP_VISION),
	)


@node(kind='CLIPVisionEncode', title='CLIP Vision Encode', category='conditioning')
def encode(
	context: Context,
	clip_vision: Annotated[ModelRef[ClipVision], 'The network that encodes.'],
	image: Annotated[Images, 'The pictures to encode.'],
	crop: Annotated[str, Choice(options=('center', 'none')), 'Whether their middle is looked at, or all, squeezed.'],
) -> VisionOutput:
	"""Encode pictures for a model that hears them."""
	from nodes.diffusion.working import seeing_bytes

	with context.models.use(clip_vision, working_bytes=seeing_bytes(len(image.pixels))) as encoder:
		return encoder.encode(image, crop=crop == 'center')


@node(kind='unCLIPConditioning', category='conditioning', lane='cpu', facts=same_family('conditioning'))
def vary(
	conditioning: Steer,
	clip_vision_output: Seen,
	strength: Annotated[float, Number(default=1.0, min=-10.0, max=10.0, step=0.01), 'How strongly to show them.'],
	noise_augmentation: Annotated[
		float, Number(default=0.0, min=0.0, max=1.0, step=0.01), 'How freely to vary: the noise that they get.'
	],
) -> Conditioning:
	"""Let a model make variations of pictures; several are mixed by their strengths. Strength 0 changes nothing."""
	if strength == 0:
		return conditioning
	added = Variation(clip_vision_output, strength, noise_augmentation)
	return conditioning.each(lambda prompt: replace(prompt, variations=(*prompt.variations, added)))


@node(
	kind='StyleModelLoader',
	title='Load Style Model',
	category='loaders',
	lane='disk',
	fingerprint=digest_of('style_models', 'style_model_name'),
)
def load_style_model(
	context: Context,
	style_model_name: Annotated[str, Choice(files_from='models:style_models'), 'The file of the style model.'],
) -> ModelRef[StyleModel]:
	"""Choose a network that tells a model of a picture as if in words: Flux Redux."""
	return ModelRef(context.catalogue.digest(context.catalogue.path('style_models', style_model_name)), STYLE)


@node(
	kind='StyleModelApply',
	title='Apply Style Model',
	category='conditioning/style_model',
	facts=same_family('conditioning'),
)
def apply_style(
	context: Context,
	conditioning: Steer,
	style_model: Annotated[ModelRef[StyleModel], 'The style model.'],
	clip_vision_output: Seen,
	strength: Annotated[float, Number(default=1.0, min=0.0, max=10.0, step=0.001), 'How strongly they count.'],
	strength_type: Annotated[
		str,
		Choice(options=('multiply', 'attn_bias')),
		'Whether strength multiplies what is said of them, or how much it is listened to.',
	],
) -> Conditioning:
	"""Tell a model of pictures behind the text of a prompt."""
	from nodes.diffusion.redux import behind

	with context.models.use(style_model) as style:
		tokens = style.tokens(clip_vision_output).flatten(0, 1)[None]
	if strength_type == 'multiply':
		return conditioning.each(lambda prompt: behind(prompt, tokens * strength))
	return conditioning.each(lambda prompt: behind(prompt, tokens, heard=strength))


def add_loaders(loaders: Loaders) -> None:
	"""Register the readers of vision encoders and of style models."""
	loaders.add(CLIP_VISION, _load_clip_vision, measure)
	loaders.add(STYLE, _load_style_model, measure)


def _load_clip_vision(load: Load) -> Weights:
	from nodes.diffusion.clip_vision import load_clip_vision

	return load_clip_vision(load)


def _load_style_model(load: Load) -> Weights:
	from nodes.diffusion.redux import load_redux

	return load_redux(load)
