"""Textual inversion (Gal et al. 2022): words that were trained as vectors, for one text encoder or several.

Sources: AUTOMATIC1111's `.pt` files (`string_to_param`), diffusers' `learned_embeds` (`<word>`), SDXL's files (`clip_l`,
`clip_g`).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import ModelNotFound, UnknownFormat
from nodes.diffusion.patches.reading import read_tensors

TOWERS = ('clip_l', 'clip_g', 'clip_h', 't5xxl')
PARAMETERS = 'string_to_param'
PICKLED = ('.pt', '.pth', '.bin')


def read_embedding(path: Path) -> Mapping[str, Tensor]:
	"""The vectors [tokens, width], float32, by the name of the tower that they are for; '' is whatever tower fits.

	Raises `UnknownFormat` for a file that holds no such.
	"""
	tensors = _pickled(path) if path.suffix.lower() in PICKLED else read_tensors(path)
	named = {name: tensors[name] for name in TOWERS if name in tensors}
	if not named and tensors:
		named = {'': next(iter(tensors.values()))}
	if not named or not all(tensor.dim() in (1, 2) and tensor.is_floating_point() for tensor in named.values()):
		raise UnknownFormat(path, 'it holds no vectors of words, as textual inversion gives')
	return {name: tensor.float().reshape(-1, tensor.shape[-1]) for name, tensor in named.items()}


def fitting(embedding: Mapping[str, Tensor], tower: str, width: int) -> Tensor:
	"""The vectors [tokens, width] for a tower of this width; no tokens if there are none for it."""
	vectors = embedding.get(tower, embedding.get(''))
	return vectors if vectors is not None and vectors.shape[-1] == width else torch.zeros(0, width)


def _pickled(path: Path) -> dict[str, Tensor]:
	"""The tensors of a pickled file, read by torch's weights-only loader, which runs no code."""
	try:
		with torch.serialization.safe_globals([torch.nn.ParameterDict]):
			read = torch.load(path, map_location='cpu', weights_only=True)
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
		raise UnknownFormat(path, 'it is no pickled file of tensors alone, or it is damaged') from error
	found = read.get(PARAMETERS, read) if isinstance(read, dict) else {}
	return {str(name): tensor.detach() for name, tensor in dict(found).items() if isinstance(tensor, Tensor)}
