"""What the parts of a model file will take in memory, as its header tells. Imports torch for pickled files only."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from engine.errors import EngineError, ModelError
from engine.ggufheader import BLOCKS, read_gguf_header
from engine.modelfile import file_format
from engine.modelfolder import DENOISERS, ENCODERS, VAES, component, is_model_folder, weights
from engine.models import AUTO, Load, Size
from engine.tensorfile import BITS, read_header
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.precision import QUANTISED, resolved

PREFIXES: Mapping[str, tuple[str, ...]] = {
	'denoiser': ('model.diffusion_model.',),
	'text': ('cond_stage_model.', 'conditioner.embedders.', 'text_encoders.'),
	'speaker': ('cond_stage_model.', 'conditioner.embedders.', 'text_encoders.'),
	'eyes': ('text_encoders.',),
	'vae': ('first_stage_model.', 'vae.'),
	'clip_vision': ('embedder.model.', 'image_encoder.'),
}
"""Under which names the parts stand in files that hold a whole model; a file with none of them holds one part alone."""

EVERY_PREFIX = tuple(prefix for prefixes in PREFIXES.values() for prefix in prefixes)
FOLDERS: Mapping[str, tuple[str, ...]] = {'denoiser': DENOISERS, 'vae': VAES}
"""The part's folder, the first that is there; text encoders have one each."""

CONTROL_LORA = 'lora_controlnet'
"""The tensor by which a Control-LoRA says what it is."""

EYES = re.compile(r'(^|\.)visual\.')
MOUTH = 'lm_head.weight'
"""Names of what language models have beside what listens: what sees, and what speaks, is a part of its own."""

WIDTHS = {'float32': 4, 'float16': 2, 'bfloat16': 2}
CODED = 1
"""Bytes of a value in every other precision, in which weights of layers are kept; all else is kept as it is computed with."""


class Stored(NamedTuple):
	"""A tensor in a file; `coded` are its bytes if it stays quantised in memory."""

	name: str
	shape: tuple[int, ...]
	coded: int | None = None


def measure(load: Load) -> Size | None:
	"""The bytes of a part's weights in the precision that it is loaded in: a `Measure`.

	The least is what its largest tensor takes: fewer bytes cannot do. What is to be quantised is not streamed. None of a file that cannot be read: its loader says
	why.
	"""
	try:
		parts = _parts(load)
	except ModelError:
		return None
	if load.dtype in QUANTISED:
		row = QUANTISED[load.dtype]
		return Size(sum(_quantised_bytes(one, width, row) for tensors, width in parts for one in tensors))
	sizes = [
		_bytes(one, width, width if _asked(load) == load.dtype else CODED)
		for tensors, width in parts
		for one in tensors
	]
	return Size(sum(sizes), max(sizes, default=0))


def computed_width(load: Load) -> int:
	"""Bytes of a value as a part is computed with, whatever its layers are kept in. Raises what `shapes_of` raises."""
	return max((width for _, width in _parts(load)), default=WIDTHS['float32'])


def known_width(load: Load) -> int:
	"""The same; 0 if the files cannot be read."""
	try:
		return computed_width(load)
	except (EngineError, OSError):
		return 0


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
	"""Names and shapes of a file's tensors. Raises `ModelNotFound` or `UnknownFormat`."""
	return {one.name: one.shape for one in _tensors(path)}


def measure_whole(load: Load) -> Size | None:
	"""The same of what cannot be streamed."""
	size = measure(load)
	return None if size is None else Size(size.nbytes)


def _asked(load: Load) -> str:
	"""The precision that is asked for to compute in."""
	return load.dtype if load.dtype in (AUTO, *WIDTHS) else AUTO


def _parts(load: Load) -> list[tuple[Collection[Stored], int]]:
	"""Of each file, the tensors of the part, and the bytes of a value that is computed with."""
	files = [[*_tensors(file)] for path in load.paths for file in _files(path, load.part)]
	family = next((known[0].name for file in files if (known := find_denoiser(dict(one[:2] for one in file)))), '')
	found = []
	for file in files:
		tensors = _of_part(file, load.part)
		weights = sum(math.prod(one.shape) for one in tensors)
		found.append((tensors, WIDTHS[resolved(replace(load, dtype=_asked(load)), family, weights)]))
	return found


def measure_control(load: Load) -> Size | None:
	"""The same of a control network: a Control-LoRA, which works with layers of another network, cannot be streamed."""
	size = measure(load)
	if size is None or not any(one.name == CONTROL_LORA for path in load.paths for one in _tensors(path)):
		return size
	return Size(size.nbytes)


def _files(path: Path, part: str) -> Iterator[Path]:
	"""The files of a part: of a folder in diffusers' layout, those of its own folders."""
	if not is_model_folder(path):
		yield path
		return
	found = component(path, FOLDERS.get(part, ()))
	folders = [path / name for name in ENCODERS if (path / name).is_dir()] if found is None else [found]
	for folder in folders:
		yield from weights(folder)


def _tensors(path: Path) -> Iterator[Stored]:
	match file_format(path):
		case 'gguf':
			for name, entry in read_gguf_header(path).entries.items():
				coded = entry.dtype in BLOCKS and entry.dtype not in BITS
				yield Stored(name, entry.shape, entry.stop - entry.start if coded else None)
		case 'pickle':
			from nodes.diffusion.pickled_file import open_pickled

			yield from (Stored(*one) for one in open_pickled(path).shapes.items())
		case 'safetensors':
			yield from (Stored(*one) for one in read_header(path).shapes.items())


def _bytes(one: Stored, width: int, layers: int) -> int:
	if one.coded is not None:
		return one.coded
	return math.prod(one.shape) * (layers if len(one.shape) > 1 and one.name.endswith('weight') else width)


def _quantised_bytes(one: Stored, width: int, row: int) -> int:
	"""Of a matrix, one byte a value and so many a row; that it is a linear layer's is not told by the header."""
	if one.coded is not None or len(one.shape) != 2 or not one.name.endswith('weight'):
		return _bytes(one, width, width)
	return math.prod(one.shape) + one.shape[0] * row


def _of_part(tensors: Collection[Stored], part: str) -> Collection[Stored]:
	if part in ('text', 'eyes', 'speaker'):
		sees, speaks = part == 'eyes', part == 'speaker'
		tensors = [
			one for one in tensors if bool(EYES.search(one.name)) == sees and (speaks or not one.name.endswith(MOUTH))
		]
	prefixes = PREFIXES.get(part, ())
	if any(one.name.startswith(EVERY_PREFIX) for one in tensors):
		return [one for one in tensors if one.name.startswith(prefixes)]
	return tensors
