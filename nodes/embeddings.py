"""Textual inversion in prompts: `embedding:name` stands for the vectors of a file in the folder of embeddings."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import JsonValue

from engine.errors import ModelNotFound
from engine.spec import Context
from engine.storage import Storage
from nodes.values import TextEncoder

if TYPE_CHECKING:
	from torch import Tensor

logger = logging.getLogger(__name__)
FOLDER = 'embeddings'
MARK = 'embedding:'
SUFFIXES = ('', '.safetensors', '.pt', '.bin')
TEXTS = ('text', 'text_l', 'text_g', 'clip_l', 'clip_g', 't5xxl')
"""The inputs of text nodes that may name embeddings."""


def embeddings_digest(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""A fingerprint: the files in the folder, if the prompt may name one, which one that comes by a link always may."""
	texts = [constants[name] for name in TEXTS if name in constants]
	if texts and not any(MARK in str(text) for text in texts):
		return ''
	catalogue = storage.catalogue
	hasher = hashlib.sha256()
	for name in catalogue.names(FOLDER):
		# One that cannot be read, or has gone meanwhile, matters only to a prompt that names it, which tells of it then.
		with suppress(ModelNotFound, OSError):
			hasher.update(f'{name}:{catalogue.digest(catalogue.path(FOLDER, name))};'.encode())
	return hasher.hexdigest()


def with_embeddings(context: Context, encoder: TextEncoder) -> TextEncoder:
	"""The encoder, which looks the names of embeddings up in their folder.

	A name of which there is no file is left out, with a warning. Raises `UnknownFormat` for a file of something else.
	"""

	def read(name: str) -> Mapping[str, Tensor] | None:
		from nodes.diffusion.patches.embeddings import read_embedding

		for suffix in SUFFIXES:
			try:
				return read_embedding(context.catalogue.path(FOLDER, name + suffix))
			except ModelNotFound:
				continue
		if name.endswith(','):  # It is asked for again without.
			return None
		told = f'There is no embedding {name!r}; it is left out of the prompt.'
		logger.warning(told)
		context.note(told)
		return None

	return encoder.with_embeddings(read)
