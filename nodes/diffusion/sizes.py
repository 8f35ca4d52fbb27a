"""What the parts of a model file will take in memory, as its header tells: names and shapes. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.errors import ModelError
from engine.models import Load, Size
from engine.tensorfile import read_header
from nodes.diffusion.precision import resolved

PREFIXES: Mapping[str, tuple[str, ...]] = {
	'denoiser': ('model.diffusion_model.',),
	'text': ('cond_stage_model.', 'conditioner.embedders.', 'text_encoders.'),
	'vae': ('first_stage_model.', 'vae.'),
	'clip_vision': ('embedder.model.', 'image_encoder.'),
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
		files = [_counts(read_header(path).shapes, load.part) for path in load.paths]
	except ModelError:
		return None
	widths = [WIDTHS.get(resolved(load, '', sum(counts)), SHORT) for counts in files]
	total = sum(sum(counts) * width for counts, width in zip(files, widths, strict=True))
	largest = max((max(counts, default=0) * width for counts, width in zip(files, widths, strict=True)), default=0)
	return Size(total, largest)


def _counts(shapes: Mapping[str, tuple[int, ...]], part: str) -> list[int]:
	"""The numbers of values of a part's tensors."""
	whole = any(name.startswith(EVERY_PREFIX) for name in shapes)
	prefixes = PREFIXES.get(part, ()) if whole else ('',)
	return [math.prod(shape) for name, shape in shapes.items() if name.startswith(prefixes)]
