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
from nodes.values import (
	AutoEncoder,
	ClipVision,
	Conditioning,
	DiffusionModel,
	Images,
	TextEncoder,
	Variation,
	VisionOutput,
)

CLIP_VISION = 'clip_vision'

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
	with context.models.use(clip_vision) as encoder:
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


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of vision encoders."""
	loaders.add(CLIP_VISION, _load_clip_vision, measure)


def _load_clip_vision(load: Load) -> Weights:
	from nodes.diffusion.clip_vision import load_clip_vision

	return load_clip_vision(load)
