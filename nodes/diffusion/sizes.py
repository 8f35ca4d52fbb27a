"""What the parts of a model file will take in memory, as its header tells: names and shapes. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from engine.errors import ModelError
from engine.models import Load, Size
from engine.tensorfile import read_header
from nodes.diffusion.precision import resolved

PREFIXES: Mapping[str, tuple[str, ...]] = {
	'denoiser': ('model.diffusion_model.',),
	'text': ('cond_stage_model.', 'conditioner.embedders.', 'text_encoders.'),
	'vae': ('first_stage_model.', 'vae.'),
}
"""Under which names the parts stand in files that hold a whole model; a file with none of them holds one part alone."""

EVERY_PREFIX = tuple(prefix for prefixes in PREFIXES.values() for prefix in prefixes)
WIDTHS = {'float32': 4, 'float16': 2, 'bfloat16': 2}
SHORT = 1
"""Bytes of a value in every other precision."""


def measure(load: Load) -> Size | None:
	"""The bytes of a part's weights in the precision that it is loaded in: a `Measure`.

	The least is what its largest tensor takes: fewer bytes cannot do. None of a file whose header is no safetensors file's:
	its loader says what it is.
	"""
	try:
		shapes = [shape for path in load.paths for shape in _shapes(read_header(path).shapes, load.part)]
	except ModelError:
		return None
	counts = [math.prod(shape) for shape in shapes]
	width = WIDTHS.get(resolved(load.dtype, load.place, load.part, ''), SHORT)
	return Size(sum(counts) * width, max(counts, default=0) * width)


def _shapes(shapes: Mapping[str, tuple[int, ...]], part: str) -> Collection[tuple[int, ...]]:
	prefixes = PREFIXES.get(part, ())
	if any(name.startswith(EVERY_PREFIX) for name in shapes):
		return [shape for name, shape in shapes.items() if name.startswith(prefixes)]
	return [*shapes.values()]
