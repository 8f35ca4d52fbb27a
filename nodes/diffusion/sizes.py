"""What the parts of a model file will take in memory, as its header tells: names and shapes, no tensor is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from engine.models import Load, Size
from nodes.diffusion.files import open_source, torch_dtype
from nodes.diffusion.precision import resolved

PREFIXES: Mapping[str, tuple[str, ...]] = {
	'denoiser': ('model.diffusion_model.',),
	'text': ('cond_stage_model.', 'conditioner.embedders.', 'text_encoders.'),
	'vae': ('first_stage_model.', 'vae.'),
}
"""Under which names the parts stand in files that hold a whole model; a file with none of them holds one part alone."""


def measure(load: Load) -> Size:
	"""The bytes of a part's weights in the precision that it is loaded in: a `Measure`.

	The least is what its largest tensor takes: fewer bytes cannot do. Raises `UnknownFormat` and `ModelNotFound`.
	"""
	width = torch_dtype(resolved(load.dtype, load.place, load.part, '')).itemsize
	counts = [math.prod(shape) for path in load.paths for shape in _shapes(open_source(path).shapes, load.part)]
	return Size(sum(counts) * width, max(counts, default=0) * width)


def _shapes(shapes: Mapping[str, tuple[int, ...]], part: str) -> Iterable[tuple[int, ...]]:
	prefixes = PREFIXES.get(part, ())
	if any(name.startswith(prefix) for name in shapes for every in PREFIXES.values() for prefix in every):
		return [shape for name, shape in shapes.items() if name.startswith(prefixes)]
	return shapes.values()
