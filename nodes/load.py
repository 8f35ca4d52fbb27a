"""Loaders: what they give are recipes for weights; nothing is read but the file's digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import JsonValue

from engine.declaration import Choice, FromFile
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from engine.storage import Storage
from nodes.computing import measure
from nodes.values import AutoEncoder, DiffusionModel, TextEncoder

DENOISER = 'denoiser'
TEXT = 'text'
AUTOENCODER = 'vae'


class Checkpoint(NamedTuple):
	"""The three parts of a checkpoint."""

	MODEL: ModelRef[DiffusionModel]
	CLIP: ModelRef[TextEncoder]
	VAE: ModelRef[AutoEncoder]


def checkpoint_digest(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""The digest of the chosen file: another file under the same name is another model."""
	return storage.catalogue.digest(storage.catalogue.path('checkpoints', str(constants['ckpt_name'])))


@node(
	kind='CheckpointLoaderSimple',
	title='Load Checkpoint',
	category='loaders',
	lane='disk',
	facts={
		'MODEL': {'family': FromFile(input='ckpt_name'), 'channels': FromFile(input='ckpt_name')},
		'CLIP': {'family': FromFile(input='ckpt_name')},
		'VAE': {'family': FromFile(input='ckpt_name'), 'channels': FromFile(input='ckpt_name')},
	},
	fingerprint=checkpoint_digest,
)
def load_checkpoint(
	context: Context,
	ckpt_name: Annotated[str, Choice(files_from='models:checkpoints'), 'The checkpoint file.'],
) -> Checkpoint:
	"""Choose a checkpoint: one file that holds a diffusion model, its text encoder and its VAE.

	The weights are read when a later node first needs them, and stay in memory while there is room.
	"""
	digest = context.catalogue.digest(context.catalogue.path('checkpoints', ckpt_name))
	return Checkpoint(
		ModelRef[DiffusionModel](digest, DENOISER),
		ModelRef[TextEncoder](digest, TEXT),
		ModelRef[AutoEncoder](digest, AUTOENCODER),
	)


def add_loaders(loaders: Loaders) -> None:
	"""Register the readers of the three parts."""
	loaders.add(DENOISER, _load_denoiser, measure)
	loaders.add(TEXT, _load_text_encoder, measure)
	loaders.add(AUTOENCODER, _load_autoencoder, measure)


def _load_denoiser(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_denoiser

	return load_denoiser(load)


def _load_text_encoder(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_text_encoder

	return load_text_encoder(load)


def _load_autoencoder(load: Load) -> Weights:
	from nodes.diffusion.checkpoint import load_autoencoder

	return load_autoencoder(load)


def import_libraries() -> None:
	"""Import what the first job would otherwise wait for."""
	from nodes.diffusion import checkpoint, sample

	del checkpoint, sample
