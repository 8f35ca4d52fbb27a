"""Latents in and out of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, BinaryIO

from pydantic import JsonValue

from engine.declaration import Choice, Text
from engine.errors import UnknownFormat
from engine.spec import Context, node
from engine.storage import Storage
from nodes.latent import single_frame
from nodes.values import Latent

TENSOR = 'latent_tensor'
VERSION = 'latent_format_version_0'
"""An empty tensor of this name says that a latent is in the scale of the wire; older files are in Stable Diffusion's."""
OLD_SCALE = 0.18215


def file_digest(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""SHA-256 of the chosen file."""
	with storage.files.find(str(constants['latent'])).open('rb') as stream:
		return hashlib.file_digest(stream, 'sha256').hexdigest()


@node(
	kind='SaveLatent',
	category='_for_testing',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('samples',),
)
def save(
	context: Context,
	samples: Annotated[Latent, 'The latents.'],
	filename_prefix: Annotated[str, Text(default='latents/Lumengraph'), 'Start of the file name; may hold a folder.'],
) -> Latent:
	"""Save latents in the output folder, as safetensors with the workflow inside."""
	import torch
	from safetensors.torch import save as pack

	tensors = {TENSOR: samples.samples.contiguous(), VERSION: torch.tensor([])}
	metadata = {name: json.dumps(value) for name, value in context.metadata.items()}
	content = pack(tensors, metadata)

	def write(stream: BinaryIO) -> None:
		stream.write(content)

	saved = context.files.save(write, filename_prefix, '.latent')
	context.show(latents=[saved.model_dump()])
	return samples


@node(kind='LoadLatent', category='_for_testing', lane='disk', fingerprint=file_digest)
def load(
	context: Context, latent: Annotated[str, Choice(files_from='input:latent'), 'A latent in the input folder.']
) -> Latent:
	"""Read latents of pictures from the input folder, as `SaveLatent` writes them; those of one frame as pictures too."""
	from safetensors import SafetensorError
	from safetensors.torch import load_file

	try:
		tensors = load_file(context.files.find(latent))
		samples = tensors[TENSOR].float()
	except (SafetensorError, KeyError) as error:
		raise UnknownFormat(latent, f'it holds none ({error})', taken_for='a latent') from error
	return single_frame(Latent(samples if VERSION in tensors else samples / OLD_SCALE), 'latent')
