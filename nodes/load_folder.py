"""The loader of models that are folders in diffusers' layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import JsonValue

from engine.declaration import Choice, FromFile
from engine.models import ModelRef
from engine.spec import Context, node
from engine.storage import Storage
from nodes.load import AUTOENCODER, DENOISER, TEXT, Checkpoint
from nodes.values import AutoEncoder, DiffusionModel, TextEncoder


def folder_digest(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""The digest of the chosen folder, over all of its files."""
	return storage.catalogue.digest(storage.catalogue.path('diffusers', str(constants['model_path'])))


@node(
	kind='DiffusersLoader',
	category='advanced/loaders/deprecated',
	lane='disk',
	facts={
		'MODEL': {'family': FromFile(input='model_path'), 'channels': FromFile(input='model_path')},
		'CLIP': {'family': FromFile(input='model_path')},
		'VAE': {'family': FromFile(input='model_path'), 'channels': FromFile(input='model_path')},
	},
	fingerprint=folder_digest,
)
def load_folder(
	context: Context,
	model_path: Annotated[
		str, Choice(files_from='models:diffusers'), 'A folder with model_index.json and a subfolder for each part.'
	],
) -> Checkpoint:
	"""Choose a model that is a folder, as diffusers saves them: the diffusion model, its text encoders and its VAE.

	The weights are read when a later node first needs them, and stay in memory while there is room.
	"""
	digest = context.catalogue.digest(context.catalogue.path('diffusers', model_path))
	return Checkpoint(
		ModelRef[DiffusionModel](digest, DENOISER),
		ModelRef[TextEncoder](digest, TEXT),
		ModelRef[AutoEncoder](digest, AUTOENCODER),
	)
