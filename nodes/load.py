"""Loaders: what they give are recipes for weights; nothing is read but the file's digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import JsonValue

from engine.catalogue import Catalogue, FileSet
from engine.declaration import Choice, FromFile, Source
from engine.errors import ModelError
from engine.models import FileDigest, Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from engine.storage import Storage
from nodes.computing import measure, measure_whole
from nodes.diffusion.families import FAMILIES
from nodes.diffusion.layouts.tiny_vae import SCALES
from nodes.values import AutoEncoder, DiffusionModel, TextEncoder, TextEyes

DENOISER = 'denoiser'
TEXT = 'text'
EYES = 'eyes'
AUTOENCODER = 'vae'
TINY_VAE = 'tiny_vae'
PIXEL_SPACE = 'pixel_space'


PRECISIONS = {
	'default': 'auto',
	'fp8_e4m3fn': 'fp8_e4m3fn',
	'fp8_e4m3fn_fast': 'fp8_e4m3fn',
	'fp8_e5m2': 'fp8_e5m2',
}
"""How ComfyUI's workflows name the precisions of weights."""

ONE_ENCODER = ('stable_diffusion', 'sd3', 'lumina2', 'qwen_image', 'flux2')
TWO_ENCODERS = ('sdxl', 'sd3', 'flux')
THREE_ENCODERS = 'sd3'
FOUR_ENCODERS = 'hidream'
ENCODER = Choice(files_from='models:text_encoders')
DEVICE = Choice(options=('default', 'cpu'))
DEVICE_DOC = 'Taken from workflows as it is; where encoders compute follows from the room there is.'


def _types(kinds: Sequence[str]) -> tuple[str, ...]:
	"""Those kinds of models, by the names that workflows have for them, whose text encoders we have."""
	ours = {kind for family in FAMILIES for kind in family.text.types}
	return tuple(kind for kind in kinds if kind in ours)


class Checkpoint(NamedTuple):
	"""The three parts of a checkpoint."""

	MODEL: ModelRef[DiffusionModel]
	CLIP: ModelRef[TextEncoder]
	VAE: ModelRef[AutoEncoder]


def digest_of(kind: str, *inputs: str) -> Callable[[Storage, Mapping[str, JsonValue]], str]:
	"""A fingerprint: the digests of the chosen files. Another file under the same name is another model."""

	def digests(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
		catalogue = storage.catalogue
		return ','.join(
			catalogue.digest(path) for name in inputs for path in catalogue.paths(kind, str(constants[name]))
		)

	return digests


def from_file(name: str, *facts: str) -> dict[str, Source]:
	"""Facts that the file chosen at an input tells."""
	return {fact: FromFile(input=name) for fact in facts}


@node(
	kind='CheckpointLoaderSimple',
	title='Load Checkpoint',
	category='loaders',
	lane='disk',
	facts={
		'MODEL': from_file('ckpt_name', 'family', 'channels'),
		'CLIP': from_file('ckpt_name', 'family'),
		'VAE': from_file('ckpt_name', 'family', 'channels'),
	},
	fingerprint=digest_of('checkpoints', 'ckpt_name'),
)
def load_checkpoint(
	context: Context,
	ckpt_name: Annotated[str, Choice(files_from='models:checkpoints'), 'The checkpoint file.'],
) -> Checkpoint:
	"""Choose a checkpoint: one file that holds a diffusion model, its text encoder and its VAE.

	The weights are read when a later node first needs them, and stay in memory while there is room.
	"""
	digest = _digest(context, 'checkpoints', ckpt_name)
	return Checkpoint(
		ModelRef[DiffusionModel](digest, DENOISER),
		ModelRef[TextEncoder](digest, TEXT),
		ModelRef[AutoEncoder](digest, AUTOENCODER),
	)


@node(
	kind='UNETLoader',
	title='Load Diffusion Model',
	category='advanced/loaders',
	lane='disk',
	facts={'MODEL': from_file('unet_name', 'family', 'channels')},
	fingerprint=digest_of('diffusion_models', 'unet_name'),
)
def load_diffusion_model(
	context: Context,
	unet_name: Annotated[str, Choice(files_from='models:diffusion_models'), 'The file of the diffusion model.'],
	weight_dtype: Annotated[
		str, Choice(options=tuple(PRECISIONS)), 'How its weights are kept in memory; fp8 takes half the room of fp16.'
	],
) -> ModelRef[DiffusionModel]:
	"""Choose a diffusion model that is a file of its own, without text encoder and VAE."""
	return ModelRef(_digest(context, 'diffusion_models', unet_name), DENOISER, PRECISIONS[weight_dtype])


@node(
	kind='VAELoader',
	title='Load VAE',
	category='loaders',
	lane='disk',
	facts={'VAE': from_file('vae_name', 'channels')},
	fingerprint=digest_of('vae', 'vae_name'),
)
def load_vae(
	context: Context, vae_name: Annotated[str, Choice(files_from='models:vae'), 'The file of the VAE.']
) -> ModelRef[AutoEncoder]:
	"""Choose a VAE that is a file of its own, or the one of a checkpoint that lies among the VAEs.

	A tiny one (TAESD) is two files in models/vae_approx, and chosen by its name: `taesd` for `taesd_decoder.safetensors` and
	`taesd_encoder.safetensors`. `pixel_space` is none: for models that work on pixels, whose latents have three channels.
	"""
	first, *more = map(context.catalogue.digest, context.catalogue.paths('vae', vae_name))
	if more:
		return ModelRef(first, TINY_VAE, more=tuple(more), option=vae_name)
	return ModelRef(first, AUTOENCODER)


@node(
	kind='CLIPLoader',
	title='Load CLIP',
	category='advanced/loaders',
	lane='disk',
	fingerprint=digest_of('text_encoders', 'clip_name'),
)
def load_clip(
	context: Context,
	clip_name: Annotated[str, ENCODER, 'The file of the text encoder.'],
	type: Annotated[str, Choice(options=_types(ONE_ENCODER)), 'The kind of model that it serves.'],
	device: Annotated[str, DEVICE, DEVICE_DOC] = 'default',
) -> ModelRef[TextEncoder]:
	"""Choose a text encoder that is a file of its own. Which one it is, is seen from its tensors."""
	return _text_encoder(context, type, clip_name)


@node(
	kind='DualCLIPLoader',
	category='advanced/loaders',
	lane='disk',
	fingerprint=digest_of('text_encoders', 'clip_name1', 'clip_name2'),
)
def load_two_clips(
	context: Context,
	clip_name1: Annotated[str, ENCODER, 'The file of one text encoder.'],
	clip_name2: Annotated[str, ENCODER, 'The file of the other, in any order.'],
	type: Annotated[str, Choice(options=_types(TWO_ENCODERS)), 'The kind of model that they serve.'],
	device: Annotated[str, DEVICE, DEVICE_DOC] = 'default',
) -> ModelRef[TextEncoder]:
	"""Choose two text encoders that are heard together."""
	return _text_encoder(context, type, clip_name1, clip_name2)


@node(
	kind='TripleCLIPLoader',
	category='advanced/loaders',
	lane='disk',
	fingerprint=digest_of('text_encoders', 'clip_name1', 'clip_name2', 'clip_name3'),
)
def load_three_clips(
	context: Context,
	clip_name1: Annotated[str, ENCODER, 'The file of one text encoder.'],
	clip_name2: Annotated[str, ENCODER, 'The file of another, in any order.'],
	clip_name3: Annotated[str, ENCODER, 'The file of the third.'],
) -> ModelRef[TextEncoder]:
	"""Choose the three text encoders of Stable Diffusion 3."""
	return _text_encoder(context, THREE_ENCODERS, clip_name1, clip_name2, clip_name3)


@node(
	kind='QuadrupleCLIPLoader',
	category='advanced/loaders',
	lane='disk',
	fingerprint=digest_of('text_encoders', 'clip_name1', 'clip_name2', 'clip_name3', 'clip_name4'),
)
def load_four_clips(
	context: Context,
	clip_name1: Annotated[str, ENCODER, 'The file of one text encoder.'],
	clip_name2: Annotated[str, ENCODER, 'The file of another, in any order.'],
	clip_name3: Annotated[str, ENCODER, 'The file of the third.'],
	clip_name4: Annotated[str, ENCODER, 'The file of the fourth.'],
) -> ModelRef[TextEncoder]:
	"""Choose the four text encoders of HiDream: CLIP-L, CLIP-G, T5 and Llama 3.1. Llama's tokenizer lies beside its file."""
	return _text_encoder(context, FOUR_ENCODERS, clip_name1, clip_name2, clip_name3, clip_name4)


def _digest(context: Context, kind: str, name: str) -> FileDigest:
	return context.catalogue.digest(context.catalogue.path(kind, name))


def _text_encoder(context: Context, kind: str, *names: str) -> ModelRef[TextEncoder]:
	first, *more = (_digest(context, 'text_encoders', name) for name in names)
	return ModelRef(first, TEXT, more=tuple(more), option=kind)


def eyes_of(clip: ModelRef[TextEncoder]) -> ModelRef[TextEyes]:
	"""The part of a text encoder that sees pictures. Not every one has it: its loader says so."""
	return ModelRef(clip.file, EYES, clip.dtype, clip.more, clip.option)


def add_loaders(loaders: Loaders) -> None:
	"""Register the readers of the three parts, of text encoders' eyes, and of tiny VAEs."""
	loaders.add(DENOISER, _load_denoiser, measure)
	loaders.add(TEXT, _load_text_encoder, measure)
	loaders.add(EYES, _load_eyes, measure)
	loaders.add(AUTOENCODER, _load_autoencoder, measure)
	loaders.add(TINY_VAE, _load_tiny_vae, measure_whole)


def add_sets(catalogue: Catalogue) -> None:
	"""Let tiny VAEs be chosen, whose halves are two files, and the VAE that is none, which is ours."""
	catalogue.add_file('vae', PIXEL_SPACE, Path(__file__).parent / f'{PIXEL_SPACE}.safetensors')
	for name in SCALES:
		catalogue.add_set('vae', name, FileSet('vae_approx', (f'{name}_decoder', f'{name}_encoder')))


def tiny_decoder(catalogue: Catalogue, name: str) -> ModelRef[AutoEncoder] | None:
	"""The decoder of a tiny VAE, enough to look at latents; None if its file is not there."""
	path = catalogue.by_stem('vae_approx', f'{name}_decoder') if name else None
	return None if path is None else ModelRef(catalogue.digest(path), TINY_VAE, option=name)


def _load_denoiser(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_denoiser

	return load_denoiser(load)


def _load_text_encoder(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_text_encoder

	return load_text_encoder(load)


def _load_eyes(load: Load) -> Weights:
	from nodes.diffusion.text.eyes import load_eyes

	return load_eyes(load)


def _load_autoencoder(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_autoencoder

	return load_autoencoder(load)


def _load_tiny_vae(load: Load) -> Weights:
	from nodes.diffusion.tiny_vae import load_tiny_vae

	return load_tiny_vae(load)


def import_libraries() -> None:
	"""Import what the first job would otherwise wait for, and read CLIP's vocabulary, which most models listen by."""
	from nodes.diffusion import checkpoint, safetensors_file, sample, tokenizer
	from nodes.diffusion.networks import unet

	del checkpoint, safetensors_file, sample, unet
	with suppress(ModelError):  # A model may bring its own; one that does not says what is missing.
		tokenizer.from_openai_clip()
